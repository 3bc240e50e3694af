#include "registry/image_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "registry/digest.h"

namespace pinnace::registry {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ImageStoreTest : public testing::Test {
 protected:
  ImageStoreTest() {
    std::string path = (fs::temp_directory_path() / "image-store-XXXXXX").string();
    directory_ = mkdtemp(path.data());
    store_ = *ImageStore::open((directory_ / "store").string());
  }
  ~ImageStoreTest() override { fs::remove_all(directory_); }

  void write(const std::string& path, std::string_view text) {
    fs::create_directories((directory_ / path).parent_path());
    std::ofstream(directory_ / path, std::ios::binary) << text;
  }
  std::string add_blob(std::string_view text) {
    const std::string digest = digest_of(text);
    write("layout/blobs/sha256/" + digest.substr(7), text);
    return digest;
  }
  static std::string descriptor(const std::string& media_type, const std::string& digest,
                                std::size_t size) {
    return R"({"mediaType":")" + media_type + R"(","digest":")" + digest + R"(","size":)" +
           std::to_string(size) + "}";
  }
  // A layout with one image of one layer, and its manifest's digest.
  std::string make_layout(const std::string& name, const std::string& layer = "a layer") {
    const std::string config = add_blob("{}"), layer_digest = add_blob(layer);
    const std::string manifest =
        R"({"schemaVersion":2,"config":)" +
        descriptor("application/vnd.oci.image.config.v1+json", config, 2) + R"(,"layers":[)" +
        descriptor("application/vnd.oci.image.layer.v1.tar", layer_digest, layer.size()) + "]}";
    const std::string digest = add_blob(manifest);
    write("layout/index.json",
          R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
              digest + R"(","size":)" + std::to_string(manifest.size()) +
              R"(,"annotations":{"io.containerd.image.name":")" + name + R"("}}]})");
    return digest;
  }
  std::string layout() const { return (directory_ / "layout").string(); }

  fs::path directory_;
  std::unique_ptr<ImageStore> store_;
};

TEST_F(ImageStoreTest, ResolvesALoadedImageByTagAndDigest) {
  const std::string digest = make_layout("pinnace/hello:1");
  const auto loaded = store_->load(layout());
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->size(), 1u);
  EXPECT_EQ(loaded->front().text(), "docker.io/pinnace/hello:1");
  EXPECT_EQ(store_->resolve(*parse_reference("pinnace/hello:1"))->digest, digest);
  EXPECT_EQ(store_->resolve(*parse_reference("anything@" + digest))->digest, digest);
  EXPECT_EQ(store_->resolve(*parse_reference("pinnace/hello:2")).error().code, 404);
}

TEST_F(ImageStoreTest, ASecondNameOutlivesTheFirst) {
  const std::string digest = make_layout("hello:1");
  ASSERT_TRUE(store_->load(layout()));
  ASSERT_TRUE(store_->tag(*parse_reference("hello:1"), *parse_reference("wardviaene/k8s-demo")));
  ASSERT_TRUE(store_->remove(*parse_reference("hello:1")));
  EXPECT_EQ(store_->resolve(*parse_reference("wardviaene/k8s-demo"))->digest, digest);
  EXPECT_TRUE(fs::exists(store_->blob_path(digest)));
  ASSERT_TRUE(store_->remove(*parse_reference("wardviaene/k8s-demo")));
  EXPECT_FALSE(fs::exists(store_->blob_path(digest)));
}

TEST_F(ImageStoreTest, ListsNamesWithTheirWholeSize) {
  make_layout("hello:1", "0123456789");
  ASSERT_TRUE(store_->load(layout()));
  const auto images = store_->list();
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 1u);
  EXPECT_EQ(images->front().reference.familiar(), "hello:1");
  EXPECT_EQ(images->front().size_bytes, images->front().manifest.size_bytes + 2 + 10);
}

TEST_F(ImageStoreTest, RefusesABlobThatIsNotWhatItsNameSays) {
  make_layout("hello:1");
  write("layout/blobs/sha256/" + digest_of("something").substr(7), "something else");
  const auto loaded = store_->load(layout());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("does not have the digest"));
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(ImageStoreTest, RefusesAnImageThatLacksALayer) {
  make_layout("hello:1", "lost");
  fs::remove(directory_ / "layout/blobs/sha256" / digest_of("lost").substr(7));
  const auto loaded = store_->load(layout());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("lacks blob"));
}

TEST_F(ImageStoreTest, ReadsADockerArchivesDirectory) {
  write("docker/config.json", R"({"architecture":"amd64"})");
  write("docker/abc/layer.tar", "tar bytes");
  write("docker/manifest.json",
        R"([{"Config":"config.json","RepoTags":["web:2"],"Layers":["abc/layer.tar"]}])");
  const auto loaded = store_->load((directory_ / "docker").string());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->front().familiar(), "web:2");
  EXPECT_TRUE(fs::exists(store_->blob_path(digest_of("tar bytes"))));
}

TEST_F(ImageStoreTest, SaysWhyAFileIsNoImage) {
  write("notes.txt", "not an archive");
  EXPECT_THAT(store_->load((directory_ / "notes.txt").string()).error().message,
              HasSubstr("not an image archive"));
  EXPECT_THAT(store_->load("/nowhere.tar").error().message, HasSubstr("there is no file"));
}

}  // namespace
}  // namespace pinnace::registry

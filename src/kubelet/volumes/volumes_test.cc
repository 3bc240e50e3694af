#include "kubelet/volumes/volumes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "kubelet/pod/leftovers.h"
#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string text(const fs::path& path) { return read_file(path.string()).value_or("(none)"); }
mode_t mode(const fs::path& path) {
  struct stat info {};
  stat(path.c_str(), &info);
  return info.st_mode & 07777;
}

TEST(AtomicWriter, SwapsAllFilesAtOnce) {
  const TempDir dir;
  EXPECT_TRUE(*write_atomically(dir.path(), {{"a", {"1", 0640}}, {"deep/b", {"2", 0644}}}));
  EXPECT_EQ(text(dir.path() + "/a"), "1");
  EXPECT_EQ(text(dir.path() + "/deep/b"), "2");
  EXPECT_EQ(mode(dir.path() + "/a"), 0640u);
  EXPECT_EQ(fs::read_symlink(dir.path() + "/a"), "..data/a");
  const auto before = fs::read_symlink(dir.path() + "/..data");
  EXPECT_FALSE(*write_atomically(dir.path(), {{"a", {"1", 0640}}, {"deep/b", {"2", 0644}}}));
  EXPECT_EQ(fs::read_symlink(dir.path() + "/..data"), before);
  EXPECT_TRUE(*write_atomically(dir.path(), {{"c", {"3", 0644}}}));
  EXPECT_EQ(text(dir.path() + "/c"), "3");
  EXPECT_FALSE(fs::exists(fs::symlink_status(dir.path() + "/a")));
  EXPECT_FALSE(fs::exists(dir.path() / before));
}

TEST(AtomicWriter, RefusesPathsThatLeave) {
  const TempDir dir;
  for (const char* path : {"", "/etc/passwd", "../x", "a/../../x", "..x", "a//b"}) {
    EXPECT_EQ(write_atomically(dir.path(), {{path, {"x", 0644}}}).error().code, 400) << path;
  }
}

TEST(ResolveBeneath, FollowsLinksButNeverOut) {
  const TempDir dir;
  const std::string root = dir.path() + "/volume";
  fs::create_directories(root + "/in");
  std::ofstream(dir.path() + "/secret") << "x";
  fs::create_symlink("in", root + "/good");
  fs::create_symlink("../secret", root + "/bad");
  fs::create_directory_symlink("/", root + "/slash");
  const auto where = [&](const std::string& below) -> std::string {
    const auto open = resolve_beneath(root, below);
    if (!open) return std::to_string(open.error().code);
    return fs::read_symlink("/proc/self/fd/" + std::to_string(open->get())).string();
  };
  EXPECT_EQ(where("good"), root + "/in");
  EXPECT_EQ(where("made/deep"), root + "/made/deep");
  EXPECT_EQ(where("in/../good"), root + "/in");
  EXPECT_EQ(where("bad"), "400");
  EXPECT_EQ(where("slash/etc"), "400");
  EXPECT_EQ(where("../secret"), "400");
  EXPECT_EQ(where("made/../../new"), "400");
  EXPECT_FALSE(fs::exists(dir.path() + "/new"));
}

class VolumesTest : public ::testing::Test, public Harness {
 protected:
  core::Volume& add(const std::string& name) {
    core::Volume volume;
    volume.name = name;
    pod.spec.volumes.push_back(volume);
    return pod.spec.volumes.back();
  }
  std::string prepare() {
    auto made = volumes.prepare(pod, {"node", "192.0.2.1", {"10.0.0.5"}, 1000, 1000});
    if (!made) return made.error().error.message;
    paths = std::move(*made);
    return "";
  }
  core::Pod pod = make_pod("p", {make_container("c")});
  Volumes::Paths paths;
};

TEST_F(VolumesTest, MakesEmptyDirsThatAnyoneMayUse) {
  add("e").empty_dir.emplace();
  ASSERT_EQ(prepare(), "");
  EXPECT_EQ(mode(paths["e"]), 0777u);
  std::ofstream(paths["e"] + "/f") << "kept";
  ASSERT_EQ(prepare(), "");
  EXPECT_EQ(text(paths["e"] + "/f"), "kept");
  ASSERT_TRUE(volumes.tear_down("p-uid"));
  EXPECT_FALSE(fs::exists(paths["e"]));
}

TEST_F(VolumesTest, ChecksWhatAHostPathIs) {
  const std::string base = dir.path() + "/host";
  fs::create_directories(base + "/directory");
  std::ofstream(base + "/file") << "x";
  const auto check = [&](const std::string& path, const std::string& type) {
    pod.spec.volumes.clear();
    auto& source = add("h").host_path.emplace();
    source.path = base + path;
    source.type = type;
    return prepare();
  };
  EXPECT_EQ(check("/directory", "Directory"), "");
  EXPECT_EQ(check("/file", "File"), "");
  EXPECT_EQ(check("/new-directory", "DirectoryOrCreate"), "");
  EXPECT_EQ(check("/new-file", "FileOrCreate"), "");
  EXPECT_EQ(check("/anything", ""), "");
  EXPECT_TRUE(fs::is_regular_file(base + "/new-file"));
  EXPECT_EQ(check("/file", "Directory"),
            "hostPath type check failed: " + base + "/file is not a directory");
  EXPECT_EQ(check("/none", "File"), "hostPath type check failed: " + base + "/none is not a file");
  EXPECT_THAT(check("/file", "Socket"), HasSubstr("is not a socket file"));
}

TEST_F(VolumesTest, WritesChosenKeysOfObjects) {
  core::Secret secret;
  secret.metadata.namespace_ = "default";
  secret.metadata.name = "s";
  secret.data = {{"key", "v"}, {"other", "w"}};
  server.put(secret);
  auto& source = add("s").secret.emplace();
  source.secret_name = "s";
  source.default_mode = 0400;
  core::KeyToPath item;
  item.key = "key";
  item.path = "sub/name";
  source.items = {item};
  ASSERT_EQ(prepare(), "");
  EXPECT_EQ(paths["s"], dir.path() + "/volatile/p-uid/s");
  EXPECT_EQ(text(paths["s"] + "/sub/name"), "v");
  EXPECT_EQ(mode(paths["s"] + "/sub/name"), 0400u);
  EXPECT_FALSE(fs::exists(paths["s"] + "/other"));
  source.items[0].key = "none";
  EXPECT_EQ(prepare(), "references non-existent config key: none");
  source.optional = true;
  EXPECT_EQ(prepare(), "");
  source.secret_name = "missing";
  EXPECT_EQ(prepare(), "");
  source.optional = false;
  EXPECT_NE(prepare(), "");
}

TEST_F(VolumesTest, WritesTheDownwardApi) {
  core::DownwardAPIVolumeFile name, cpu;
  name.path = "name";
  name.field_ref.emplace().field_path = "metadata.name";
  cpu.path = "cpu";
  auto& reference = cpu.resource_field_ref.emplace();
  reference.container_name = "c";
  reference.resource = "limits.cpu";
  add("d").downward_api.emplace().items = {name, cpu};
  ASSERT_EQ(prepare(), "");
  EXPECT_EQ(text(paths["d"] + "/name"), "p");
  EXPECT_EQ(text(paths["d"] + "/cpu"), "1");
}

TEST_F(VolumesTest, FollowsAClaimToItsVolume) {
  core::PersistentVolumeClaim claim;
  claim.metadata.namespace_ = "default";
  claim.metadata.name = "data";
  server.put(claim);
  add("v").persistent_volume_claim.emplace().claim_name = "data";
  EXPECT_EQ(prepare(), "persistentvolumeclaim \"data\" is not bound to a volume");
  claim.spec.volume_name = "disk";
  server.put(claim);
  core::PersistentVolume volume;
  volume.metadata.name = "disk";
  volume.spec.host_path.emplace().path = dir.path() + "/disk";
  volume.spec.host_path->type = "DirectoryOrCreate";
  server.put(volume);
  ASSERT_EQ(prepare(), "");
  EXPECT_EQ(paths["v"], dir.path() + "/disk");
}

TEST_F(VolumesTest, MountsWhatMustNotChangeReadOnly) {
  add("e").empty_dir.emplace();
  core::ConfigMap map;
  map.metadata.namespace_ = "default";
  map.metadata.name = "m";
  server.put(map);
  add("m").config_map.emplace().name = "m";
  ASSERT_EQ(prepare(), "");
  core::VolumeMount e, m;
  e.name = "e";
  e.mount_path = "relative";
  e.mount_propagation = "HostToContainer";
  m.name = "m";
  m.mount_path = "/m";
  auto container = make_container("c");
  container.volume_mounts = {e, m};
  const auto mounts = volumes.mounts(pod, container, paths, {});
  ASSERT_TRUE(mounts);
  EXPECT_EQ((*mounts)[0],
            (cri::Mount{"/relative", paths["e"], false, cri::Propagation::kHostToContainer}));
  EXPECT_EQ((*mounts)[1], (cri::Mount{"/m", paths["m"], true, cri::Propagation::kPrivate}));
  container.volume_mounts[0].name = "none";
  EXPECT_EQ(volumes.mounts(pod, container, paths, {}).error().message,
            "cannot find volume \"none\" to mount into container \"c\"");
}

TEST(Leftovers, GoUnlessTheirPodIsKnown) {
  const TempDir dir;
  for (const char* path :
       {"/pods/a/volumes/x", "/pods/b", "/run/a/s", "/run/b", "/logs/ns_x_a/c", "/logs/ns_x_b"}) {
    fs::create_directories(dir.path() + path);
  }
  remove_leftovers({{dir.path() + "/pods", dir.path() + "/run"}, dir.path() + "/logs", "/no-group"},
                   [](std::string_view uid) { return uid == "b"; });
  for (const char* gone : {"/pods/a", "/run/a", "/logs/ns_x_a"}) {
    EXPECT_FALSE(fs::exists(dir.path() + gone)) << gone;
  }
  for (const char* kept : {"/pods/b", "/run/b", "/logs/ns_x_b"}) {
    EXPECT_TRUE(fs::exists(dir.path() + kept)) << kept;
  }
}

}  // namespace
}  // namespace pinnace::kubelet::testing

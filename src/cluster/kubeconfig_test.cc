#include "cluster/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "io/files.h"

namespace pinnace::cluster {
namespace {

using testing::HasSubstr;
using testing::Not;

class KubeconfigTest : public testing::Test {
 protected:
  KubeconfigTest() {
    std::string path = (std::filesystem::temp_directory_path() / "kubeconfig-XXXXXX").string();
    directory_ = mkdtemp(path.data());
    path_ = directory_ + "/sub/config";
  }
  ~KubeconfigTest() override { std::filesystem::remove_all(directory_); }
  std::string text() const { return *io::read_file(path_); }

  std::string directory_, path_;
  const KubeconfigEntry entry_{.context = "pinnace",
                               .server = "https://127.0.0.1:6443",
                               .ca_pem = "authority",
                               .certificate_pem = "certificate",
                               .private_key_pem = "key"};
};

TEST_F(KubeconfigTest, ReadsBackWhatItMerged) {
  ASSERT_TRUE(merge_kubeconfig(path_, entry_));
  const auto entry = read_kubeconfig(path_);
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->server, entry_.server);
  EXPECT_EQ(entry->ca_pem, "authority");
  EXPECT_EQ(entry->certificate_pem, "certificate");
  EXPECT_EQ(entry->private_key_pem, "key");
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(KubeconfigTest, KeepsWhatElseIsInTheFile) {
  std::filesystem::create_directories(directory_ + "/sub");
  std::ofstream(path_) << "apiVersion: v1\nkind: Config\npreferences: {colors: true}\n"
                          "clusters:\n- name: other\n  cluster:\n    server: https://other:1\n"
                          "users: []\ncontexts: []\ncurrent-context: other\n";
  ASSERT_TRUE(merge_kubeconfig(path_, entry_));
  ASSERT_TRUE(merge_kubeconfig(path_, entry_));  // Twice is once.
  EXPECT_THAT(text(), HasSubstr("https://other:1"));
  EXPECT_THAT(text(), HasSubstr("colors: true"));
  EXPECT_EQ(read_kubeconfig(path_)->context, "pinnace");
  ASSERT_TRUE(remove_from_kubeconfig(path_, "pinnace"));
  EXPECT_THAT(text(), HasSubstr("https://other:1"));
  EXPECT_THAT(text(), Not(HasSubstr("pinnace")));
}

TEST_F(KubeconfigTest, LeavesAFileAloneThatIsNoKubeconfig) {
  std::filesystem::create_directories(directory_ + "/sub");
  std::ofstream(path_) << "- a list\n";
  const auto merged = merge_kubeconfig(path_, entry_);
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message, HasSubstr("is not a kubeconfig"));
  EXPECT_EQ(text(), "- a list\n");
}

TEST_F(KubeconfigTest, RemovingFromNoFileIsNoError) {
  EXPECT_TRUE(remove_from_kubeconfig(path_, "pinnace"));
  EXPECT_FALSE(read_kubeconfig(path_));
}

}  // namespace
}  // namespace pinnace::cluster

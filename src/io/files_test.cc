#include "io/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinnace::io {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/files.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(dir_)); }
  std::string dir_;
};

TEST_F(Files, WritesAtomicallyWithTheModeAskedFor) {
  std::string path = dir_ + "/key";
  ASSERT_TRUE(write_file_atomic(path, "one", 0600));
  ASSERT_TRUE(write_file_atomic(path, "two", 0640));
  EXPECT_EQ(read_file(path).value(), "two");
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_EQ(list_directory(dir_).value(), std::vector<std::string>{"key"});
}

TEST_F(Files, RefusesToReadMoreThanItsBound) {
  ASSERT_TRUE(write_file(dir_ + "/f", std::string(100, 'x')));
  EXPECT_EQ(read_file(dir_ + "/f", 99).error().code, 413);
  EXPECT_EQ(read_file(dir_ + "/f", 100).value().size(), 100u);
  EXPECT_EQ(read_file(dir_ + "/none").error().code, 404);
  EXPECT_FALSE(read_file("/proc/self/stat").value().empty());
}

TEST_F(Files, RemovesATreeWithoutFollowingLinks) {
  ASSERT_TRUE(make_directories(dir_ + "/keep/me"));
  ASSERT_TRUE(make_directories(dir_ + "/t/a/b/c"));
  ASSERT_TRUE(write_file(dir_ + "/t/a/f", "x"));
  ASSERT_EQ(symlink((dir_ + "/keep").c_str(), (dir_ + "/t/a/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(dir_ + "/t"));
  EXPECT_FALSE(exists(dir_ + "/t"));
  EXPECT_TRUE(exists(dir_ + "/keep/me"));
  EXPECT_TRUE(remove_tree(dir_ + "/t"));
}

TEST_F(Files, OpensOnlyBeneathTheRoot) {
  ASSERT_TRUE(make_directories(dir_ + "/root/sub"));
  ASSERT_TRUE(write_file(dir_ + "/secret", "x"));
  ASSERT_EQ(symlink("../secret", (dir_ + "/root/link").c_str()), 0);
  auto made = open_beneath(dir_ + "/root", "sub/new", O_WRONLY | O_CREAT, 0600);
  ASSERT_TRUE(made);
  EXPECT_TRUE(write_all(made->get(), "hello"));
  EXPECT_FALSE(open_beneath(dir_ + "/root", "../secret", O_RDONLY));
  EXPECT_FALSE(open_beneath(dir_ + "/root", "link", O_RDONLY));
  EXPECT_FALSE(open_beneath(dir_ + "/root", "/etc/passwd", O_RDONLY));
}

}  // namespace
}  // namespace pinnace::io

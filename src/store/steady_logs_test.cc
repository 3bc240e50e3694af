#include "store/steady_logs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "io/files.h"
#include "store/rocks_journal.h"
#include "store/test_support.h"

namespace pinnace::store {
namespace {

using testing::ScratchDirectory;
namespace fs = std::filesystem;

constexpr std::size_t kBlock = 32 << 10;

std::string record(std::size_t length, char type = 1) {
  std::string out = "crc!";
  out += static_cast<char>(length & 0xff);
  out += static_cast<char>(length >> 8);
  return (out += type) += std::string(length, 'x');
}

TEST(WrittenBytes, EndBeforeTheFirstRecordThatIsNotThere) {
  const std::string two = record(10) + record(300);
  EXPECT_EQ(written_bytes(""), 0u);
  EXPECT_EQ(written_bytes(two), two.size());
  EXPECT_EQ(written_bytes(two + std::string(100, '\0')), two.size());
  EXPECT_EQ(written_bytes(two + std::string(100, '\0') + record(5)), two.size());
  EXPECT_EQ(written_bytes(std::string(kBlock, '\0') + record(5)), 0u);
}

TEST(WrittenBytes, GoOnInTheNextBlockWhereNoHeaderFits) {
  const std::string first = record(kBlock - 7 - 6) + std::string(6, '\0');
  ASSERT_EQ(first.size(), kBlock);
  EXPECT_EQ(written_bytes(first + record(5)), first.size() + 12);
  EXPECT_EQ(written_bytes(first + record(5) + std::string(9, '\0')), first.size() + 12);
}

TEST(WrittenBytes, LeaveWhatIsTornToWhoeverReads) {
  const std::string torn = record(300).substr(0, 100);
  EXPECT_EQ(written_bytes(torn), torn.size());
  EXPECT_EQ(written_bytes(torn.substr(0, 3)), 3u);
  EXPECT_EQ(written_bytes(record(2 * kBlock)), record(2 * kBlock).size());
}

class SteadyLogs : public ::testing::Test {
 protected:
  static constexpr std::size_t kSmall = 1000;
  // Where the log ends then.
  std::size_t put(Journal& journal, const std::string& key, std::size_t bytes = kSmall) {
    Journal::Batch batch;
    batch.puts.push_back({key, std::string(bytes, 'h'), {}});
    EXPECT_TRUE(journal.write(batch, true));
    return written_bytes(io::read_file(log_in(directory_), kLogStepBytes).value());
  }
  static std::string log_in(const std::string& directory) {
    for (const auto& file : fs::directory_iterator(directory)) {
      if (file.path().extension() == ".log") return file.path();
    }
    return {};
  }
  static std::string keys_in(const std::string& directory) {
    const auto journal = open_rocks_journal(directory);
    if (!journal) return journal.error().message;
    std::string keys;
    const auto scanned = (*journal)->scan([&](std::string_view key, std::string_view) {
      keys += key;
      return Result<void>();
    });
    return scanned ? keys : scanned.error().message;
  }
  // The directory as a loss of power would leave it, but for these bytes of the log.
  std::string crashed(std::size_t at, std::size_t count) {
    const std::string copy = scratch_.path() + "/copy" + std::to_string(++copies_);
    fs::copy(directory_, copy);
    std::fstream log(log_in(copy), std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(static_cast<std::streamoff>(at));
    log << std::string(count, '\0');
    return copy;
  }

  const ScratchDirectory scratch_;
  const std::string directory_ = scratch_.path() + "/db";
  int copies_ = 0;
};

TEST_F(SteadyLogs, GrowByStepsAndAreCutWhenTheyAreClosed) {
  std::string log;
  {
    const auto journal = open_rocks_journal(directory_);
    ASSERT_TRUE(journal);
    for (const char* key : {"a", "b", "c"}) put(**journal, key);
    log = log_in(directory_);
    EXPECT_EQ(fs::file_size(log), kLogStepBytes);
  }
  EXPECT_LT(fs::file_size(log), kLogStepBytes);
  EXPECT_EQ(keys_in(directory_), "abc");
}

TEST_F(SteadyLogs, AreReadUntilTheFirstRecordThatDidNotComeToTheDisk) {
  const auto journal = open_rocks_journal(directory_);
  ASSERT_TRUE(journal);
  const std::size_t first = put(**journal, "a");
  // The second ends with its block: RocksDB by itself goes on after zeros with the next block. Its
  // size takes one byte more than that of the first.
  const std::size_t second = put(**journal, "b", kSmall + kBlock - 2 * first - 1);
  ASSERT_EQ(second, kBlock);
  const std::size_t third = put(**journal, "c");
  EXPECT_EQ(keys_in(crashed(third, 10)), "abc");
  EXPECT_EQ(keys_in(crashed(second, third - second)), "ab");
  EXPECT_EQ(keys_in(crashed(first, second - first)), "a");
  EXPECT_EQ(keys_in(crashed(third - 500, 500)), "ab");  // Half of the last one came.
}

}  // namespace
}  // namespace pinnace::store

#include "store/rocks_journal.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "store/steady_logs.h"

namespace pinnace::store {

namespace {

constexpr int kTriesBeside = 5;

Unexpected failed(const std::string& what, const rocksdb::Status& status) {
  return errors::internal(what + ": " + status.ToString());
}

// Everything that is read often is in our own memory: RocksDB gets just enough to write well.
rocksdb::Options small_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = 4 << 20;
  options.max_write_buffer_number = 2;
  options.arena_block_size = 64 << 10;
  options.max_total_wal_size = 16 << 20;
  options.target_file_size_base = 16 << 20;
  options.max_bytes_for_level_base = 64 << 20;
  options.max_background_jobs = 2;
  options.max_open_files = 64;
  options.max_file_opening_threads = 1;
  // What is flushed is soon written anew with the rest: it is not worth compressing before.
  options.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression};
  options.level0_file_num_compaction_trigger = 16;
  options.level0_slowdown_writes_trigger = 48;
  options.level0_stop_writes_trigger = 64;
  // One thread writes, and nobody reads what was just written: it is put in order when it is
  // flushed, not record by record.
  options.memtable_factory.reset(new rocksdb::VectorRepFactory());
  options.allow_concurrent_memtable_write = false;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.avoid_flush_during_recovery = true;
  options.avoid_flush_during_shutdown = true;
  options.info_log_level = rocksdb::ERROR_LEVEL;
  options.keep_log_file_num = 1;
  options.max_manifest_file_size = 1 << 20;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  table.block_size = 32 << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksJournal final : public Journal {
 public:
  RocksJournal(std::unique_ptr<rocksdb::Env> environment, std::unique_ptr<rocksdb::DB> db)
      : environment_(std::move(environment)), db_(std::move(db)) {}
  ~RocksJournal() override { db_->Close().PermitUncheckedError(); }

  Result<void> write(const Batch& batch, bool sync) override {
    rocksdb::WriteBatch writes;
    for (const auto& put : batch.puts) {
      const rocksdb::Slice key(put.key);
      const rocksdb::Slice parts[] = {put.head, {put.body.data(), put.body.size()}};
      writes.Put(rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(parts, 2));
    }
    for (const auto& key : batch.removals) writes.Delete(key);
    rocksdb::WriteOptions options;
    options.sync = sync;
    const auto status = db_->Write(options, &writes);
    if (!status.ok()) return failed("cannot write to the store", status);
    return {};
  }

  Result<void> scan(const Visit& visit) override {
    rocksdb::ReadOptions options;
    options.readahead_size = 1 << 20;
    options.verify_checksums = true;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      if (auto visited = visit(at->key().ToStringView(), at->value().ToStringView()); !visited) {
        return visited;
      }
    }
    if (!at->status().ok()) return failed("cannot read the store", at->status());
    return {};
  }

  // Old values stand in the log, which a flush ends, and in tables, which are written anew.
  Result<void> purge() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    const auto status = db_->CompactRange(options, nullptr, nullptr);
    if (!status.ok()) return failed("cannot compact the store", status);
    return {};
  }

 private:
  const std::unique_ptr<rocksdb::Env> environment_;
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

Result<std::unique_ptr<Journal>> open_rocks_journal(const std::string& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) return errors::system("cannot make " + directory, failure.value());
  auto environment = rocksdb::NewCompositeEnv(make_steady_logs());
  rocksdb::Options options = small_options();
  options.env = environment.get();
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, directory, &db);
  if (!status.ok()) return failed("cannot open the store in " + directory, status);
  return std::make_unique<RocksJournal>(std::move(environment), std::unique_ptr<rocksdb::DB>(db));
}

Result<std::unique_ptr<Journal>> open_rocks_journal_beside(const std::string& directory) {
  if (!std::filesystem::exists(directory + "/CURRENT")) {
    auto error = errors::internal("there is no store in " + directory);
    error.error().code = 404;
    return error;
  }
  // It writes a log of its own. All files are opened at once: the owner may remove them any time.
  std::string pattern = (std::filesystem::temp_directory_path() / "pinnace-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return errors::system("cannot make " + pattern, errno);
  auto environment = rocksdb::NewCompositeEnv(make_steady_logs());
  rocksdb::Options options = small_options();
  options.env = environment.get();
  options.create_if_missing = false;
  options.max_open_files = -1;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  // The last record may just be written, and half of it is no record. It is whole a moment later;
  // what is damaged stays so.
  for (int tries = 0; tries < kTriesBeside; ++tries) {
    status = rocksdb::DB::OpenAsSecondary(options, directory, pattern, &db);
    if (!status.IsCorruption()) break;
  }
  std::error_code ignored;
  std::filesystem::remove_all(pattern, ignored);
  if (!status.ok()) return failed("cannot open the store in " + directory, status);
  return std::make_unique<RocksJournal>(std::move(environment), std::unique_ptr<rocksdb::DB>(db));
}

}  // namespace pinnace::store

// A file system for RocksDB whose logs grow by large steps of zeros, and are cut when they are
// closed.
//
// Why: a log that grows with each record makes each sync write its inode too, which is a second
//   wait for the disk, or a commit of the file system's own journal. Within zeros that are on disk
//   already a sync writes the record alone.
// What is read of a log ends before the first record that is not there, as the zeros of a log that
//   is written, or was when the power went, must not be skipped: later records may have come to the
//   disk, or to a reader beside, before earlier ones.
// Errors: a log that cannot grow fails the write that needed it.
// Bounds: kLogStepBytes at the end of the current log; each byte of a log is written twice. A log
//   is read as a whole: it has as many bytes as RocksDB lets it grow to.
// Source: RocksDB's "Write Ahead Log File Format".
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string_view>

namespace pinnace::store {

inline constexpr std::uint64_t kLogStepBytes = 1 << 20;

std::shared_ptr<rocksdb::FileSystem> make_steady_logs();

// How many bytes at the beginning of a log have a record in each place where one should be.
std::size_t written_bytes(std::string_view log);

}  // namespace pinnace::store

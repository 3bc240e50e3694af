// What the agent reads about the machine that it runs on.
//
// Threads: any; blocks on small reads of /proc, /sys and /etc. What cannot be read is empty or
//   zero.
#pragma once

#include <cstdint>
#include <string>

namespace pinnace::kubelet {

// Does not change while the machine runs.
struct Machine {
  std::string machine_id, system_uuid, boot_id;
  std::string kernel_version, os_image;
  std::string architecture;  // In Go's words: "amd64", "arm64".
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
};
Machine read_machine();

struct Filesystem {
  std::uint64_t capacity_bytes = 0, available_bytes = 0;
  std::uint64_t inodes = 0, inodes_free = 0;
};
// Of the filesystem that the path lies on.
Filesystem read_filesystem(const std::string& path);
// MemAvailable.
std::int64_t read_available_memory_bytes();

}  // namespace pinnace::kubelet

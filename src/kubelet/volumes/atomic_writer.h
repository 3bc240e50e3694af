// write_atomically puts a set of files into a directory so that readers see the old set or the new.
//
// The files lie in a directory of their own; "..data" is a link to it that one rename swaps, and
// "name" links to "..data/name".
// Threads: any, one at a time for one directory.
// Errors: 400 for a path that leaves the directory; 500 with the system's message.
// Source: Kubernetes documentation, "ConfigMaps": mounted ConfigMaps are updated automatically.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"

namespace pinnace::kubelet {

struct PayloadFile {
  std::string data;
  std::uint32_t mode = 0644;
  bool operator==(const PayloadFile&) const = default;
};
using Payload = std::map<std::string, PayloadFile>;  // By relative path.

// True if something was written. `group` owns the files and may read them.
Result<bool> write_atomically(const std::string& directory, const Payload& payload,
                              std::optional<std::int64_t> group = std::nullopt);

}  // namespace pinnace::kubelet

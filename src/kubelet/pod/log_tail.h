// Text out of container logs and small files, for termination messages.
#pragma once

#include <optional>
#include <string>

namespace pinnace::kubelet {

// The first bytes of a file; nothing when there is none or it is empty.
std::optional<std::string> read_head(const std::string& path, std::size_t max_bytes);
// What the last lines of a CRI log say, without their times; at most `max_bytes` of it.
std::string log_tail(const std::string& path, int max_lines, std::size_t max_bytes);

}  // namespace pinnace::kubelet

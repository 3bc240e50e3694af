// SHA-256 of bytes and files, as an OCI digest ("sha256:HEX").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::registry {

std::string digest_of(std::string_view bytes);

struct FileDigest {
  std::string digest;
  std::uint64_t size_bytes = 0;
};
Result<FileDigest> digest_of_file(const std::string& path);

}  // namespace pinnace::registry

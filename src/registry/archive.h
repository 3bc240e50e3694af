// Unpacks an image archive (tar, plain or compressed) into a directory.
#pragma once

#include <string>

#include "base/error.h"

namespace pinnace::registry {

// Writes the regular files of `archive` below `directory`, and makes links inside it into copies of
// what they name. Names that would leave the directory are refused.
// Bounds: 10,000 entries; names of at most 512 bytes.
// Errors: 400 with what is wrong with the archive.
Result<void> unpack(const std::string& archive, const std::string& directory);

}  // namespace pinnace::registry

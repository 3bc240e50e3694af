// The file of a backup: every object of a cluster at one revision, of either store, for either.
//
//   "pinnace backup 1\n"
//   revision of the content, 8 bytes big-endian
//   for each object: the length of its record (8 bytes, not 0), its revision (8 bytes), and the
//     record (store/record.h)
//   0 (8 bytes), the number of objects (8 bytes)
//   SHA-256 of all before it
//
// Errors: 400 for a file that is none, is cut short or was changed.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/transfer.h"

namespace pinnace::cluster {

std::string encode_backup(const store::Content& content);
Result<store::Content> decode_backup(std::string_view bytes);

}  // namespace pinnace::cluster

// A Journal in a RocksDB directory.
#pragma once

#include <memory>
#include <string>

#include "store/journal.h"

namespace pinnace::store {

// Makes the directory if it is missing; fails if another process has it open.
Result<std::unique_ptr<Journal>> open_rocks_journal(const std::string& directory);

}  // namespace pinnace::store

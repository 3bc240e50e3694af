// A Journal in a RocksDB directory.
#pragma once

#include <memory>
#include <string>

#include "store/journal.h"

namespace pinnace::store {

// Makes the directory if it is missing; fails if another process has it open.
Result<std::unique_ptr<Journal>> open_rocks_journal(const std::string& directory);
// For reading only, as it is now, also while another process has it open. 404 if there is none.
Result<std::unique_ptr<Journal>> open_rocks_journal_beside(const std::string& directory);

}  // namespace pinnace::store

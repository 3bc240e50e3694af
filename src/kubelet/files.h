// The agent's additions to io/files.h.
#pragma once

#include <string>

#include "base/error.h"
#include "io/files.h"

namespace pinnace::kubelet {

using io::make_directories;
using io::read_file;
using io::write_file;

// As `rm -r`, after unmounting what is mounted at or below it; a path that is not there is fine.
Result<void> remove_mounted_tree(const std::string& path);

}  // namespace pinnace::kubelet

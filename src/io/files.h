// Files: whole reads and atomic writes, and paths that cannot leave a root.
//
// Threads: any; all of them block. Errors: `errors::system` with the path; 404 when there is no
// file.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/fd.h"

namespace pinnace::io {

inline constexpr std::size_t kDefaultMaxFileBytes = 64u << 20;

// The whole file; an Error (413) if it is longer than `max_bytes`. Works for /proc and /sys too.
Result<std::string> read_file(const std::string& path,
                              std::size_t max_bytes = kDefaultMaxFileBytes);
Result<std::string> read_fd(int fd, std::size_t max_bytes = kDefaultMaxFileBytes);

// All of the bytes, to a blocking descriptor.
Result<void> write_all(int fd, std::string_view bytes);
// Writes to the file as it is, as /proc and cgroup files want it.
Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644);
// Readers see the old file or the whole new one, also after a crash: temporary file beside it,
// fsync, rename, fsync of the directory. The mode is set exactly, whatever the umask.
Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode = 0644);

bool exists(const std::string& path);
// As mkdir -p; the mode is for those that it makes.
Result<void> make_directories(const std::string& path, mode_t mode = 0755);
// Names in a directory without "." and "..", sorted.
Result<std::vector<std::string>> list_directory(const std::string& path);
// Removes a file or a whole tree, following no symbolic link and crossing into no other mount.
// Nothing there is no error.
Result<void> remove_tree(const std::string& path);

// Opens `relative` so that neither "..", an absolute path nor a symbolic link leads out of `root`.
// With O_CREAT the mode counts. Source: openat2(2), RESOLVE_IN_ROOT is off: an escape is an error.
Result<UniqueFd> open_beneath(const std::string& root, const std::string& relative, int flags,
                              mode_t mode = 0);

}  // namespace pinnace::io

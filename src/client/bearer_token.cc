#include "client/bearer_token.h"

#include "base/log.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::client {

std::string BearerToken::get() {
  const std::lock_guard lock(mutex_);
  if (file_.empty()) return token_;
  const MonotonicTime now = clock_.monotonic();
  if (was_read_ && now - read_at_ < std::chrono::minutes(1)) return token_;
  was_read_ = true;
  read_at_ = now;
  if (auto text = io::read_file(file_)) {
    token_ = trim(*text);
  } else {
    log::warning("the token file cannot be read; the last token is used",
                 {{"file", file_}, {"error", text.error().message}});
  }
  return token_;
}

}  // namespace pinnace::client

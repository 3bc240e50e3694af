// A bearer token that may stand in a file which is replaced before the token ends.
//
// Threads: any. The file is read again when the last reading is a minute old; a reading that fails
//   leaves the old token in use.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"

namespace pinnace::client {

class BearerToken {
 public:
  BearerToken(std::string token, std::string file, const Clock& clock)
      : file_(std::move(file)), clock_(clock), token_(std::move(token)) {}
  // Empty when there is none.
  std::string get();

 private:
  const std::string file_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  bool was_read_ = false;
  MonotonicTime read_at_;
};

}  // namespace pinnace::client

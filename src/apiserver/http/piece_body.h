// PieceBody is an answer that is made piece by piece while the client takes it: a list of a million
// objects needs no more memory than one of them.
#pragma once

#include <span>
#include <string_view>

#include "net/http.h"

namespace pinnace::apiserver {

class PieceBody : public net::Body {
 public:
  Read read(std::span<char> buffer) final;

 protected:
  enum class Next { kPiece, kEnd, kFailed };
  // Gives the next piece, which may be empty; it must stay as it is until the next call.
  virtual Next next(std::string_view& piece) = 0;

 private:
  std::string_view rest_;
};

}  // namespace pinnace::apiserver

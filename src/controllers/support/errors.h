// Failures that a control loop expects.
#pragma once

#include <algorithm>

#include "base/error.h"

namespace pinnace::controllers {

// Nothing can be created in a namespace that is being emptied.
inline bool is_namespace_terminating(const Error& error) {
  return std::any_of(error.causes.begin(), error.causes.end(),
                     [](const Cause& cause) { return cause.type == "NamespaceTerminating"; });
}

// An object that is gone needs no more care.
inline Result<void> unless_gone(const Result<void>& done) {
  return !done && done.error().is("NotFound") ? Result<void>() : done;
}
template <typename T>
Result<void> unless_gone(const Result<T>& done) {
  if (done || done.error().is("NotFound")) return {};
  return std::unexpected(done.error());
}

}  // namespace pinnace::controllers

// Patch is the body of a PATCH: JSON patch, merge patch or strategic merge patch.
//
// Errors: 415 for other media, 400 for a body that is no patch, 422 for one that cannot be applied.
#pragma once

#include <memory>

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/http/call.h"
#include "base/error.h"

namespace pinnace::apiserver {

class Patch {
 public:
  static Result<Patch> parse(Call& call);
  // A patched copy of `object`, which is in the version of `type`.
  Result<api::Value> apply(api::Arena& arena, const api::Value& object,
                           const api::TypeInfo& type) const;

 private:
  enum class Kind { kJson, kMerge, kStrategic };
  Kind kind_ = Kind::kJson;
  std::shared_ptr<api::Arena> arena_;
  api::Value body_;
};

}  // namespace pinnace::apiserver

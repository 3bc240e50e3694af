// Patch is the body of a PATCH: JSON patch, merge patch or strategic merge patch.
//
// Errors: 415 for other media, 400 for a body that is no patch, 422 for one that cannot be applied
//   or that makes of the object what is none of its kind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/http/call.h"
#include "base/error.h"

namespace pinnace::apiserver {

class Patch {
 public:
  // Whether the body's media are those of a patch of this resource.
  static Result<void> check_media(const Call& call);
  static Result<Patch> parse(Call& call);
  // What becomes of `document`, which is in the version of `type`: its nodes are changed, and what
  // is returned shares texts with it and with this patch.
  Result<api::Value> apply(api::Arena& arena, api::Value document, const api::TypeInfo& type) const;
  // Members of the patch itself that came twice, or that no JSON patch has; for fieldValidation.
  const std::vector<std::string>& problems() const { return problems_; }
  // The answer when checking what `apply` makes of such an `object` failed with `why`.
  Unexpected refusal(api::Arena& arena, const api::Value& object, const api::TypeInfo& type,
                     Error why) const;

 private:
  enum class Kind { kJson, kMerge, kStrategic };
  static Result<Kind> read_kind(const Call& call);
  Result<void> apply_strategic(api::Arena& arena, api::Value& document,
                               const api::TypeInfo& type) const;

  Kind kind_ = Kind::kJson;
  std::shared_ptr<api::Arena> arena_;
  api::Value body_;
  std::vector<std::string> problems_;
};

}  // namespace pinnace::apiserver

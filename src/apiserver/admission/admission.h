// Admission: what the cluster as a whole has to say about a write, in a fixed order.
//
// Why before the kind's own strategy: it may fill in what validation then asks for.
#pragma once

#include <span>
#include <string_view>

#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

enum class Operation { kCreate, kUpdate };

struct Admission {
  std::string_view name;
  std::string_view storage_resource;  // empty: every kind
  // May change the object; an Error ends the request. `old` is null at creation.
  Result<void> (*admit)(Change&, Operation, api::Value& object, const api::Value* old);
};

std::span<const Admission> admission_chain();
// 403: the object "is forbidden: WHY".
Unexpected admission_refusal(const Change& change, std::string_view why);
Result<void> admit(Change& change, Operation operation, api::Value& object, const api::Value* old);
// Whether the caller may delete this object, beyond what its roles say.
Result<void> admit_deletion(const Call& call, const store::Object& stored,
                            const api::Value& object);

}  // namespace pinnace::apiserver

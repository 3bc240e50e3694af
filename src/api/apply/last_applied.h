// The annotation in which kubectl keeps what it applied on its own side, and how an object goes
// over from that to server-side apply.
//
// Why: who changes from client-side to server-side apply shall not meet conflicts with himself, and
//   must be able to go back. Only the manager "kubectl" is treated so.
// Source: k8s.io/apimachinery pkg/util/managedfields, lastappliedmanager and lastappliedupdater.
#pragma once

#include <optional>

#include "api/apply/field_set.h"
#include "api/apply/shape.h"

namespace pinnace::api::apply {

inline constexpr std::string_view kLastAppliedAnnotation =
    "kubectl.kubernetes.io/last-applied-configuration";

bool has_last_applied(const Value& object);
// The fields that the annotation of `live` says and that are still as it says. Nothing if there is
// no such annotation, it is of another version, or the schema does not take what it or `live` says.
std::optional<FieldSet> last_applied_fields(Arena& arena, const Shape& shape, const Value& live,
                                            std::string_view api_version);
// Makes the annotation of `object`, which must have one, say `config`. An annotation that would be
// too large goes.
void set_last_applied(Arena& arena, Value& object, const Value& config);

}  // namespace pinnace::api::apply

// Brings a parsed object into the form that the Go server would write: checked, pruned, ordered.
//
// Shape: members stand in the schema's order (kind and apiVersion first), map keys are sorted,
//   quantities are canonical, times are UTC, empty members that Go omits are gone and members that
//   Go always writes are there ("status": {}, "rules": null). Names are case-sensitive.
// Errors: 400 BadRequest with Go's words: `Deployment in version "v1" cannot be handled as a
//   Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of
//   type int32`.
// Bounds: reports at most 100 unknown fields. Depth is bounded by the parser.
// Source: Go's encoding/json and sigs.k8s.io/json; API conventions on unknown fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

// Rebuilds `object` as a value of `type`. Members that the type does not have are dropped; their
// paths ("spec.containers[0].foo") go to `unknown_fields` when it is given.
Result<void> normalise(Arena& arena, Value& object, const TypeInfo& type,
                       std::vector<std::string>* unknown_fields = nullptr);

// `unknown field "spec.foo"` and `duplicate field "spec.bar"`, as warnings show them: in the order
// in which Go's decoder meets them in `json`, or by their paths where there is no such text.
std::vector<std::string> field_problems(std::string_view json,
                                        const std::vector<std::string>& unknown_fields,
                                        const std::vector<std::string>& duplicate_fields);
// What fieldValidation=Strict answers: "strict decoding error: " and the problems, comma-separated.
Unexpected strict_decoding_error(const TypeInfo& type, const std::vector<std::string>& problems);
// What these say, without `X in version "v1" cannot be handled as a X: `, or without `the object
// provided is unrecognized (must be of type X): `.
std::string_view decoding_problem(const TypeInfo& type, std::string_view message);

// What Kubernetes keeps does not tell an empty list from none: those that Go always writes become
// null. Of a normalised object.
void forget_empty_lists(Value& object, const TypeInfo& type);

// "object", "array", "string", "number", "bool" or "null", as Go's decoder calls a value.
std::string go_kind(const Value& value);

// Sets a member of a normalised object at the place that the schema gives it.
Value& set_in_order(Arena& arena, Value& object, const TypeInfo& type, std::string_view name,
                    Value value);
// Whether the field counts as set: there, not null, and for fields without a pointer not empty.
bool is_set(const FieldInfo& field, const Value* value);
// Sorts an object's members by key, as Go writes maps.
void sort_members(Value& object);
// Of it and of all that is in it.
void sort_all_members(Value& value);

}  // namespace pinnace::api

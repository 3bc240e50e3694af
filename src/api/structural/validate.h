// Says what of an object is not as its schema wants it, in the words of Kubernetes.
//
// Causes: `spec.replicas` "Invalid value: 11: spec.replicas in body should be less than or equal to
//   10". On an update, what is as it was before is not complained about.
// Bounds: recursion is bounded by the depth of value and schema. Items that must differ are sorted
//   or hashed, never compared each with each. At most kMaxCauses complaints.
// Threads: any.
// Source: JSON Schema validation as OpenAPI 3.0 has it; the texts of kube-openapi.
#pragma once

#include <string>
#include <vector>

#include "api/structural/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api::structural {

inline constexpr std::size_t kMaxCauses = 1000;

// Which formats make a type of what they are for: those of texts that are looked into, or even
// those of numbers and of nobody. Kubernetes takes out what it does not know before it looks at
// objects, but not before it looks at defaults.
enum class Formats { kKnown, kAll };

// Types, bounds, patterns, and what the other keywords of OpenAPI say. `old`: what the value was
// before, or null. Complaints call the value itself "", and are about places below `place`.
void validate(std::vector<Cause>& causes, const Value& value, const Node& schema,
              const Value* old = nullptr, const std::string& place = "",
              Formats formats = Formats::kKnown);

// Items of lists of type "set" and "map" must differ.
void validate_lists(std::vector<Cause>& causes, const Value& value, const Node& schema,
                    const std::string& path = "");

// Whether complaints of these kinds keep rules from being asked.
bool blocks_rules(const std::vector<Cause>& causes);

}  // namespace pinnace::api::structural

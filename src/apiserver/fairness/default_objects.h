// The FlowSchemas and PriorityLevelConfigurations that every cluster has: those that must be as
// they are (mandatory), and those that are suggested.
//
// Source: Kubernetes 1.35, "API Priority and Fairness", Default configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/value.h"

namespace pinnace::apiserver::fairness {

inline constexpr std::string_view kExempt = "exempt", kCatchAll = "catch-all";
inline constexpr std::string_view kFlowSchemas = "flowcontrol.apiserver.k8s.io/flowschemas";
inline constexpr std::string_view kPriorityLevels =
    "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations";
// Whether the server keeps the spec of a default object as it should be.
inline constexpr std::string_view kAutoUpdate = "apf.kubernetes.io/autoupdate-spec";

struct DefaultObject {
  std::string name;
  bool is_schema = false;
  bool is_mandatory = false;
  api::Value tree;  // metadata.name and spec with its defaults; lives for ever.
};
// Levels first, so that no schema has to wait for its own.
std::span<const DefaultObject> default_objects();
// Null when there is none of that name.
const DefaultObject* find_default(bool is_schema, std::string_view name);

// Whether a spec is what the default object wants. Of `exempt` the seats are the cluster's own to
// choose.
bool has_default_spec(const DefaultObject& wanted, const api::Value& spec);

// Puts back into `object` what the server keeps: its annotation, and its spec if that says so, or,
// where it says nothing, as long as nobody has changed the object. False if nothing changed.
bool revise(api::Arena& arena, const DefaultObject& wanted, api::Value& object);
// An object that was a default of an earlier time, and that nobody took over.
bool is_obsolete(bool is_schema, const api::Value& object);

}  // namespace pinnace::apiserver::fairness

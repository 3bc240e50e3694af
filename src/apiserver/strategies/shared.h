// What the strategies of several kinds share.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/strategies/field.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// The whole object, for complaints collected by `change`.
inline Field root(Change& change, const api::Value& object) { return {change.causes, &object, ""}; }

// A PodSpec. A template's containers are checked like a pod's.
void validate_pod_spec(const Field& spec);
// A PodTemplateSpec: labels, annotations and spec.
void validate_pod_template(const Field& pod_template);

// The parts of a PodSpec; each has a file.
void validate_containers(const Field& spec);
void validate_ephemeral_containers(const Field& spec);
void validate_volumes(const Field& spec);
void validate_affinity(const Field& affinity);
void validate_topology_spread(const Field& constraints);
void validate_resources(const Field& resources);
void validate_probe(const Field& probe, bool is_readiness);
void validate_lifecycle(const Field& lifecycle);
void validate_env(const Field& env);
void validate_env_from(const Field& env_from);
// `fieldRef` or `resourceFieldRef` of env and volumes.
void validate_field_ref(const Field& ref, bool in_volume);
void validate_resource_field_ref(const Field& ref, bool in_volume);

// A map of labels, as in nodeSelector; metav1.LabelSelector; core/v1 NodeSelector.
void validate_label_map(const Field& labels);
void validate_label_selector(const Field& selector);
void validate_node_selector(const Field& selector);
// Names of resources with amounts of them, none below zero.
void validate_amounts(const Field& amounts);

// A number or a percentage; `count` when it is a number or "N%", else complaints.
void validate_int_or_percent(const Field& field);
bool is_zero_count(const Field& field);

}  // namespace pinnace::apiserver

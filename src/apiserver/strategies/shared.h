// What the strategies of several kinds share.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/strategies/field.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// The whole object, for complaints collected by `change`.
inline Field root(Change& change, const api::Value& object) {
  return {change.causes, change.arena, &object, change.storage.type};
}

// A PodSpec. `pod_name` is empty in templates, which are taken with less.
void validate_pod_spec(const Field& spec, std::string_view pod_name);
// A PodTemplateSpec: labels, annotations and spec.
void validate_pod_template(const Field& pod_template);

// The parts of a PodSpec; each has a file.
// Gives the volumes in which nothing is wrong: only those can be mounted.
using VolumesByName = std::map<std::string_view, Field>;
VolumesByName validate_volumes(const Field& volumes, std::string_view pod_name);
void validate_containers(const Field& spec, const VolumesByName& volumes, bool is_template);
// Templates have always been taken without this.
void validate_images_of_pod(const Field& spec);
void validate_affinity(const Field& affinity);
void validate_topology_spread(const Field& constraints);
void validate_tolerations(const Field& tolerations);
// `grace_seconds` is what the pod has to end; nothing where it does not say.
void validate_probes(const Field& container, std::optional<std::int64_t> grace_seconds);
void validate_pod_security(const Field& spec);
void validate_host_process(const Field& spec);
void validate_host_users(const Field& spec);
void validate_os(const Field& spec);
void validate_container_security(const Field& context, bool uses_host_users);
// Annotations at `annotations` that speak of the containers of `spec`.
void validate_pod_annotations(const Field& annotations, const Field& spec);
// The profile that an annotation of old names; nothing where it names none.
std::optional<api::Value> app_armor_profile(api::Arena& arena, std::string_view annotation);
// What annotations and fields both say must be the same.
void validate_profile_annotations(const Field& annotations, const Field& spec);
void validate_env(const Field& env);
void validate_env_from(const Field& env_from);
// `fieldRef` or `resourceFieldRef` of env and volumes.
void validate_field_ref(const Field& ref, bool in_volume);
void validate_resource_field_ref(const Field& ref, bool in_volume);
// Init containers, containers and ephemeral containers.
std::vector<Field> all_containers(const Field& spec);

// ResourceRequirements. `claims` is the pod's spec.resourceClaims.
void validate_container_resources(const Field& resources, const Field& claims);
void validate_pod_resources(const Field& spec);
void validate_overhead(const Field& overhead);
// A resource's name, as `key` of a map of amounts at `amount`.
enum class ResourceUse { kAny, kContainer, kPod, kQuota };
void validate_resource_name(const Field& amount, std::string_view name, ResourceUse use);
// Not below zero; a whole number where the resource is counted in pieces.
void validate_resource_amount(const Field& amount, std::string_view name);
// A device or the like, named by its vendor's domain.
bool is_extended_resource(std::string_view resource);
bool may_overcommit(std::string_view resource);
bool is_quota_resource(std::string_view resource);

// The specs of claims in PersistentVolumeClaims and in volumes of pods.
void validate_claim_spec(const Field& spec);

// What makes the volumes of a class, by a qualified name; and what it is told.
void validate_provisioner(const Field& name);
void validate_storage_parameters(const Field& parameters);

// A map of labels, as in nodeSelector; keys of annotations; metav1.LabelSelector; NodeSelector.
void validate_label_map(const Field& labels);
void validate_annotation_keys(const Field& annotations);
void validate_label_selector(const Field& selector);
void validate_node_selector(const Field& selector);
// One of its terms. Values are looked at only if they decide where something may run.
void validate_node_selector_term(const Field& term, bool checks_values);
// "acme.io/foo", as names of controllers are.
void validate_domain_path(const Field& path);
// "example.com/name", with a domain for its first part.
void validate_signer_name(const Field& name);
// The name of a ClusterTrustBundle: "name", or "example.com:signer:name" for those of a signer.
api::Complaints check_trust_bundle_name(std::string_view name);
// Addresses of a load balancer at `status.loadBalancer` that are not written as they should be.
void warn_about_load_balancer(Change& change, const api::Value& object, const api::Value* old);
// An address that other machines can reach.
void validate_non_special_ip(const Field& ip);

// A list of metav1.Condition.
void validate_conditions(const Field& conditions);

// A number that is not below zero, or a percentage; and a percentage that is not above 100%.
void validate_int_or_percent(const Field& field);
void validate_not_above_all(const Field& field);
// Its number, with or without "%"; 0 where there is none.
std::int64_t count_of(const Field& field);
// A number of a port, or its name.
void validate_port_or_name(const Field& port);

}  // namespace pinnace::apiserver

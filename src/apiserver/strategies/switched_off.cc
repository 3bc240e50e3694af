#include "apiserver/strategies/switched_off.h"

#include <algorithm>
#include <span>
#include <vector>

namespace pinnace::apiserver {
namespace {

// What one feature has in objects of a kind. In a path, a list stands for each of its items, and
// "*" for each entry of a map.
struct Feature {
  std::string_view name;
  std::vector<std::string_view> paths;
  // Dropped even from what has it already.
  bool is_never_kept = false;
  // What has nothing else goes with it.
  bool with_empty_parent = false;
};

// In a PodSpec.
const Feature kOfPodSpecs[] = {
    {.name = "ClusterTrustBundleProjection",
     .paths = {"volumes.projected.sources.clusterTrustBundle"}},
    {.name = "PodCertificateRequest", .paths = {"volumes.projected.sources.podCertificate"}},
    {.name = "GenericWorkload", .paths = {"workloadRef"}},
    {.name = "ContainerStopSignals",
     .paths = {"containers.lifecycle.stopSignal", "initContainers.lifecycle.stopSignal",
               "ephemeralContainers.lifecycle.stopSignal"},
     .with_empty_parent = true},
};

const Feature kOfPods[] = {
    {.name = "InPlacePodLevelResourcesVerticalScaling",
     .paths = {"status.resources", "status.allocatedResources"}},
    {.name = "DRAExtendedResource", .paths = {"status.extendedResourceClaimStatus"}},
    {.name = "ResourceHealthStatus",
     .paths = {"status.containerStatuses.allocatedResourcesStatus",
               "status.initContainerStatuses.allocatedResourcesStatus",
               "status.ephemeralContainerStatuses.allocatedResourcesStatus"},
     .is_never_kept = true},
};

const Feature kOfStatefulSets[] = {
    {.name = "MaxUnavailableStatefulSet",
     .paths = {"spec.updateStrategy.rollingUpdate.maxUnavailable"}},
};

const Feature kOfNodes[] = {
    {.name = "NodeDeclaredFeatures", .paths = {"status.declaredFeatures"}},
};

const Feature kOfSlices[] = {
    {.name = "DRADeviceTaints", .paths = {"spec.devices.taints"}},
    {.name = "DRAPartitionableDevices",
     .paths = {"spec.sharedCounters", "spec.perDeviceNodeSelection",
               "spec.devices.consumesCounters", "spec.devices.nodeName",
               "spec.devices.nodeSelector", "spec.devices.allNodes"}},
    {.name = "DRADeviceBindingConditions",
     .paths = {"spec.devices.bindingConditions", "spec.devices.bindingFailureConditions",
               "spec.devices.bindsToNode"}},
    {.name = "DRAConsumableCapacity",
     .paths = {"spec.devices.allowMultipleAllocations", "spec.devices.capacity.*.requestPolicy"}},
};

// In a ResourceClaimSpec.
const Feature kOfClaimSpecs[] = {
    {.name = "DRADeviceTaints",
     .paths = {"devices.requests.exactly.tolerations",
               "devices.requests.firstAvailable.tolerations"}},
};
const Feature kOfClaimTemplates[] = {
    {.name = "DRAConsumableCapacity",
     .paths = {"devices.constraints.distinctAttribute", "devices.requests.exactly.capacity",
               "devices.requests.firstAvailable.capacity"}},
};
const Feature kOfClaims[] = {
    {.name = "DRAConsumableCapacity",
     .paths = {"spec.devices.constraints.distinctAttribute",
               "spec.devices.requests.exactly.capacity",
               "spec.devices.requests.firstAvailable.capacity",
               "status.allocation.devices.results.shareID",
               "status.allocation.devices.results.consumedCapacity", "status.devices.shareID"}},
    {.name = "DRADeviceBindingConditions",
     .paths = {"status.allocation.devices.results.bindingConditions",
               "status.allocation.devices.results.bindingFailureConditions"}},
};

const Feature kOfDeviceClasses[] = {
    {.name = "DRAExtendedResource", .paths = {"spec.extendedResourceName"}},
};

const Feature kOfLeases[] = {
    {.name = "CoordinatedLeaderElection", .paths = {"spec.strategy"}},
    {.name = "CoordinatedLeaderElection", .paths = {"spec.preferredHolder"}},
};

// Where the features of a kind are looked for.
struct Place {
  std::string_view storage_resource, path;
  std::span<const Feature> features;
};

const Place kPlaces[] = {
    {"pods", "spec", kOfPodSpecs},
    {"pods", "", kOfPods},
    {"podtemplates", "template.spec", kOfPodSpecs},
    {"replicationcontrollers", "spec.template.spec", kOfPodSpecs},
    {"apps/deployments", "spec.template.spec", kOfPodSpecs},
    {"apps/replicasets", "spec.template.spec", kOfPodSpecs},
    {"apps/daemonsets", "spec.template.spec", kOfPodSpecs},
    {"apps/statefulsets", "spec.template.spec", kOfPodSpecs},
    {"apps/statefulsets", "", kOfStatefulSets},
    {"batch/jobs", "spec.template.spec", kOfPodSpecs},
    {"batch/cronjobs", "spec.jobTemplate.spec.template.spec", kOfPodSpecs},
    {"nodes", "", kOfNodes},
    {"coordination.k8s.io/leases", "", kOfLeases},
    {"resource.k8s.io/resourceslices", "", kOfSlices},
    {"resource.k8s.io/resourceclaims", "spec", kOfClaimSpecs},
    {"resource.k8s.io/resourceclaims", "", kOfClaims},
    {"resource.k8s.io/resourceclaimtemplates", "spec.spec", kOfClaimSpecs},
    {"resource.k8s.io/resourceclaimtemplates", "spec.spec", kOfClaimTemplates},
    {"resource.k8s.io/deviceclasses", "", kOfDeviceClasses},
};

// A path's first step; `rest` becomes what follows it, empty after the last.
std::string_view first_step(std::string_view path, std::string_view& rest) {
  const std::size_t dot = path.find('.');
  rest = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  return path.substr(0, dot);
}

// The part of an object at a path through objects alone; null when it has none.
template <typename Value>
Value* part_at(Value* part, std::string_view path) {
  while (part != nullptr && !path.empty()) {
    const std::string_view step = first_step(path, path);
    part = part->is_object() ? part->find(step) : nullptr;
  }
  return part;
}

bool is_in_use(const api::Value* value, std::string_view path) {
  if (value == nullptr) return false;
  if (value->is_array()) {
    return std::ranges::any_of(value->items(),
                               [&](const api::Value& item) { return is_in_use(&item, path); });
  }
  if (path.empty()) return !value->is_null();
  if (!value->is_object()) return false;
  std::string_view rest;
  const std::string_view step = first_step(path, rest);
  if (step != "*") return is_in_use(value->find(step), rest);
  return std::ranges::any_of(
      value->members(), [&](const api::Member& entry) { return is_in_use(&entry.value, rest); });
}

void drop(api::Value& value, std::string_view path, bool with_empty_parent) {
  if (value.is_array()) {
    for (api::Value& item : value.items()) drop(item, path, with_empty_parent);
    return;
  }
  if (!value.is_object()) return;
  std::string_view rest;
  const std::string_view step = first_step(path, rest);
  if (step == "*") {
    for (api::Member& entry : value.members()) drop(entry.value, rest, with_empty_parent);
    return;
  }
  api::Value* next = value.find(step);
  if (next == nullptr) return;
  if (rest.empty()) {
    value.erase(step);
    return;
  }
  drop(*next, rest, with_empty_parent);
  const bool is_parent = !rest.contains('.') && next->is_object();
  if (with_empty_parent && is_parent && next->empty()) value.erase(step);
}

}  // namespace

void drop_switched_off(api::Value& object, const api::Value* old,
                       std::string_view storage_resource) {
  for (const Place& place : kPlaces) {
    if (place.storage_resource != storage_resource) continue;
    api::Value* part = part_at(&object, place.path);
    if (part == nullptr) continue;
    const api::Value* old_part = part_at(old, place.path);
    for (const Feature& feature : place.features) {
      const bool is_kept =
          !feature.is_never_kept && std::ranges::any_of(feature.paths, [&](std::string_view path) {
            return is_in_use(old_part, path);
          });
      if (is_kept) continue;
      for (const std::string_view path : feature.paths) {
        drop(*part, path, feature.with_empty_parent);
      }
    }
  }
}

}  // namespace pinnace::apiserver

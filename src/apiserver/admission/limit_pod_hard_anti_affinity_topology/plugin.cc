// LimitPodHardAntiAffinityTopology: a pod may keep others off its node, not off a whole zone.
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kHostName = "kubernetes.io/hostname";

Result<void> check_topology(AdmissionRequest& request) {
  const auto* affinity = request.object->find_path({"spec", "affinity", "podAntiAffinity"});
  for (const auto& term : items_at(affinity, "requiredDuringSchedulingIgnoredDuringExecution")) {
    const std::string key(term.string_at("topologyKey"));
    if (key == kHostName) continue;
    return admission_refusal(
        request.change, "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey " + key +
                            " but only key " + std::string(kHostName) + " is allowed");
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kLimitPodHardAntiAffinityTopology{
    .name = "LimitPodHardAntiAffinityTopology",
    .resources = "pods",
    .subresources = "",
    .operations = kWrites,
    .validate = check_topology};

}  // namespace pinnace::apiserver

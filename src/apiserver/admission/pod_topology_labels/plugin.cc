// PodTopologyLabels: a pod gets the zone and region of the node that it is bound to.
#include "api/json.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kLabels[] = {"topology.kubernetes.io/zone",
                                        "topology.kubernetes.io/region"};

// The Binding carries them; whoever binds the pod puts them on it.
Result<void> add_labels(AdmissionRequest& request) {
  Change& change = request.change;
  if (change.subresource != "binding") return {};
  const auto* target = request.object->find("target");
  if (target == nullptr || target->string_at("kind") != "Node") return {};
  const auto found =
      change.backend.store().get({"nodes", "", std::string(target->string_at("name"))});
  if (!found) return {};
  const auto node = parse_stored(change.arena, **found);
  if (!node) return {};
  const auto* labels = node->find_path({"metadata", "labels"});
  for (const auto key : kLabels) {
    const std::string_view value = labels == nullptr ? "" : labels->string_at(key);
    if (value.empty()) continue;
    meta_of(change.arena, *request.object)
        .ensure_object(change.arena, "labels")
        .set_ref(change.arena, key, change.text(value));
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kPodTopologyLabels{.name = "PodTopologyLabels",
                                                   .resources = "pods",
                                                   .subresources = "binding",
                                                   .operations = kCreates,
                                                   .mutate = add_labels};

}  // namespace pinnace::apiserver

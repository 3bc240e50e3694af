// PodTopologyLabels: a pod gets the zone and region of the node that it runs on.
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

// The node that the request binds a pod to; "" for none.
std::string_view node_of_request(const AdmissionRequest& request) {
  if (request.change.subresource.empty()) return spec_text(*request.object, "nodeName");
  const auto* target = request.object->find("target");
  if (target == nullptr || target->string_at("kind") != "Node") return {};
  return target->string_at("name");
}

// A Binding carries them, and whoever binds the pod puts them on it; a pod that is made on a node
// gets them at once. Labels that are there stay.
Result<void> add_labels(AdmissionRequest& request) {
  Change& change = request.change;
  const std::string_view name = node_of_request(request);
  if (name.empty()) return {};
  const auto found = change.backend.store().get({"nodes", "", std::string(name)});
  if (!found) return {};
  const auto node = parse_stored(change.arena, **found);
  if (!node) return {};
  const auto* labels = node->find_path({"metadata", "labels"});
  for (const auto key : kLabels) {
    const auto* value = labels == nullptr ? nullptr : labels->find(key);
    if (value == nullptr || !value->is_string()) continue;
    api::Value& own = meta_of(change.arena, *request.object).ensure_object(change.arena, "labels");
    if (own.find(key) == nullptr) own.set_ref(change.arena, key, change.text(value->as_string()));
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

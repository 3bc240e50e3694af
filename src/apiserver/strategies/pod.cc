// Pods: what the server fills in, what subresources may touch, and how long one is given to end.
#include <algorithm>
#include <map>
#include <string_view>

#include "api/json.h"
#include "api/quantity.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/pod_update.h"
#include "apiserver/strategies/pod_warnings.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  api::Value& status = object.ensure_object(change.arena, "status");
  status.set_ref(change.arena, "phase", api::Value::string_ref("Pending"));
  status.set_ref(change.arena, "qosClass", api::Value::string_ref(pod_quality(spec)));
  const auto* gates = spec.find("schedulingGates");
  if (gates == nullptr || gates->empty()) return {};
  api::Value condition = api::Value::object();
  condition.set_ref(change.arena, "type", api::Value::string_ref("PodScheduled"));
  condition.set_ref(change.arena, "status", api::Value::string_ref("False"));
  condition.set_ref(change.arena, "reason", api::Value::string_ref("SchedulingGated"));
  condition.set_ref(
      change.arena, "message",
      api::Value::string_ref("Scheduling is blocked due to non-empty scheduling gates"));
  api::Value conditions = api::Value::array();
  conditions.append(change.arena, condition);
  status.set_ref(change.arena, "conditions", conditions);
  return {};
}

// Containers of `list` in `spec` get the resources that the client wants for them.
void take_resources(Change& change, api::Value& spec, const api::Value& wanted, const char* list) {
  auto* containers = spec.find(list);
  const auto* others = wanted.find(list);
  if (containers == nullptr || !containers->is_array() || others == nullptr ||
      !others->is_array()) {
    return;
  }
  std::map<std::string_view, const api::Value*> by_name;
  for (const auto& other : others->items()) by_name[other.string_at("name")] = &other;
  for (auto& container : containers->items()) {
    const auto other = by_name.find(container.string_at("name"));
    if (other == by_name.end()) continue;
    for (const char* key : {"resources", "resizePolicy"}) {
      if (const auto* value = other->second->find(key))
        container.set_ref(change.arena, key, *value);
    }
  }
}

// A subresource changes its part of the spec and nothing else.
Result<void> prepare_update(Change& change, api::Value& object, const api::Value& old) {
  if (change.subresource != "ephemeralcontainers" && change.subresource != "resize") return {};
  const auto* before = old.find("spec");
  const auto* wanted = object.find("spec");
  if (before == nullptr || wanted == nullptr) return {};
  api::Value spec = api::deep_copy(change.arena, *before);
  if (change.subresource == "ephemeralcontainers") {
    const auto* added = wanted->find("ephemeralContainers");
    if (added == nullptr)
      spec.erase("ephemeralContainers");
    else
      spec.set_ref(change.arena, "ephemeralContainers", *added);
  } else {
    take_resources(change, spec, *wanted, "containers");
    take_resources(change, spec, *wanted, "initContainers");
  }
  object.set_ref(change.arena, "metadata", api::deep_copy(change.arena, *old.find("metadata")));
  object.set_ref(change.arena, "spec", spec);
  return {};
}

void validate(Change& change, const api::Value& object) {
  const Field pod = root(change, object);
  const Field name = pod["metadata"]["name"];
  const Field annotations = pod["metadata"]["annotations"];
  validate_pod_annotations(annotations, pod["spec"]);
  validate_pod_spec(pod["spec"], name.empty() ? "?" : name.text());
  if (change.old == nullptr) validate_new_pod(pod);
}

// A pod that no node has, or that has ended, goes at once.
std::int64_t grace_seconds(const api::Value& object, std::int64_t asked) {
  const auto* spec = object.find("spec");
  const auto* status = object.find("status");
  const std::string_view phase = status == nullptr ? "" : status->string_at("phase");
  if (spec == nullptr || spec->string_at("nodeName").empty()) return 0;
  if (phase == "Succeeded" || phase == "Failed") return 0;
  const std::int64_t own = spec->int_at("terminationGracePeriodSeconds", 30);
  const std::int64_t seconds = asked >= 0 ? asked : own;
  return seconds < 0 ? 1 : seconds;
}

void validate_template_object(Change& change, const api::Value& object) {
  validate_pod_template(root(change, object)["template"]);
}

}  // namespace

const Strategy kPodStrategy{
    .storage_resource = "pods",
    .has_generation = true,
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .validate_update = validate_pod_update,
    .validate_status = validate_pod_status,
    .warn = warn_about_pod,
    .grace_seconds = grace_seconds,
};

const Strategy kPodTemplateStrategy{
    .storage_resource = "podtemplates",
    .has_generation = true,
    .returns_deleted = true,
    .validate = validate_template_object,
    .warn = warn_about_template_object,
};

}  // namespace pinnace::apiserver

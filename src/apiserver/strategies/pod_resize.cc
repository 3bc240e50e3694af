// A pod that gets more or less cpu and memory while it runs.
#include <algorithm>
#include <map>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/pod_update.h"

namespace pinnace::apiserver {
namespace {

std::span<const api::Value> containers_of(const api::Value& spec, const char* list) {
  const auto* containers = spec.find(list);
  return containers != nullptr && containers->is_array() ? containers->items()
                                                         : std::span<const api::Value>();
}

// What decides about quality.
constexpr std::string_view kQualityResources[] = {"cpu", "memory"};
using Amounts = std::map<std::string_view, api::Quantity>;

// Says how many of them are there and more than nothing.
std::size_t add_amounts(Amounts& to, const api::Value* amounts) {
  std::size_t found = 0;
  for (const std::string_view resource : kQualityResources) {
    const auto* value = amounts == nullptr ? nullptr : amounts->find(resource);
    if (value == nullptr || !value->is_string()) continue;
    const auto amount = api::Quantity::parse(value->as_string());
    if (!amount || amount->sign() <= 0) continue;
    to[resource] += *amount;
    ++found;
  }
  return found;
}

// Some of what was asked for before is no longer.
bool is_less(const Field& amounts, const api::Value* old) {
  if (old == nullptr || !old->is_object()) return false;
  FieldMap now(amounts);
  return std::any_of(old->members().begin(), old->members().end(),
                     [&](const api::Member& member) { return !now.at_key(member.key).is_set(); });
}

void validate_container_resize(const Field& container, const api::Value& old) {
  const Field resources = container["resources"];
  if (is_less(resources["requests"], old.find_path({"resources", "requests"}))) {
    resources["requests"].forbidden("resource requests cannot be removed");
  }
  if (is_less(resources["limits"], old.find_path({"resources", "limits"}))) {
    resources["limits"].forbidden("resource limits cannot be removed");
  }
}

// The resources that a container would have if only its cpu and memory had stayed. Its claims are
// never the same.
api::Value without_resize(api::Arena& arena, const api::Value& now, const api::Value& old) {
  api::Value same = api::Value::object();
  for (const char* map : {"limits", "requests"}) {
    const auto* amounts = now.find_path({"resources", map});
    const auto* before = old.find_path({"resources", map});
    if (amounts == nullptr && before == nullptr) continue;
    api::Value kept = amounts == nullptr ? api::Value::object() : api::deep_copy(arena, *amounts);
    for (const std::string_view resource : kQualityResources) {
      const auto* was = before == nullptr ? nullptr : before->find(resource);
      if (was == nullptr)
        kept.erase(resource);
      else
        kept.set_ref(arena, resource, *was);
    }
    if (!kept.empty()) same.set_ref(arena, map, kept);
  }
  return same;
}

// Same but for what a resize may change.
bool differs_otherwise(Change& change, const api::Value& container, const api::Value& old,
                       bool may_resize) {
  api::Value same = api::deep_copy(change.arena, container);
  if (may_resize) {
    same.set_ref(change.arena, "resources", without_resize(change.arena, container, old));
  }
  return !api::equal(same, old);
}

// Says whether they are the same containers in the same order.
bool validate_order(const Field& spec, const api::Value& old, const char* list) {
  const auto before = containers_of(old, list);
  const Field now = spec[list];
  if (now.size() != before.size()) {
    now.forbidden(std::string(list) + " may not be added or removed on resize");
    return false;
  }
  bool is_same = true;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Field name = now.at(i)["name"];
    if (name.is(before[i].string_at("name"))) continue;
    name.forbidden(std::string(list) + " may not be renamed or reordered on resize");
    is_same = false;
  }
  return is_same;
}

bool is_sidecar(const api::Value& container) {
  return container.string_at("restartPolicy") == "Always";
}

void validate_removals(const Field& spec, const api::Value& old, const char* list) {
  const bool is_init = list == std::string_view("initContainers");
  const auto before = containers_of(old, list);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (is_init && !is_sidecar(before[i])) continue;
    validate_container_resize(spec[list].at(i), before[i]);
  }
}

void validate_rest(Change& change, const Field& spec, const api::Value& old, const char* list) {
  const bool is_init = list == std::string_view("initContainers");
  const auto before = containers_of(old, list);
  const auto now = spec[list].items();
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool may_resize = !is_init || is_sidecar(*now[i].value());
    if (!differs_otherwise(change, *now[i].value(), before[i], may_resize)) continue;
    spec.forbidden(!is_init     ? "only cpu and memory resources are mutable"
                   : may_resize ? "only cpu and memory resources for sidecar containers are mutable"
                                : "resources for non-sidecar init containers are immutable");
  }
}

bool has_own_resources(const api::Value& spec) {
  for (const char* map : {"requests", "limits"}) {
    const auto* amounts = spec.find_path({"resources", map});
    if (amounts != nullptr && !amounts->empty()) return true;
  }
  return false;
}

// A node that can do it says what its running containers have.
bool is_supported(const api::Value& pod) {
  const auto* statuses = pod.find_path({"status", "containerStatuses"});
  if (statuses == nullptr || !statuses->is_array()) return true;
  for (const auto& status : statuses->items()) {
    if (status.find_path({"state", "running"}) == nullptr) continue;
    return status.find("resources") != nullptr;
  }
  return true;
}

}  // namespace

std::string_view pod_quality(const api::Value& spec) {
  Amounts asked, bound;
  bool is_guaranteed = true;
  // What the pod says of itself counts in place of what its containers say.
  if (const auto* own = spec.find("resources"); own != nullptr && own->is_object()) {
    add_amounts(asked, own->find("requests"));
    const auto* limits = own->find("limits");
    const bool has_limits = limits != nullptr && !limits->empty();
    is_guaranteed = !has_limits || add_amounts(bound, limits) == std::size(kQualityResources);
  } else {
    for (const char* list : {"containers", "initContainers"}) {
      for (const api::Value& container : containers_of(spec, list)) {
        add_amounts(asked, container.find_path({"resources", "requests"}));
        if (add_amounts(bound, container.find_path({"resources", "limits"})) <
            std::size(kQualityResources)) {
          is_guaranteed = false;
        }
      }
    }
  }
  if (asked.empty() && bound.empty()) return "BestEffort";
  return is_guaranteed && asked == bound ? "Guaranteed" : "Burstable";
}

void validate_pod_resize(Change& change, const api::Value& object, const api::Value& old) {
  const Field pod = root(change, object);
  const Field spec = pod["spec"];
  const auto refuse = [&](const char* detail) {
    change.causes.clear();
    pod.as("[]").forbidden(detail);
  };
  const auto* annotations = old.find_path({"metadata", "annotations"});
  if (annotations != nullptr && annotations->find("kubernetes.io/config.mirror") != nullptr) {
    return refuse("static pods cannot be resized");
  }
  const auto* before = old.find("spec");
  if (before == nullptr) return;
  const auto* os = before->find("os");
  if (os != nullptr && os->string_at("name") == "windows") {
    return refuse("windows pods cannot be resized");
  }
  const Field quality = pod["status"]["qosClass"];
  if (!quality.is(pod_quality(*spec.value()))) {
    spec.invalid_value(quoted(quality.text()),
                       "Pod QOS Class may not change as a result of resizing");
  }
  if (!is_supported(old)) spec.forbidden("Pod running on node without support for resize");
  if (has_own_resources(*before) || has_own_resources(*spec.value())) {
    return pod.as("[]").forbidden(
        "resize of pods with pod-level resources is forbidden when "
        "InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled");
  }
  const bool same = validate_order(spec, *before, "containers");
  if (!validate_order(spec, *before, "initContainers") || !same) return;
  validate_removals(spec, *before, "initContainers");
  validate_removals(spec, *before, "containers");
  validate_rest(change, spec, *before, "containers");
  validate_rest(change, spec, *before, "initContainers");
}

}  // namespace pinnace::apiserver

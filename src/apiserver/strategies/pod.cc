// Pods: what the server fills in, what subresources may touch, and how long one is given to end.
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
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

// -- What is filled in at creation

// Expressions about the pod's own labels, where `keys` names some, join the selector.
void select_own_labels(api::Arena& arena, api::Value& selector, const api::Value* keys,
                       const char* op, const api::Value* labels) {
  if (keys == nullptr || !keys->is_array() || labels == nullptr) return;
  for (const auto& key : keys->items()) {
    const auto* value = key.is_string() ? labels->find(key.as_string()) : nullptr;
    if (value == nullptr) continue;
    api::Value values = api::Value::array();
    values.append(arena, *value);
    api::Value expression = api::Value::object();
    expression.set_ref(arena, "key", key);
    expression.set_ref(arena, "operator", api::Value::string_ref(op));
    expression.set_ref(arena, "values", values);
    auto* list = selector.find("matchExpressions");
    if (list == nullptr || !list->is_array()) {
      selector.set_ref(arena, "matchExpressions", api::Value::array());
      list = selector.find("matchExpressions");
    }
    list->append(arena, expression);
  }
}

// `term` has a labelSelector, matchLabelKeys and perhaps mismatchLabelKeys.
void settle_label_keys(api::Arena& arena, api::Value* term, const api::Value* labels) {
  auto* selector = term == nullptr ? nullptr : term->find("labelSelector");
  if (selector == nullptr || !selector->is_object()) return;
  select_own_labels(arena, *selector, term->find("matchLabelKeys"), "In", labels);
  select_own_labels(arena, *selector, term->find("mismatchLabelKeys"), "NotIn", labels);
}

void for_each_item(api::Value* list, const std::function<void(api::Value&)>& visit) {
  if (list == nullptr || !list->is_array()) return;
  for (auto& item : list->items()) visit(item);
}

void settle_all_label_keys(api::Arena& arena, api::Value& object) {
  const auto* labels = object.find_path({"metadata", "labels"});
  api::Value& spec = *object.find("spec");
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    for_each_item(
        spec.find_path({"affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution"}),
        [&](api::Value& one) { settle_label_keys(arena, one.find("podAffinityTerm"), labels); });
    for_each_item(
        spec.find_path({"affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"}),
        [&](api::Value& term) { settle_label_keys(arena, &term, labels); });
  }
  for_each_item(spec.find("topologySpreadConstraints"),
                [&](api::Value& constraint) { settle_label_keys(arena, &constraint, labels); });
}

// What annotations of old say of AppArmor comes to stand in the field.
void settle_app_armor(Change& change, api::Value& object) {
  constexpr std::string_view kPrefix = "container.apparmor.security.beta.kubernetes.io/";
  const auto* annotations = object.find_path({"metadata", "annotations"});
  api::Value& spec = *object.find("spec");
  const auto* os = spec.find_path({"os", "name"});
  const bool is_windows = os != nullptr && os->is_string() && os->as_string() == "windows";
  if (annotations == nullptr || !annotations->is_object() || is_windows) return;
  const auto* of_pod = spec.find_path({"securityContext", "appArmorProfile"});
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for_each_item(spec.find(list), [&](api::Value& container) {
      const std::string key = std::string(kPrefix) + std::string(container.string_at("name"));
      const auto* said = annotations->find(key);
      if (said == nullptr || !said->is_string()) return;
      if (container.find_path({"securityContext", "appArmorProfile"}) != nullptr) return;
      const auto profile = app_armor_profile(change.arena, said->as_string());
      if (profile && of_pod != nullptr && api::equal(*profile, *of_pod)) return;
      if (profile) {
        container.ensure_object(change.arena, "securityContext")
            .set_ref(change.arena, "appArmorProfile", *profile);
      }
      change.warn("metadata.annotations[" + key +
                  "]: deprecated since v1.30; use the \"appArmorProfile\" field instead");
    });
  }
}

Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  // A quality that a client says counts; nothing else of a status does.
  const auto* said = object.find_path({"status", "qosClass"});
  const std::string_view quality = said == nullptr || !said->is_string() ? "" : said->as_string();
  api::Value status = api::Value::object();
  status.set_ref(change.arena, "phase", api::Value::string_ref("Pending"));
  status.set_ref(change.arena, "qosClass",
                 api::Value::string_ref(quality.empty() ? pod_quality(spec) : quality));
  object.set_ref(change.arena, "status", status);
  settle_all_label_keys(change.arena, object);
  settle_app_armor(change, object);
  const auto* gates = spec.find("schedulingGates");
  if (gates == nullptr || gates->empty()) return {};
  api::Value condition = api::Value::object();
  condition.set_ref(change.arena, "type", api::Value::string_ref("PodScheduled"));
  condition.set_ref(change.arena, "status", api::Value::string_ref("False"));
  condition.set_ref(change.arena, "lastTransitionTime", change.text(rfc3339(change.backend.now())));
  condition.set_ref(change.arena, "reason", api::Value::string_ref("SchedulingGated"));
  condition.set_ref(
      change.arena, "message",
      api::Value::string_ref("Scheduling is blocked due to non-empty scheduling gates"));
  api::Value conditions = api::Value::array();
  conditions.append(change.arena, condition);
  object.find("status")->set_ref(change.arena, "conditions", conditions);
  return {};
}

// -- What subresources may touch

std::span<const api::Value> containers_of(const api::Value& spec, const char* list) {
  const auto* containers = spec.find(list);
  return containers != nullptr && containers->is_array() ? containers->items()
                                                         : std::span<const api::Value>();
}

// The containers of `list` with nothing but the resources that the client wants for them. As the
// client sent them where they are no longer the same containers: a rule refuses that.
void take_resources(Change& change, api::Value& spec, const api::Value& wanted, const char* list) {
  const auto now = containers_of(wanted, list);
  const auto before = containers_of(spec, list);
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].string_at("name") == before[i].string_at("name")) continue;
    spec.set_ref(change.arena, list, *wanted.find(list));
    return;
  }
  std::size_t at = 0;
  for_each_item(spec.find(list), [&](api::Value& container) {
    const api::Value& wish = now[at++];
    for (const char* key : {"resources", "resizePolicy"}) {
      if (const auto* value = wish.find(key))
        container.set_ref(change.arena, key, *value);
      else
        container.erase(key);
    }
  });
}

bool has_same_counts(const api::Value& one, const api::Value& other) {
  for (const char* list : {"containers", "initContainers"}) {
    if (containers_of(one, list).size() != containers_of(other, list).size()) return false;
  }
  return true;
}

// A status keeps what old nodes do not know of.
void keep_status_parts(Change& change, api::Value& object, const api::Value& old) {
  const auto* before = old.find("status");
  if (before == nullptr || !before->is_object()) return;
  api::Value& status = object.ensure_object(change.arena, "status");
  if (status.string_at("qosClass").empty()) {
    if (const auto* quality = before->find("qosClass")) {
      status.set_ref(change.arena, "qosClass", *quality);
    }
  }
  const auto keep_generation = [&](api::Value& in, const api::Value& was) {
    const auto* generation = was.find("observedGeneration");
    if (in.int_at("observedGeneration") != 0 || generation == nullptr) return;
    in.set_ref(change.arena, "observedGeneration", *generation);
  };
  keep_generation(status, *before);
  std::map<std::string_view, std::deque<const api::Value*>> conditions;
  for (const auto& one : containers_of(*before, "conditions")) {
    conditions[one.string_at("type")].push_back(&one);
  }
  for_each_item(status.find("conditions"), [&](api::Value& one) {
    auto& same = conditions[one.string_at("type")];
    if (same.empty()) return;
    keep_generation(one, *same.front());
    same.pop_front();
  });
}

// A subresource changes its part of the spec and nothing else.
Result<void> prepare_update(Change& change, api::Value& object, const api::Value& old) {
  if (change.subresource == "status") keep_status_parts(change, object, old);
  if (change.subresource != "ephemeralcontainers" && change.subresource != "resize") return {};
  const auto* before = old.find("spec");
  const auto* wanted = object.find("spec");
  if (before == nullptr || wanted == nullptr) return {};
  if (change.subresource == "resize" && !has_same_counts(*wanted, *before)) return {};
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
  api::Value meta = api::deep_copy(change.arena, *old.find("metadata"));
  meta.erase("managedFields");
  if (const auto* managers = object.find_path({"metadata", "managedFields"})) {
    meta.set_ref(change.arena, "managedFields", *managers);
  }
  object.set_ref(change.arena, "metadata", meta);
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

std::optional<api::Value> app_armor_profile(api::Arena& arena, std::string_view annotation) {
  constexpr std::string_view kLocal = "localhost/";
  api::Value profile = api::Value::object();
  const auto with_type = [&](std::string_view type) {
    profile.set_ref(arena, "type", api::Value::string_ref(type));
    return profile;
  };
  if (annotation == "unconfined") return with_type("Unconfined");
  if (annotation == "runtime/default") return with_type("RuntimeDefault");
  const std::string_view path = annotation.substr(std::min(kLocal.size(), annotation.size()));
  if (!annotation.starts_with(kLocal) || path.empty() || trim(path) != path) return std::nullopt;
  with_type("Localhost");
  profile.set_ref(arena, "localhostProfile", api::Value::string_ref(path));
  return profile;
}

const Strategy kPodStrategy{
    .storage_resource = "pods",
    .has_generation = true,
    .returns_deleted = true,
    .keeps_status = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .validate_update = validate_pod_update,
    .validate_status = validate_pod_status,
    .warn = warn_about_pod,
    .warn_status = warn_about_pod_status,
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

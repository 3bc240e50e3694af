#include "apiserver/strategies/pod_update.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/difference.h"
#include "apiserver/strategies/internal_form.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr const char* kContainerLists[] = {"containers", "initContainers"};
constexpr std::int64_t kMaxInt32 = 2147483647;
constexpr std::string_view kMirror = "kubernetes.io/config.mirror";

std::span<const api::Value> items_at(const api::Value& object, std::string_view key) {
  const auto* list = object.find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<const api::Value>();
}

// `value` gets the member that `from` has, or loses it.
void take_member(api::Arena& arena, api::Value& value, const api::Value& from, const char* key) {
  const auto* member = from.find(key);
  if (member == nullptr)
    value.erase(key);
  else
    value.set_ref(arena, key, *member);
}

// Only the node affinity of a waiting pod may be told more.
void take_node_affinity(api::Arena& arena, api::Value& spec, const api::Value& old) {
  const auto* before = old.find_path({"affinity", "nodeAffinity"});
  if (before == nullptr && spec.find("affinity") == nullptr) return;
  api::Value& affinity = spec.ensure_object(arena, "affinity");
  if (before == nullptr)
    affinity.erase("nodeAffinity");
  else
    affinity.set_ref(arena, "nodeAffinity", *before);
  if (affinity.empty() && old.find("affinity") == nullptr) spec.erase("affinity");
}

// A copy of `spec` with the members that may change taken from `old`.
api::Value without_allowed_changes(api::Arena& arena, const api::Value& spec,
                                   const api::Value& old) {
  api::Value same = api::deep_copy(arena, spec);
  for (const auto* list : kContainerLists) {
    auto* containers = same.find(list);
    const auto before = items_at(old, list);
    if (containers == nullptr || !containers->is_array() || containers->size() != before.size()) {
      continue;
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (const auto* image = before[i].find("image")) {
        containers->items()[i].set_ref(arena, "image", *image);
      }
    }
  }
  for (const char* key : {"activeDeadlineSeconds", "tolerations", "schedulingGates"}) {
    take_member(arena, same, old, key);
  }
  if (!items_at(old, "schedulingGates").empty()) {
    take_member(arena, same, old, "nodeSelector");
    take_node_affinity(arena, same, old);
  }
  return same;
}

// Says whether the rest is worth to be looked at.
bool validate_deadline_update(const Field& deadline, const api::Value* old) {
  const bool was_set = old != nullptr && old->is_int();
  if (!deadline.is_set()) {
    if (was_set) deadline.invalid("must not update from a positive integer to nil value");
    return true;
  }
  if (deadline.number() < 0 || deadline.number() > kMaxInt32) {
    deadline.between(0, kMaxInt32);
    return false;
  }
  if (!was_set || deadline.number() <= old->as_int()) return true;
  deadline.invalid("must be less than or equal to previous value");
  return false;
}

// Tolerations may be added; those that are there keep all but their seconds.
void validate_toleration_update(const Field& tolerations, const api::Value& old) {
  const auto without_seconds = [](const api::Value& one) {
    return std::tuple(one.string_at("key"), one.string_at("operator"), one.string_at("value"),
                      one.string_at("effect"));
  };
  std::set<decltype(without_seconds(old))> kept;
  for (const Field& now : tolerations.items()) kept.insert(without_seconds(*now.value()));
  for (const auto& before : items_at(old, "tolerations")) {
    if (kept.contains(without_seconds(before))) continue;
    return tolerations.forbidden(
        "existing toleration can not be modified except its tolerationSeconds");
  }
  validate_tolerations(tolerations);
}

// Said once more, beside what new pods are told.
void validate_images(const Field& containers) {
  for (const Field& container : containers.items()) {
    const Field image = container["image"];
    image.require();
    if (trim(image.text()).size() == image.text().size()) continue;
    image.invalid("must not have leading or trailing whitespace");
  }
}

void validate_gate_update(const Field& gates, const api::Value& old) {
  std::set<std::string_view> known;
  for (const auto& gate : items_at(old, "schedulingGates")) known.insert(gate.string_at("name"));
  for (const Field& gate : gates.items()) {
    const Field name = gate["name"];
    if (known.contains(name.text())) continue;
    name.forbidden("only deletion is allowed, but found new scheduling gate '" +
                   std::string(name.text()) + "'");
  }
}

void validate_selector_additions(const Field& selector, const api::Value* old) {
  if (old == nullptr || !old->is_object()) return;
  FieldMap now(selector);
  for (const auto& [key, value] : old->members()) {
    const Field same = now.at_key(key);
    if (value.is_string() && same.is_set() && same.is(value.as_string())) continue;
    return selector.invalid(
        "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
  }
}

// The requirements that a term had stand first in it, unchanged.
bool has_only_additions(const Field& term, const api::Value& old) {
  const auto starts_with = [&](const char* list) {
    const auto before = items_at(old, list);
    const auto now = term[list].items();
    if (now.size() < before.size()) return false;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!api::equal(*now[i].value(), before[i])) return false;
    }
    return true;
  };
  const bool was_empty =
      items_at(old, "matchExpressions").empty() && items_at(old, "matchFields").empty();
  const bool is_empty = term["matchExpressions"].empty() && term["matchFields"].empty();
  if (was_empty && !is_empty) return false;
  return starts_with("matchExpressions") && starts_with("matchFields");
}

void validate_affinity_additions(const Field& affinity, const api::Value& old) {
  constexpr const char* kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
  const auto* before = old.find_path({"affinity", "nodeAffinity", kRequired});
  if (before == nullptr) return;
  const auto terms = items_at(*before, "nodeSelectorTerms");
  const Field now = affinity[kRequired]["nodeSelectorTerms"];
  if (!terms.empty() && terms.size() != now.size()) {
    return now.invalid_value(
        internal_form(now, "", "NodeSelectorTerm"),
        "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  }
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (has_only_additions(now.at(i), terms[i])) continue;
    now.at(i).invalid_value(internal_form(now.at(i), "", "NodeSelectorTerm"),
                            "only additions are allowed (no mutations or deletions)");
  }
}

void validate_ephemeral_update(const Field& containers, const api::Value& old) {
  std::map<std::string_view, const api::Value*> by_name;
  for (const Field& one : containers.items()) by_name.emplace(one["name"].text(), one.value());
  for (const auto& before : items_at(old, "ephemeralContainers")) {
    const std::string name(before.string_at("name"));
    const auto now = by_name.find(name);
    if (now == by_name.end()) {
      containers.forbidden("existing ephemeral containers " + quoted(name) +
                           " may not be removed\n");
    } else if (!api::equal(*now->second, before)) {
      containers.forbidden("existing ephemeral containers " + quoted(name) + " may not be changed" +
                           difference(before, *now->second));
    }
  }
}

// Some annotations say what a pod is: a static pod's mirror, the profiles of its containers.
void validate_annotation_update(const Field& annotations, const api::Value* old) {
  const auto name_of = [](std::string_view key) -> const char* {
    if (key.starts_with("container.apparmor.security.beta.kubernetes.io/")) {
      return " AppArmor annotations";
    }
    return key == kMirror ? " mirror pod annotation" : nullptr;
  };
  if (old != nullptr && old->is_object()) {
    FieldMap after(annotations);
    for (const auto& [key, value] : old->members()) {
      const Field now = after.at_key(key);
      if (now.is_set() && api::equal(value, *now.value())) continue;
      if (const char* name = name_of(key)) {
        now.forbidden("may not remove or update" + std::string(name));
      }
    }
  }
  FieldMap before(annotations.with(old));
  for (const auto& [key, value] : annotations.entries()) {
    if (before.at_key(key).value() != nullptr) continue;
    if (const char* name = name_of(key)) value.forbidden("may not add" + std::string(name));
  }
}

bool is_mirror(const api::Value& pod) {
  const auto* annotations = pod.find_path({"metadata", "annotations"});
  return annotations != nullptr && annotations->find(kMirror) != nullptr;
}

void validate_waiting_update(const Field& spec, const api::Value& old) {
  if (items_at(old, "schedulingGates").empty()) return;
  validate_selector_additions(spec["nodeSelector"], old.find("nodeSelector"));
  validate_affinity_additions(spec["affinity"]["nodeAffinity"], old);
}

}  // namespace

void validate_new_pod(const Field& pod) {
  const Field spec = pod["spec"];
  const Field ephemeral = spec["ephemeralContainers"];
  if (!ephemeral.empty()) ephemeral.forbidden("cannot be set on create");
  if (!spec["nodeName"].empty() && !spec["schedulingGates"].empty()) {
    spec["nodeName"].forbidden("cannot be set until all schedulingGates have been cleared");
  }
  validate_profile_annotations(pod["metadata"]["annotations"], spec);
}

void validate_pod_update(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  const Field spec = root(change, object)["spec"];
  if (before == nullptr || spec.value() == nullptr || change.subresource == "binding") return;
  if (change.subresource == "resize") return validate_pod_resize(change, object, old);
  const Field annotations = root(change, object)["metadata"]["annotations"];
  validate_annotation_update(annotations, old.find_path({"metadata", "annotations"}));
  validate_pod_annotations(annotations, spec);
  if (change.subresource == "ephemeralcontainers") {
    if (is_mirror(old)) {
      change.causes.clear();
      return root(change, object)
          .as("[]")
          .forbidden("static pods do not support ephemeral containers");
    }
    return validate_ephemeral_update(spec["ephemeralContainers"], *before);
  }
  for (const auto* list : kContainerLists) {
    if (spec[list].size() != items_at(*before, list).size()) {
      return spec[list].forbidden("pod updates may not add or remove containers");
    }
    validate_images(spec[list]);
  }
  if (!validate_deadline_update(spec["activeDeadlineSeconds"],
                                before->find("activeDeadlineSeconds"))) {
    return;
  }
  validate_toleration_update(spec["tolerations"], *before);
  validate_gate_update(spec["schedulingGates"], *before);
  validate_waiting_update(spec, *before);
  const api::Value same = without_allowed_changes(change.arena, *spec.value(), *before);
  if (api::equal(same, *before)) return;
  spec.forbidden(
      "pod updates may not change fields other than `spec.containers[*].image`,"
      "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
      "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
      "to 1 if it was previously negative)" +
      difference(*before, same));
}

}  // namespace pinnace::apiserver

// Pods: what the server fills in, what may change later, and how long one is given to end.
#include <algorithm>

#include "api/json.h"
#include "api/quantity.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kContainerLists[] = {"containers", "initContainers"};

std::span<const api::Value> items_at(const api::Value& object, std::string_view key) {
  const auto* list = object.find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<const api::Value>();
}

// Requests and limits of cpu and memory of one container, as the quality of service sees them.
struct Asked {
  bool any = false;        // some request or limit
  bool guaranteed = true;  // both resources have limits that equal their requests
};

void add_container(Asked& asked, const api::Value& container) {
  for (const char* resource : {"cpu", "memory"}) {
    const auto* request = container.find_path({"resources", "requests", resource});
    const auto* limit = container.find_path({"resources", "limits", resource});
    const auto amount = [](const api::Value* value) {
      const auto parsed = value != nullptr && value->is_string()
                              ? api::Quantity::parse(value->as_string())
                              : Result<api::Quantity>(api::Quantity());
      return parsed ? *parsed : api::Quantity();
    };
    const api::Quantity wanted = amount(request), bound = amount(limit);
    asked.any = asked.any || !wanted.is_zero() || !bound.is_zero();
    asked.guaranteed = asked.guaranteed && !bound.is_zero() && wanted == bound;
  }
}

std::string_view qos_class(const api::Value& spec) {
  Asked asked;
  for (const auto list : kContainerLists) {
    for (const auto& container : items_at(spec, list)) add_container(asked, container);
  }
  return !asked.any ? "BestEffort" : asked.guaranteed ? "Guaranteed" : "Burstable";
}

Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  api::Value& status = object.ensure_object(change.arena, "status");
  status.set_ref(change.arena, "phase", api::Value::string_ref("Pending"));
  status.set_ref(change.arena, "qosClass", api::Value::string_ref(qos_class(spec)));
  const Field ephemeral = root(change, object)["spec"]["ephemeralContainers"];
  if (!ephemeral.empty()) ephemeral.forbidden("cannot be set on create");
  if (items_at(spec, "schedulingGates").empty()) return {};
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
    for (const auto list : kContainerLists) {
      auto* containers = spec.find(list);
      if (containers == nullptr || !containers->is_array()) continue;
      for (auto& container : containers->items()) {
        for (const auto& other : items_at(*wanted, list)) {
          const auto* resources = other.find("resources");
          if (resources == nullptr || other.string_at("name") != container.string_at("name"))
            continue;
          container.set_ref(change.arena, "resources", *resources);
        }
      }
    }
  }
  object.set_ref(change.arena, "metadata", api::deep_copy(change.arena, *old.find("metadata")));
  object.set_ref(change.arena, "spec", spec);
  return {};
}

void validate(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_pod_spec(spec);
  // Templates have always been taken without this.
  for (const auto list : kContainerLists) {
    for (const Field& container : spec[list].items()) {
      const Field image = container["image"];
      if (trim(image.text()).size() == image.text().size()) continue;
      image.invalid("must not have leading or trailing whitespace");
    }
  }
}

// A copy of `spec` with the members that may change taken from `old`.
api::Value without_allowed_changes(api::Arena& arena, const api::Value& spec,
                                   const api::Value& old) {
  api::Value same = api::deep_copy(arena, spec);
  for (const auto list : kContainerLists) {
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
  for (const char* key : {"activeDeadlineSeconds", "tolerations"}) {
    const auto* before = old.find(key);
    if (before == nullptr)
      same.erase(key);
    else
      same.set_ref(arena, key, *before);
  }
  if (old.int_at("terminationGracePeriodSeconds") < 0 &&
      same.int_at("terminationGracePeriodSeconds") == 1) {
    same.set_ref(arena, "terminationGracePeriodSeconds",
                 *old.find("terminationGracePeriodSeconds"));
  }
  // A pod that waits at gates may lose some of them and be told more about where it may run.
  if (!items_at(old, "schedulingGates").empty()) {
    for (const char* key : {"schedulingGates", "nodeSelector", "affinity"}) {
      const auto* before = old.find(key);
      if (before == nullptr)
        same.erase(key);
      else
        same.set_ref(arena, key, *before);
    }
  }
  return same;
}

void validate_deadline_update(const Field& deadline, const api::Value* old) {
  if (old == nullptr || !old->is_int()) return;
  if (!deadline.is_set()) {
    return deadline.invalid("must not update from a positive integer to nil value");
  }
  if (deadline.number() > old->as_int()) {
    deadline.invalid("must be less than or equal to previous value");
  }
}

// Tolerations may be added; those that are there keep all but their seconds.
void validate_toleration_update(Change& change, const Field& tolerations, const api::Value& old) {
  const auto without_seconds = [&](const api::Value& toleration) {
    api::Value copy = api::deep_copy(change.arena, toleration);
    copy.erase("tolerationSeconds");
    return copy;
  };
  for (const auto& before : items_at(old, "tolerations")) {
    const api::Value wanted = without_seconds(before);
    const auto items = tolerations.items();
    const bool kept = std::any_of(items.begin(), items.end(), [&](const Field& toleration) {
      return api::equal(without_seconds(*toleration.value()), wanted);
    });
    if (kept) continue;
    return tolerations.forbidden(
        "existing toleration can not be modified except its "
        "tolerationSeconds");
  }
}

void validate_gate_update(const Field& gates, const api::Value& old) {
  for (const Field& gate : gates.items()) {
    const auto before = items_at(old, "schedulingGates");
    const bool known = std::any_of(before.begin(), before.end(), [&](const api::Value& one) {
      return one.string_at("name") == gate["name"].text();
    });
    if (known) continue;
    gates.forbidden("only deletion is allowed, but found new scheduling gate '" +
                    std::string(gate["name"].text()) + "'");
  }
}

void validate_ephemeral_update(const Field& containers, const api::Value& old) {
  for (const auto& before : items_at(old, "ephemeralContainers")) {
    const std::string name(before.string_at("name"));
    const auto items = containers.items();
    const auto now = std::find_if(items.begin(), items.end(),
                                  [&](const Field& one) { return one["name"].text() == name; });
    if (now == items.end()) {
      containers.forbidden("existing ephemeral containers " + quoted(name) +
                           " may not be removed\n");
    } else if (!api::equal(*now->value(), before)) {
      containers.forbidden("existing ephemeral containers " + quoted(name) +
                           " may not be changed\n");
    }
  }
}

void validate_update(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  if (before == nullptr || change.subresource == "binding" || change.subresource == "resize")
    return;
  const Field spec = root(change, object)["spec"];
  validate_ephemeral_update(spec["ephemeralContainers"], *before);
  if (change.subresource == "ephemeralcontainers") return;
  for (const auto list : kContainerLists) {
    if (spec[list].size() != items_at(*before, list).size()) {
      return spec[list].forbidden("pod updates may not add or remove containers");
    }
  }
  validate_deadline_update(spec["activeDeadlineSeconds"], before->find("activeDeadlineSeconds"));
  validate_toleration_update(change, spec["tolerations"], *before);
  validate_gate_update(spec["schedulingGates"], *before);
  if (spec.value() == nullptr) return;
  if (api::equal(without_allowed_changes(change.arena, *spec.value(), *before), *before)) return;
  spec.forbidden(
      "pod updates may not change fields other than `spec.containers[*].image`,"
      "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
      "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
      "to 1 if it was previously negative)");
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

}  // namespace

const Strategy kPodStrategy{
    .storage_resource = "pods",
    .has_generation = true,
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .validate_update = validate_update,
    .grace_seconds = grace_seconds,
};

namespace {

void validate_template_object(Change& change, const api::Value& object) {
  validate_pod_template(root(change, object)["template"]);
}

}  // namespace

const Strategy kPodTemplateStrategy{
    .storage_resource = "podtemplates",
    .has_generation = true,
    .validate = validate_template_object,
};

}  // namespace pinnace::apiserver

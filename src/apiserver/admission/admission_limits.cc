// LimitRange: defaults for containers, and bounds for containers, pods and claims.
#include "api/json.h"
#include "api/quantity.h"
#include "apiserver/admission/admission_plugins.h"
#include "apiserver/admission/pod_amounts.h"
#include "apiserver/backend.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr const char* kContainerLists[] = {"containers", "initContainers"};

// What a bound says of an amount, in the order in which messages come.
struct Bounds {
  std::string type;  // "Container"
  std::vector<std::string> broken;

  void at_most(std::string_view name, const api::Quantity& most, const api::Value* limits) {
    const auto* own = limits == nullptr ? nullptr : limits->find(name);
    const std::string says =
        "maximum " + std::string(name) + " usage per " + type + " is " + most.format();
    if (own == nullptr)
      broken.push_back(says + ".  No limit is specified");
    else if (const auto amount = quantity_of(own); amount > most) {
      broken.push_back(says + ", but limit is " + amount.format());
    }
  }
  void at_least(std::string_view name, const api::Quantity& least, const api::Value* requests) {
    const auto* own = requests == nullptr ? nullptr : requests->find(name);
    const std::string says =
        "minimum " + std::string(name) + " usage per " + type + " is " + least.format();
    if (own == nullptr)
      broken.push_back(says + ".  No request is specified");
    else if (const auto amount = quantity_of(own); amount < least) {
      broken.push_back(says + ", but request is " + amount.format());
    }
  }
};

void fill(Change& change, api::Value& resources, const api::Value& limit, const char* from,
          const char* to) {
  const auto* defaults = limit.find(from);
  if (defaults == nullptr || defaults->empty()) return;
  api::Value& amounts = resources.ensure_object(change.arena, to);
  for (const auto& [name, value] : defaults->members()) {
    if (amounts.find(name) == nullptr) amounts.set(change.arena, name, value);
  }
}

void check(const api::Value& limit, const api::Value& resources, Bounds& bounds) {
  if (const auto* most = limit.find("max"); most != nullptr && most->is_object()) {
    for (const auto& [name, value] : most->members()) {
      bounds.at_most(name, quantity_of(&value), resources.find("limits"));
    }
  }
  if (const auto* least = limit.find("min"); least != nullptr && least->is_object()) {
    for (const auto& [name, value] : least->members()) {
      bounds.at_least(name, quantity_of(&value), resources.find("requests"));
    }
  }
}

// Requests and limits of a whole pod, as one container would have them.
api::Value whole_pod(api::Arena& arena, const api::Value& pod, const api::Value& limit) {
  api::Value out = api::Value::object();
  for (const auto& [bound, kind] : {std::pair("max", "limits"), std::pair("min", "requests")}) {
    const auto* names = limit.find(bound);
    if (names == nullptr || !names->is_object()) continue;
    for (const auto& [name, value] : names->members()) {
      const auto amount = pod_amount(pod, kind, name);
      out.ensure_object(arena, kind).set(arena, name, api::Value::string(arena, amount.format()));
    }
  }
  return out;
}

void apply_to_pod(Change& change, api::Value& pod, const api::Value& limit, Bounds& bounds) {
  if (bounds.type == "Pod") return check(limit, whole_pod(change.arena, pod, limit), bounds);
  if (bounds.type != "Container") return;
  for (const char* list : kContainerLists) {
    auto* containers = pod.find_path({"spec", list});
    if (containers == nullptr || !containers->is_array()) continue;
    for (auto& container : containers->items()) {
      api::Value& resources = container.ensure_object(change.arena, "resources");
      fill(change, resources, limit, "default", "limits");
      fill(change, resources, limit, "defaultRequest", "requests");
      check(limit, resources, bounds);
    }
  }
}

void apply_to_claim(const api::Value& claim, const api::Value& limit, Bounds& bounds) {
  if (bounds.type != "PersistentVolumeClaim") return;
  const auto* requests = claim.find_path({"spec", "resources", "requests"});
  const auto* asked = requests == nullptr ? nullptr : requests->find("storage");
  if (asked == nullptr) return;
  const auto amount = quantity_of(asked);
  const auto* most = limit.find_path({"max", "storage"});
  const auto* least = limit.find_path({"min", "storage"});
  const auto says = [&](const char* edge, const api::Value* bound) {
    bounds.broken.push_back(std::string(edge) + " storage usage per PersistentVolumeClaim is " +
                            quantity_of(bound).format() + ", but request is " + amount.format());
  };
  if (most != nullptr && amount > quantity_of(most)) says("maximum", most);
  if (least != nullptr && amount < quantity_of(least)) says("minimum", least);
}

}  // namespace

Result<void> admit_limit_ranges(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& object = *request.object;
  const std::string_view resource = change.storage.storage_resource;
  const bool is_pod = resource == "pods", is_claim = resource == "persistentvolumeclaims";
  if (!is_pod && !is_claim) return {};
  if (change.backend.store().count("limitranges") == 0) return {};
  auto ranges = change.backend.store().list("limitranges", change.ns);
  if (!ranges) return {};
  std::vector<std::string> broken;
  for (const auto& range : ranges->objects) {
    const auto parsed = api::parse_json(change.arena, range->json);
    const auto* limits = parsed ? parsed->find_path({"spec", "limits"}) : nullptr;
    if (limits == nullptr || !limits->is_array()) continue;
    for (const auto& limit : limits->items()) {
      Bounds bounds{std::string(limit.string_at("type")), {}};
      if (is_pod)
        apply_to_pod(change, object, limit, bounds);
      else
        apply_to_claim(object, limit, bounds);
      broken.insert(broken.end(), bounds.broken.begin(), bounds.broken.end());
    }
  }
  if (broken.empty()) return {};
  const std::string all = join(broken, ", ");
  return admission_refusal(change, broken.size() == 1 ? all : "[" + all + "]");
}

}  // namespace pinnace::apiserver

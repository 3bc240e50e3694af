// LimitRanger: what LimitRange objects give to containers that do not say what they need, and the
// bounds that they set for containers, pods and claims.
#include <set>

#include "api/json.h"
#include "api/pod_resources.h"
#include "api/quantity.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAnnotation = "kubernetes.io/limit-ranger";
constexpr ContainerList kLimited[] = {kContainerLists[1], kContainerLists[0]};

// The LimitRanges of the namespace, parsed into the change's arena.
std::vector<api::Value> ranges_of(Change& change) {
  std::vector<api::Value> out;
  const store::Store& store = change.backend.store();
  if (store.count("limitranges") == 0) return out;
  const auto stored = store.list("limitranges", change.ns);
  if (!stored) return out;
  for (const auto& one : stored->objects) {
    if (auto parsed = parse_stored(change.arena, *one)) out.push_back(*parsed);
  }
  return out;
}

// Amounts of one thing that is bounded: a container, a whole pod or a claim.
struct Bounded {
  api::Amounts requests;
  api::Amounts limits;
};

const api::Quantity* find(const api::Amounts& amounts, std::string_view name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? nullptr : &found->second;
}

// What a LimitRange says of amounts, in Kubernetes' words.
class Bounds {
 public:
  explicit Bounds(const api::Value& limit) : limit_(limit), type_(limit.string_at("type")) {}

  void check(const Bounded& bounded, std::vector<std::string>& broken) const {
    for (const auto& [name, value] : members_at(&limit_, "min")) {
      at_least(name, api::quantity_of(&value), bounded, broken);
    }
    for (const auto& [name, value] : members_at(&limit_, "max")) {
      at_most(name, api::quantity_of(&value), bounded, broken);
    }
    for (const auto& [name, value] : members_at(&limit_, "maxLimitRequestRatio")) {
      check_ratio(name, api::quantity_of(&value), bounded, broken);
    }
  }
  // A claim has requests alone.
  void check_claim(const api::Amounts& requests, std::vector<std::string>& broken) const {
    for (const auto& [name, value] : members_at(&limit_, "min")) {
      at_least(name, api::quantity_of(&value), {requests, {}}, broken);
    }
    for (const auto& [name, value] : members_at(&limit_, "max")) {
      const api::Quantity* own = find(requests, name);
      const auto most = api::quantity_of(&value);
      if (own == nullptr) {
        broken.push_back(says("maximum", name, most) + ".  No request is specified");
      } else if (*own > most) {
        broken.push_back(says("maximum", name, most) + ", but request is " + own->format());
      }
    }
  }
  const std::string& type() const { return type_; }

 private:
  std::string says(std::string_view edge, std::string_view name, const api::Quantity& bound) const {
    return std::string(edge) + " " + std::string(name) + " usage per " + type_ + " is " +
           bound.format();
  }

  void at_least(std::string_view name, const api::Quantity& least, const Bounded& bounded,
                std::vector<std::string>& broken) const {
    const api::Quantity* request = find(bounded.requests, name);
    const api::Quantity* limit = find(bounded.limits, name);
    const std::string text = says("minimum", name, least);
    if (request == nullptr) {
      broken.push_back(text + ".  No request is specified");
    } else if (*request < least) {
      broken.push_back(text + ", but request is " + request->format());
    } else if (limit != nullptr && *limit < least) {
      broken.push_back(text + ", but limit is " + limit->format());
    }
  }

  void at_most(std::string_view name, const api::Quantity& most, const Bounded& bounded,
               std::vector<std::string>& broken) const {
    const api::Quantity* request = find(bounded.requests, name);
    const api::Quantity* limit = find(bounded.limits, name);
    const std::string text = says("maximum", name, most);
    if (limit == nullptr) {
      broken.push_back(text + ".  No limit is specified");
    } else if (*limit > most) {
      broken.push_back(text + ", but limit is " + limit->format());
    } else if (request != nullptr && *request > most) {
      broken.push_back(text + ", but request is " + request->format());
    }
  }

  void check_ratio(std::string_view name, const api::Quantity& most, const Bounded& bounded,
                   std::vector<std::string>& broken) const {
    const api::Quantity* request = find(bounded.requests, name);
    const api::Quantity* limit = find(bounded.limits, name);
    const std::string text = std::string(name) + " max limit to request ratio per " + type_ +
                             " is " + most.format() + ", but ";
    if (request == nullptr || request->is_zero()) {
      broken.push_back(text + "no request is specified or request is 0");
    } else if (limit == nullptr || limit->is_zero()) {
      broken.push_back(text + "no limit is specified or limit is 0");
    } else if (const double ratio = limit->as_double() / request->as_double();
               ratio > most.as_double()) {
      broken.push_back(text + "provided ratio is " + std::to_string(ratio));
    }
  }

  const api::Value& limit_;
  std::string type_;
};

// Adds the defaults that are missing; their names in order.
std::string fill(Change& change, api::Value& container, const api::Value& limit, const char* from,
                 const char* to) {
  std::set<std::string, std::less<>> added;
  for (const auto& [name, value] : members_at(&limit, from)) {
    api::Value& amounts =
        container.ensure_object(change.arena, "resources").ensure_object(change.arena, to);
    if (amounts.find(name) != nullptr) continue;
    amounts.set(change.arena, name, value);
    added.emplace(name);
  }
  return join({added.begin(), added.end()}, ", ");
}

void note(std::vector<std::string>& notes, const std::string& names, std::string_view what,
          std::string_view word, const api::Value& container) {
  if (names.empty()) return;
  notes.push_back(names + " " + std::string(what) + " for " + std::string(word) + " " +
                  std::string(container.string_at("name")));
}

Result<void> add_defaults(AdmissionRequest& request) {
  Change& change = request.change;
  if (request.resource() != "pods") return {};
  for (const auto& range : ranges_of(change)) {
    std::vector<std::string> notes;
    for (const auto& limit : items_at(range.find("spec"), "limits")) {
      if (limit.string_at("type") != "Container") continue;
      for (const auto& [list, word] : kLimited) {
        for (auto& container : items_at(request.object->find("spec"), list)) {
          const auto requests = fill(change, container, limit, "defaultRequest", "requests");
          const auto limits = fill(change, container, limit, "default", "limits");
          note(notes, requests, "request", word, container);
          note(notes, limits, "limit", word, container);
        }
      }
    }
    if (notes.empty()) continue;
    // The last range that gave something is the one that is told of.
    meta_of(change.arena, *request.object)
        .ensure_object(change.arena, "annotations")
        .set_ref(change.arena, kAnnotation,
                 change.text("LimitRanger plugin set: " + join(notes, "; ")));
  }
  return {};
}

// The overhead of a pod's runtime class is not bounded.
void check_pod(const api::Value& spec, const api::Value& limit, std::vector<std::string>& broken) {
  const Bounds bounds(limit);
  if (bounds.type() == "Pod") {
    bounds.check({api::amounts_of_pod(spec, "requests"), api::amounts_of_pod(spec, "limits")},
                 broken);
  } else if (bounds.type() == "Container") {
    for (const auto& [list, word] : kLimited) {
      for (const auto& container : items_at(&spec, list)) {
        const api::Value* resources = container.find("resources");
        bounds.check({api::amounts_of(resources, "requests"), api::amounts_of(resources, "limits")},
                     broken);
      }
    }
  }
}

Result<void> check_bounds(AdmissionRequest& request) {
  Change& change = request.change;
  const bool is_pod = request.resource() == "pods";
  const bool is_update = request.is(Operation::kUpdate);
  const bool resizes = change.subresource == "resize";
  // A pod's containers keep what they have, but for a resize.
  if (is_pod && is_update != resizes) return {};
  if (is_update && is_being_deleted(*request.object)) return {};
  const api::Value* said = request.object->find("spec");
  const api::Value spec = said == nullptr ? api::Value::object() : *said;
  for (const auto& range : ranges_of(change)) {
    std::vector<std::string> broken;
    for (const auto& limit : items_at(range.find("spec"), "limits")) {
      if (is_pod) {
        check_pod(spec, limit, broken);
      } else if (limit.string_at("type") == "PersistentVolumeClaim") {
        Bounds(limit).check_claim(api::amounts_of(spec.find("resources"), "requests"), broken);
      }
    }
    if (broken.empty()) continue;
    return admission_refusal(change, aggregate_text(broken));
  }
  return {};
}

// A pod's containers are there for good, and are given defaults again only when they are resized.
Result<void> fill_in(AdmissionRequest& request) {
  if (request.is(Operation::kCreate)) return add_defaults(request);
  const bool resizes = request.change.subresource == "resize";
  return resizes && !is_being_deleted(*request.old) ? add_defaults(request) : Result<void>();
}

}  // namespace

constinit const AdmissionPlugin kLimitRanger{.name = "LimitRanger",
                                             .resources = "pods persistentvolumeclaims",
                                             .subresources = "resize",
                                             .operations = kWrites,
                                             .mutate = fill_in,
                                             .validate = check_bounds};

}  // namespace pinnace::apiserver

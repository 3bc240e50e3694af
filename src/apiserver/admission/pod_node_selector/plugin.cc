// PodNodeSelector: a namespace says on which nodes its pods run, and which selectors they may have.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/admission-controllers#podnodeselector.
#include <map>

#include "api/json.h"
#include "api/selector.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAnnotation = "scheduler.alpha.kubernetes.io/node-selector";
constexpr std::string_view kDefaultEntry = "clusterDefaultNodeSelector";

struct Selectors final : PluginState {
  std::map<std::string, std::string, std::less<>> by_namespace;  // And kDefaultEntry.
  std::string_view find(std::string_view ns) const {
    const auto found = by_namespace.find(ns);
    return found == by_namespace.end() ? std::string_view() : found->second;
  }
};

// "a=b,c=d" as labels.
Result<api::LabelMap> parse_labels(std::string_view text) {
  api::LabelMap labels;
  if (text.empty()) return labels;
  for (const auto part : split(text, ',')) {
    const auto sides = split(part, '=');
    if (sides.size() != 2) {
      std::string shown;
      for (const auto side : sides) (shown += shown.empty() ? "" : " ") += side;
      return errors::unexplained("invalid selector: [" + shown + "]");
    }
    labels[std::string(trim(sides[0]))] = trim(sides[1]);
  }
  return labels;
}

Result<std::unique_ptr<PluginState>> configure(Backend&, const api::Value* configuration) {
  auto state = std::make_unique<Selectors>();
  for (const auto& [ns, selector] : members_at(configuration, "podNodeSelectorPluginConfig")) {
    if (!selector.is_string()) return errors::bad_request("a selector must be a string");
    if (auto ok = parse_labels(selector.as_string()); !ok) return std::unexpected(ok.error());
    state->by_namespace[std::string(ns)] = selector.as_string();
  }
  return state;
}

// What the namespace's annotation says, else what the configuration says for all.
Result<api::LabelMap> selector_of_namespace(const AdmissionRequest& request) {
  const Change& change = request.change;
  const auto& state = static_cast<const Selectors&>(*request.state);
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  if (!found) return errors::not_found("namespaces", change.ns);
  const auto ns = parse_stored(change.arena, **found);
  if (!ns) return std::unexpected(ns.error());
  if (has_annotation(*ns, kAnnotation)) return parse_labels(annotation_of(*ns, kAnnotation));
  return parse_labels(state.find(kDefaultEntry));
}

bool conflicts(const api::LabelMap& labels, const api::Value* own) {
  for (const auto& [key, value] : labels) {
    const auto* other = own == nullptr ? nullptr : own->find(key);
    if (other != nullptr && other->is_string() && other->as_string() != value) return true;
  }
  return false;
}

// The pod's selector may narrow the namespace's, within the list that its configuration allows.
Result<void> check_selector(AdmissionRequest& request) {
  const Change& change = request.change;
  const auto& state = static_cast<const Selectors&>(*request.state);
  const auto labels = selector_of_namespace(request);
  if (!labels) return std::unexpected(labels.error());
  const auto* own = request.object->find_path({"spec", "nodeSelector"});
  if (conflicts(*labels, own)) {
    return admission_refusal(
        change, "pod node label selector conflicts with its namespace node label selector");
  }
  const auto allowed = parse_labels(state.find(change.ns));
  if (!allowed) return std::unexpected(allowed.error());
  if (allowed->empty() || own == nullptr) return {};
  for (const auto& [key, value] : own->members()) {
    const auto found = allowed->find(key);
    if (found == allowed->end() || !value.is_string() || found->second != value.as_string()) {
      return admission_refusal(
          change, "pod node label selector labels conflict with its namespace whitelist");
    }
  }
  return {};
}

Result<void> set_selector(AdmissionRequest& request) {
  Change& change = request.change;
  const auto labels = selector_of_namespace(request);
  if (!labels) return std::unexpected(labels.error());
  if (labels->empty()) return {};
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  if (conflicts(*labels, spec.find("nodeSelector"))) {
    return admission_refusal(
        change, "pod node label selector conflicts with its namespace node label selector");
  }
  api::Value& own = spec.ensure_object(change.arena, "nodeSelector");
  for (const auto& [key, value] : *labels) own.set(change.arena, key, change.text(value));
  return {};
}

}  // namespace

constinit const AdmissionPlugin kPodNodeSelector{.name = "PodNodeSelector",
                                                 .resources = "pods",
                                                 .subresources = "",
                                                 .operations = kCreates,
                                                 .mutate = set_selector,
                                                 .validate = check_selector,
                                                 .configure = configure};

}  // namespace pinnace::apiserver

// PodTolerationRestriction: a namespace gives its pods tolerations, and says which they may have.
//
// Source: podtolerationrestriction.admission.k8s.io/v1alpha1.
#include <algorithm>
#include <optional>

#include "api/json.h"
#include "api/pod_resources.h"
#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/tolerations.h"
#include "apiserver/backend.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kDefaults = "scheduler.alpha.kubernetes.io/defaultTolerations";
constexpr std::string_view kAllowed = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

struct Lists final : PluginState {
  api::Arena arena;
  api::Value defaults = api::Value::array(), allowed = api::Value::array();
};

Result<std::unique_ptr<PluginState>> configure(Backend&, const api::Value* configuration) {
  auto state = std::make_unique<Lists>();
  if (configuration == nullptr) return state;
  if (auto ok = check_configuration_kind(
          *configuration, "podtolerationrestriction.admission.k8s.io", "v1alpha1", "Configuration");
      !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  for (const auto& one : items_at(configuration, "default")) {
    state->defaults.append(state->arena, api::deep_copy(state->arena, one));
  }
  for (const auto& one : items_at(configuration, "whitelist")) {
    state->allowed.append(state->arena, api::deep_copy(state->arena, one));
  }
  return state;
}

// The list in the namespace's annotation; nothing where it has none.
Result<std::optional<api::Value>> list_of_namespace(const AdmissionRequest& request,
                                                    std::string_view annotation) {
  const Change& change = request.change;
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  if (!found) return errors::not_found("namespaces", change.ns);
  const auto ns = parse_stored(change.arena, **found);
  if (!ns) return std::unexpected(ns.error());
  if (!has_annotation(*ns, annotation)) return std::nullopt;
  const std::string_view text = annotation_of(*ns, annotation);
  if (text.empty()) return api::Value::array();
  const auto list = api::parse_json(change.arena, text);
  if (!list) return errors::unexplained(list.error().message);
  return list->is_array() ? *list : api::Value::array();
}

Result<void> add_tolerations(AdmissionRequest& request) {
  Change& change = request.change;
  const auto& state = static_cast<const Lists&>(*request.state);
  std::vector<api::Value> more;
  if (request.is(Operation::kCreate)) {
    const auto own = list_of_namespace(request, kDefaults);
    if (!own) return std::unexpected(own.error());
    for (const auto& one : own->value_or(state.defaults).items()) {
      more.push_back(api::deep_copy(change.arena, one));
    }
  }
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  if (!api::is_best_effort(spec)) {
    more.push_back(tolerate_key(change.arena, "node.kubernetes.io/memory-pressure", "NoSchedule"));
  }
  if (more.empty()) return {};
  merge_tolerations(change.arena, spec, more);
  return {};
}

Result<void> check_tolerations(AdmissionRequest& request) {
  const auto& state = static_cast<const Lists&>(*request.state);
  const auto tolerations = items_at(request.object->find("spec"), "tolerations");
  if (tolerations.empty()) return {};
  const auto own_list = list_of_namespace(request, kAllowed);
  if (!own_list) return std::unexpected(own_list.error());
  const api::Value allowed = own_list->value_or(state.allowed);
  if (allowed.empty()) return {};
  const bool all = std::ranges::all_of(tolerations, [&](const api::Value& own) {
    return std::ranges::any_of(
        allowed.items(), [&](const api::Value& one) { return is_superset_toleration(one, own); });
  });
  if (all) return {};
  // Kubernetes has no reason for it.
  return errors::unexplained(
      "pod tolerations (possibly merged with namespace default tolerations) conflict with its " +
      std::string(*own_list ? "namespace" : "cluster") + " whitelist");
}

}  // namespace

constinit const AdmissionPlugin kPodTolerationRestriction{.name = "PodTolerationRestriction",
                                                          .resources = "pods",
                                                          .subresources = "",
                                                          .operations = kWrites,
                                                          .mutate = add_tolerations,
                                                          .validate = check_tolerations,
                                                          .configure = configure};

}  // namespace pinnace::apiserver

// Which policies concern a request, and with which parameters.
#include "api/json.h"
#include "apiserver/admission/policies/policy.h"
#include "apiserver/backend.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

using Params = std::vector<api::Value>;

// A stored object in the version that the policy names.
Result<api::Value> param_of(Change& change, const store::Object& object,
                            const api::ResourceInfo& kind) {
  auto parsed = parse_stored(change.arena, object);
  if (!parsed || kind.custom != nullptr) return parsed;
  const auto json = object_json(object, *storage_of(kind), kind);
  if (!json) return std::unexpected(json.error());
  return api::parse_json(change.arena, *json);
}

Result<std::string> params_namespace(const AdmissionRequest& request, const PolicyBinding& binding,
                                     const api::ResourceInfo& kind) {
  if (!kind.namespaced) {
    if (binding.param_namespace.empty()) return std::string();
    return errors::bad_request(
        "paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  }
  if (!binding.param_namespace.empty()) return binding.param_namespace;
  if (!request.change.ns.empty()) return request.change.ns;
  return errors::bad_request(
      "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
}

Result<Params> find_params(const AdmissionRequest& request, const Policy& policy,
                           const PolicyBinding& binding) {
  Change& change = request.change;
  const auto catalog = change.backend.catalog.current();
  const auto* kind =
      catalog->find_kind(policy.param_group, policy.param_version, policy.param_kind);
  if (kind == nullptr) {
    return errors::bad_request("paramKind kind `" + policy.param_group + "/" +
                               policy.param_version + ", Kind=" + policy.param_kind +
                               "` not known");
  }
  const auto ns = params_namespace(request, binding, *kind);
  if (!ns) return std::unexpected(ns.error());
  Params params;
  const store::Store& store = change.backend.store();
  const std::string resource(kind->storage_resource);
  if (!binding.param_name.empty()) {
    if (const auto found = store.get({resource, *ns, binding.param_name})) {
      auto param = param_of(change, **found, *kind);
      if (!param) return std::unexpected(std::move(param.error()));
      params.push_back(*param);
    }
  } else {
    if (!binding.param_selector) return std::unexpected(binding.param_selector.error());
    const auto stored = store.list(resource, *ns);
    if (!stored) return std::unexpected(stored.error());
    for (const auto& object : stored->objects) {
      auto param = param_of(change, *object, *kind);
      if (!param) return std::unexpected(std::move(param.error()));
      if (binding.param_selector->matches(param->find_path({"metadata", "labels"}))) {
        params.push_back(*param);
      }
    }
  }
  if (params.empty() && binding.denies_without_params) {
    return errors::bad_request(
        "no params found for policy binding with `Deny` parameterNotFoundAction");
  }
  return params;
}

// A binding without rules of its own is about whatever its policy is about.
Result<bool> is_bound(const PolicyBinding& binding, RequestView& view) {
  if (!binding.constraints) return true;
  MatchConstraints constraints = *binding.constraints;
  if (constraints.rules.empty()) {
    constraints.rules.push_back({kAnyOperation, {"*"}, {"*"}, {"*/*"}, {}, "*"});
  }
  const auto match = find_match(constraints, view);
  if (!match) return std::unexpected(match.error());
  return *match != nullptr;
}

}  // namespace

std::vector<const api::ResourceInfo*> versions_seen(const Policies& policies, RequestView& view) {
  std::vector<const api::ResourceInfo*> versions;
  if (!has_conversion_webhook(view.request().change.call)) return versions;
  for (const auto& policy : policies) {
    if (!policy->constraints) continue;
    // Where it cannot be said, the visit will say why.
    const auto version = find_match(*policy->constraints, view).value_or(nullptr);
    if (version != nullptr) versions.push_back(version);
  }
  return versions;
}

Result<void> visit_policies(const Policies& policies, RequestView& view,
                            const std::function<Result<void>(const PolicyVisit&)>& visit,
                            const std::function<Result<void>(const Policy&, const PolicyBinding*,
                                                             const std::string&)>& failed) {
  for (const auto& policy : policies) {
    if (!policy->constraints) {
      if (auto ok = failed(*policy, nullptr, policy->constraints.error().message); !ok) return ok;
      continue;
    }
    const auto version = find_match(*policy->constraints, view);
    if (!version) return std::unexpected(version.error());
    if (*version == nullptr) continue;
    for (const PolicyBinding& binding : policy->bindings) {
      const auto bound = is_bound(binding, view);
      if (!bound) return std::unexpected(bound.error());
      if (!*bound) continue;
      if (policy->param_kind.empty() || !binding.has_params) {
        if (auto ok = visit({*policy, binding, **version, nullptr}); !ok) return ok;
        continue;
      }
      const auto params = find_params(view.request(), *policy, binding);
      if (!params) {
        if (auto ok = failed(*policy, &binding, params.error().message); !ok) return ok;
        continue;
      }
      for (const auto& param : *params) {
        if (auto ok = visit({*policy, binding, **version, &param}); !ok) return ok;
      }
    }
  }
  return {};
}

}  // namespace pinnace::apiserver

#include "apiserver/admission/admission.h"

#include <algorithm>

#include "apiserver/admission/admission_plugins.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

constexpr unsigned kCreates = static_cast<unsigned>(Operation::kCreate);
constexpr unsigned kUpdates = static_cast<unsigned>(Operation::kUpdate);
constexpr unsigned kDeletes = static_cast<unsigned>(Operation::kDelete);
constexpr unsigned kWrites = kCreates | kUpdates;

// In this order: what must exist first, then what fills in, then what counts.
constexpr AdmissionPlugin kPlugins[] = {
    {"NamespaceLifecycle", true, "", kCreates | kDeletes, admit_namespace_lifecycle},
    {"ServiceAccount", true, "pods", kCreates, admit_service_account},
    {"Priority", true, "pods", kCreates, admit_priority},
    {"DefaultTolerationSeconds", true, "pods", kCreates, admit_default_tolerations},
    {"NodeRestriction", true, "", kWrites | kDeletes, admit_node_restriction},
    {"LimitRanger", true, "", kCreates, admit_limit_ranges},
    {"ResourceQuota", true, "", kCreates, admit_quota},
};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Result<void> check_names(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (std::ranges::find(kPlugins, name, &AdmissionPlugin::name) != std::end(kPlugins)) continue;
    std::string known;
    for (const auto& plugin : kPlugins) (known += known.empty() ? "" : ", ") += plugin.name;
    return errors::bad_request("there is no admission plugin \"" + name + "\"; there are " + known);
  }
  return {};
}

bool concerns(const AdmissionPlugin& plugin, const AdmissionRequest& request) {
  return (plugin.operations & static_cast<unsigned>(request.operation)) != 0 &&
         (plugin.storage_resource.empty() ||
          plugin.storage_resource == request.change.storage.storage_resource);
}

}  // namespace

std::span<const AdmissionPlugin> admission_plugins() { return kPlugins; }

Result<AdmissionChain> AdmissionChain::create(const Configuration& configuration) {
  const auto& on = configuration.enabled_admission_plugins;
  const auto& off = configuration.disabled_admission_plugins;
  if (auto ok = check_names(on); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = check_names(off); !ok) return std::unexpected(std::move(ok.error()));
  AdmissionChain chain;
  for (const AdmissionPlugin& plugin : kPlugins) {
    const bool is_on = plugin.is_on_by_default || contains(on, plugin.name);
    if (is_on && !contains(off, plugin.name)) chain.plugins_.push_back(&plugin);
  }
  return chain;
}

void AdmissionChain::mutate(const AdmissionRequestRef& request, AdmissionDone done) const {
  run(Pass::kMutate, request, 0, std::move(done));
}

void AdmissionChain::validate(const AdmissionRequestRef& request, AdmissionDone done) const {
  run(Pass::kValidate, request, 0, std::move(done));
}

void AdmissionChain::run(Pass pass, const AdmissionRequestRef& request, std::size_t from,
                         AdmissionDone done) const {
  for (std::size_t i = from; i < plugins_.size(); ++i) {
    const AdmissionPlugin& plugin = *plugins_[i];
    if (!concerns(plugin, *request)) continue;
    const auto act = pass == Pass::kMutate ? plugin.mutate : plugin.validate;
    if (act != nullptr) {
      if (auto ok = act(*request); !ok) return done(std::move(ok));
    }
    const auto ask = pass == Pass::kMutate ? plugin.mutate_by_asking : plugin.validate_by_asking;
    if (ask == nullptr) continue;
    // The chain lives in the backend, as long as any call.
    return ask(request, [this, pass, request, next = i + 1,
                         done = std::move(done)](Result<void> ok) mutable {
      if (!ok) return done(std::move(ok));
      run(pass, request, next, std::move(done));
    });
  }
  done({});
}

Unexpected admission_refusal(const Change& change, std::string_view why) {
  return errors::forbidden(resource_text(*change.call.resource), change.name, why);
}

}  // namespace pinnace::apiserver

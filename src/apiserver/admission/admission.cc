#include "apiserver/admission/admission.h"

#include "api/json.h"
#include "apiserver/admission/admission_plugins.h"

namespace pinnace::apiserver {
namespace {

// In this order: what must exist first, then what fills in, then what counts.
constexpr Admission kChain[] = {
    {"NamespaceLifecycle", "", admit_namespace_lifecycle},
    {"ServiceAccount", "pods", admit_service_account},
    {"Priority", "pods", admit_priority},
    {"DefaultTolerationSeconds", "pods", admit_default_tolerations},
    {"NodeRestriction", "", admit_node_restriction},
    {"LimitRanger", "", admit_limit_ranges},
    {"RbacEscalation", "", admit_rbac_escalation},
    {"ResourceQuota", "", admit_quota},
};

}  // namespace

std::span<const Admission> admission_chain() { return kChain; }

Unexpected admission_refusal(const Change& change, std::string_view why) {
  return errors::forbidden(resource_text(*change.call.resource), change.name, why);
}

Result<void> admit(Change& change, Operation operation, api::Value& object, const api::Value* old) {
  for (const Admission& plugin : kChain) {
    const bool concerns = plugin.storage_resource.empty() ||
                          plugin.storage_resource == change.storage.storage_resource;
    if (!concerns) continue;
    if (auto ok = plugin.admit(change, operation, object, old); !ok) return ok;
  }
  return {};
}

}  // namespace pinnace::apiserver

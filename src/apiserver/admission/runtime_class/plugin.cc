// RuntimeClass: a pod takes over what its runtime class costs and where it can run.
#include "api/json.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/tolerations.h"
#include "apiserver/backend.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kMismatch =
    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

// Null for a pod that names none.
Result<api::Value> class_of(const AdmissionRequest& request) {
  const std::string name(spec_text(*request.object, "runtimeClassName"));
  if (name.empty()) return api::Value();
  const auto found = request.change.backend.store().get({"node.k8s.io/runtimeclasses", "", name});
  if (!found) {
    return admission_refusal(request.change,
                             "pod rejected: RuntimeClass \"" + name + "\" not found");
  }
  return parse_stored(request.change.arena, **found);
}

const api::Value* overhead_of(const api::Value& runtime_class) {
  const auto* fixed = runtime_class.find_path({"overhead", "podFixed"});
  return fixed != nullptr && !fixed->empty() ? fixed : nullptr;
}

Result<void> merge_selector(Change& change, api::Value& spec, const api::Value* scheduling) {
  for (const auto& [key, value] : members_at(scheduling, "nodeSelector")) {
    api::Value& own = spec.ensure_object(change.arena, "nodeSelector");
    const auto* other = own.find(key);
    if (other != nullptr && !api::equal(*other, value)) {
      const auto text = [](const api::Value& one) {
        return std::string(one.is_string() ? one.as_string() : "");
      };
      return admission_refusal(change, "conflict: runtimeClass.scheduling.nodeSelector[" +
                                           std::string(key) + "] = " + text(value) +
                                           "; pod.spec.nodeSelector[" + std::string(key) +
                                           "] = " + text(*other));
    }
    own.set(change.arena, key, value);
  }
  return {};
}

Result<void> take_over(AdmissionRequest& request) {
  Change& change = request.change;
  const auto runtime_class = class_of(request);
  if (!runtime_class) return std::unexpected(runtime_class.error());
  if (runtime_class->is_null()) return {};
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  if (const auto* overhead = overhead_of(*runtime_class)) {
    const auto* own = spec.find("overhead");
    if (own != nullptr && !own->empty() && !api::equal(*own, *overhead)) {
      return admission_refusal(change, kMismatch);
    }
    spec.set_ref(change.arena, "overhead", *overhead);
  }
  const auto* scheduling = runtime_class->find("scheduling");
  if (auto ok = merge_selector(change, spec, scheduling); !ok) return ok;
  const auto tolerations = items_at(scheduling, "tolerations");
  if (!tolerations.empty()) merge_tolerations(change.arena, spec, tolerations);
  return {};
}

Result<void> check_overhead(AdmissionRequest& request) {
  const auto runtime_class = class_of(request);
  if (!runtime_class) return std::unexpected(runtime_class.error());
  const auto* own = request.object->find_path({"spec", "overhead"});
  const auto* overhead = runtime_class->is_null() ? nullptr : overhead_of(*runtime_class);
  const bool has_own = own != nullptr && !own->empty();
  if (overhead == nullptr) {
    if (!has_own) return {};
    return admission_refusal(
        request.change,
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
  }
  if (has_own && api::equal(*own, *overhead)) return {};
  return admission_refusal(request.change, kMismatch);
}

}  // namespace

constinit const AdmissionPlugin kRuntimeClass{.name = "RuntimeClass",
                                              .resources = "pods",
                                              .subresources = "",
                                              .operations = kCreates,
                                              .mutate = take_over,
                                              .validate = check_overhead};

}  // namespace pinnace::apiserver

// TaintNodesByCondition: nothing is scheduled to a new node before somebody says that it is ready.
#include <algorithm>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";
constexpr std::string_view kNoSchedule = "NoSchedule";

Result<void> taint(AdmissionRequest& request) {
  api::Arena& arena = request.change.arena;
  api::Value& taints = ensure_array(arena, request.object->ensure_object(arena, "spec"), "taints");
  const bool is_there = std::ranges::any_of(taints.items(), [](const api::Value& one) {
    return one.string_at("key") == kNotReady && one.string_at("effect") == kNoSchedule;
  });
  if (is_there) return {};
  api::Value added = api::Value::object();
  added.set_ref(arena, "key", api::Value::string_ref(kNotReady));
  added.set_ref(arena, "effect", api::Value::string_ref(kNoSchedule));
  taints.append(arena, added);
  return {};
}

}  // namespace

constinit const AdmissionPlugin kTaintNodesByCondition{.name = "TaintNodesByCondition",
                                                       .resources = "nodes",
                                                       .subresources = "",
                                                       .operations = kCreates,
                                                       .mutate = taint};

}  // namespace pinnace::apiserver

// DefaultTolerationSeconds: a pod stays for a while on a node that is not ready or not reachable.
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

void add_toleration(Change& change, api::Value& spec, std::string_view key, std::int64_t seconds) {
  api::Value& list = ensure_array(change.arena, spec, "tolerations");
  for (const auto& item : list.items()) {
    const std::string_view own = item.string_at("key");
    const std::string_view effect = item.string_at("effect");
    if ((own == key || own.empty()) && (effect == "NoExecute" || effect.empty())) return;
  }
  api::Value added = api::Value::object();
  added.set_ref(change.arena, "key", api::Value::string_ref(key));
  added.set_ref(change.arena, "operator", api::Value::string_ref("Exists"));
  added.set_ref(change.arena, "effect", api::Value::string_ref("NoExecute"));
  added.set_ref(change.arena, "tolerationSeconds", api::Value::integer(seconds));
  list.append(change.arena, added);
}

Result<void> tolerate(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  const Configuration& configuration = change.backend.options.configuration;
  add_toleration(change, spec, "node.kubernetes.io/not-ready",
                 configuration.default_not_ready_toleration_seconds);
  add_toleration(change, spec, "node.kubernetes.io/unreachable",
                 configuration.default_unreachable_toleration_seconds);
  return {};
}

}  // namespace

constinit const AdmissionPlugin kDefaultTolerationSeconds{.name = "DefaultTolerationSeconds",
                                                          .resources = "pods",
                                                          .subresources = "",
                                                          .operations = kWrites,
                                                          .mutate = tolerate};

}  // namespace pinnace::apiserver

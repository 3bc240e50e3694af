// What every pod gets on its way in: service account, token volume, priority, tolerations.
#include "api/json.h"
#include "apiserver/admission/admission_plugins.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kTokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kMirror = "kubernetes.io/config.mirror";

bool is_mirror_pod(const api::Value& object) {
  const auto* annotations = object.find_path({"metadata", "annotations"});
  return annotations != nullptr && annotations->find(kMirror) != nullptr;
}

// The three sources that every in-cluster client looks for.
constexpr std::string_view kTokenVolume = R"({"defaultMode":420,"sources":[
{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
{"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},
{"downwardAPI":{"items":[{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"},
"path":"namespace"}]}}]})";

bool mounts_token_path(const api::Value& container) {
  const auto* mounts = container.find("volumeMounts");
  if (mounts == nullptr || !mounts->is_array()) return false;
  for (const auto& mount : mounts->items()) {
    if (mount.string_at("mountPath") == kTokenPath) return true;
  }
  return false;
}

void mount_token(Change& change, api::Value& spec) {
  std::vector<api::Value*> wanting;
  for (const char* list : {"initContainers", "containers"}) {
    auto* containers = spec.find(list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (auto& container : containers->items()) {
      if (!mounts_token_path(container)) wanting.push_back(&container);
    }
  }
  if (wanting.empty()) return;
  const std::string name = "kube-api-access-" + random_suffix(change.backend.options.rng);
  for (api::Value* container : wanting) {
    api::Value mount = api::Value::object();
    mount.set_ref(change.arena, "name", change.text(name));
    mount.set_ref(change.arena, "readOnly", api::Value::boolean(true));
    mount.set_ref(change.arena, "mountPath", api::Value::string_ref(kTokenPath));
    auto* mounts = container->find("volumeMounts");
    if (mounts == nullptr || !mounts->is_array()) {
      mounts = &container->set_ref(change.arena, "volumeMounts", api::Value::array());
    }
    mounts->append(change.arena, mount);
  }
  api::Value volume = api::Value::object();
  volume.set_ref(change.arena, "name", change.text(name));
  volume.set_ref(change.arena, "projected", *api::parse_json(change.arena, kTokenVolume));
  auto* volumes = spec.find("volumes");
  if (volumes == nullptr || !volumes->is_array()) {
    volumes = &spec.set_ref(change.arena, "volumes", api::Value::array());
  }
  volumes->append(change.arena, volume);
}

void add_toleration(Change& change, api::Value& spec, std::string_view key) {
  auto* list = spec.find("tolerations");
  if (list == nullptr || !list->is_array()) {
    list = &spec.set_ref(change.arena, "tolerations", api::Value::array());
  }
  for (const auto& item : list->items()) {
    const std::string_view own = item.string_at("key");
    const std::string_view effect = item.string_at("effect");
    if ((own == key || own.empty()) && (effect == "NoExecute" || effect.empty())) return;
  }
  api::Value added = api::Value::object();
  added.set_ref(change.arena, "key", api::Value::string_ref(key));
  added.set_ref(change.arena, "operator", api::Value::string_ref("Exists"));
  added.set_ref(change.arena, "effect", api::Value::string_ref("NoExecute"));
  added.set_ref(change.arena, "tolerationSeconds", api::Value::integer(300));
  list->append(change.arena, added);
}

Unexpected pod_forbidden(const Change& change, std::string why) {
  return errors::forbidden("pods", change.name, why);
}

}  // namespace

Result<void> admit_service_account(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& object = *request.object;
  if (is_mirror_pod(object)) return {};
  api::Value& spec = object.ensure_object(change.arena, "spec");
  std::string name(spec.string_at("serviceAccountName"));
  if (name.empty()) {
    name = "default";
    spec.set_ref(change.arena, "serviceAccountName", change.text(name));
  }
  spec.set_ref(change.arena, "serviceAccount", change.text(name));
  const auto found = change.backend.store().get({"serviceaccounts", change.ns, name});
  if (!found) {
    return pod_forbidden(change, "error looking up service account " + change.ns + "/" + name +
                                     ": serviceaccount \"" + name + "\" not found");
  }
  const auto account = api::parse_json(change.arena, (*found)->json);
  if (!account) return std::unexpected(account.error());
  const auto* own = spec.find("automountServiceAccountToken");
  const bool wants = own != nullptr && own->is_bool()
                         ? own->as_bool()
                         : account->bool_at("automountServiceAccountToken", true);
  if (wants) mount_token(change, spec);
  const auto* secrets = account->find("imagePullSecrets");
  const auto* has = spec.find("imagePullSecrets");
  if (secrets != nullptr && !secrets->empty() && (has == nullptr || has->empty())) {
    spec.set_ref(change.arena, "imagePullSecrets", *secrets);
  }
  return {};
}

namespace {

// The class that pods without one have; null when there is none.
api::Value default_priority_class(Change& change) {
  auto classes = change.backend.store().list("scheduling.k8s.io/priorityclasses", "");
  if (!classes) return {};
  for (const auto& object : classes->objects) {
    if (object->json.find("\"globalDefault\":true") == std::string::npos) continue;
    const auto parsed = api::parse_json(change.arena, object->json);
    if (parsed && parsed->bool_at("globalDefault")) return *parsed;
  }
  return {};
}

}  // namespace

Result<void> admit_priority(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& object = *request.object;
  api::Value& spec = object.ensure_object(change.arena, "spec");
  const std::string name(spec.string_at("priorityClassName"));
  api::Value chosen;
  if (name.empty()) {
    chosen = default_priority_class(change);
    if (!chosen.is_null()) {
      spec.set_ref(change.arena, "priorityClassName", change.text(meta_text(chosen, "name")));
    }
  } else {
    const auto found = change.backend.store().get({"scheduling.k8s.io/priorityclasses", "", name});
    if (!found) return pod_forbidden(change, "no PriorityClass with name " + name + " was found");
    const auto parsed = api::parse_json(change.arena, (*found)->json);
    if (!parsed) return std::unexpected(parsed.error());
    chosen = *parsed;
  }
  const std::int64_t value = chosen.is_null() ? 0 : chosen.int_at("value");
  const auto* own = spec.find("priority");
  if (own != nullptr && own->is_int() && own->as_int() != value) {
    return pod_forbidden(change, "the integer value of priority (" + std::to_string(own->as_int()) +
                                     ") must not be provided in pod spec; priority admission "
                                     "controller computed " +
                                     std::to_string(value) + " from the given PriorityClass name");
  }
  std::string_view preemption = chosen.is_null() ? "" : chosen.string_at("preemptionPolicy");
  if (preemption.empty()) preemption = "PreemptLowerPriority";
  spec.set_ref(change.arena, "priority", api::Value::integer(value));
  spec.set_ref(change.arena, "preemptionPolicy", change.text(preemption));
  return {};
}

Result<void> admit_default_tolerations(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& object = *request.object;
  api::Value& spec = object.ensure_object(change.arena, "spec");
  add_toleration(change, spec, "node.kubernetes.io/not-ready");
  add_toleration(change, spec, "node.kubernetes.io/unreachable");
  return {};
}

}  // namespace pinnace::apiserver

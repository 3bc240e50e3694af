// ServiceAccount: pods run as a service account that exists, get its token mounted, and may be kept
// to the secrets that it names.
#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kTokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kEnforceSecrets = "kubernetes.io/enforce-mountable-secrets";

// The three sources that every in-cluster client looks for.
constexpr std::string_view kTokenVolume = R"({"defaultMode":420,"sources":[
{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
{"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},
{"downwardAPI":{"items":[{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"},
"path":"namespace"}]}}]})";

// As Go reads a truth value.
bool is_true(std::string_view text) {
  constexpr std::string_view kTrue[] = {"1", "t", "T", "true", "TRUE", "True"};
  return std::ranges::find(kTrue, text) != std::end(kTrue);
}

bool mounts_token_path(const api::Value& container) {
  return std::ranges::any_of(items_at(&container, "volumeMounts"), [](const api::Value& mount) {
    return mount.string_at("mountPath") == kTokenPath;
  });
}

void mount_token(Change& change, api::Value& spec) {
  std::vector<api::Value*> wanting;
  for (const char* list : {"initContainers", "containers"}) {
    for (auto& container : items_at(&spec, list)) {
      if (!mounts_token_path(container)) wanting.push_back(&container);
    }
  }
  if (wanting.empty()) return;
  constexpr std::string_view kVolumePrefix = "kube-api-access-";
  // A volume that came with the pod, as in a copy of another one, serves as well.
  std::string name;
  for (const auto& volume : items_at(&spec, "volumes")) {
    if (name.empty() && volume.string_at("name").starts_with(kVolumePrefix)) {
      name = volume.string_at("name");
    }
  }
  const bool has_volume = !name.empty();
  if (!has_volume) name = std::string(kVolumePrefix) + random_suffix(change.backend.options.rng);
  for (api::Value* container : wanting) {
    api::Value mount = api::Value::object();
    mount.set_ref(change.arena, "name", change.text(name));
    mount.set_ref(change.arena, "readOnly", api::Value::boolean(true));
    mount.set_ref(change.arena, "mountPath", api::Value::string_ref(kTokenPath));
    ensure_array(change.arena, *container, "volumeMounts").append(change.arena, mount);
  }
  if (has_volume) return;
  api::Value volume = api::Value::object();
  volume.set_ref(change.arena, "name", change.text(name));
  volume.set_ref(change.arena, "projected", *api::parse_json(change.arena, kTokenVolume));
  ensure_array(change.arena, spec, "volumes").append(change.arena, volume);
}

Result<api::Value> account_of(Change& change, const std::string& name) {
  const auto found = change.backend.store().get({"serviceaccounts", change.ns, name});
  if (!found) {
    return admission_refusal(change, "error looking up service account " + change.ns + "/" + name +
                                         ": serviceaccount \"" + name + "\" not found");
  }
  return parse_stored(change.arena, **found);
}

Result<void> fill_in(AdmissionRequest& request) {
  Change& change = request.change;
  if (!request.is(Operation::kCreate) || is_mirror_pod(*request.object)) return {};
  api::Value& spec = request.object->ensure_object(change.arena, "spec");
  std::string name(spec.string_at("serviceAccountName"));
  if (name.empty()) {
    name = "default";
    spec.set_ref(change.arena, "serviceAccountName", change.text(name));
  }
  spec.set_ref(change.arena, "serviceAccount", change.text(name));
  const auto account = account_of(change, name);
  if (!account) return std::unexpected(account.error());
  const auto* own = spec.find("automountServiceAccountToken");
  const bool wants = own != nullptr && own->is_bool()
                         ? own->as_bool()
                         : account->bool_at("automountServiceAccountToken", true);
  if (wants) mount_token(change, spec);
  const auto secrets = items_at(&*account, "imagePullSecrets");
  if (!secrets.empty() && items_at(&spec, "imagePullSecrets").empty()) {
    spec.set_ref(change.arena, "imagePullSecrets", *account->find("imagePullSecrets"));
  }
  return {};
}

Result<void> check_mirror_pod(const AdmissionRequest& request) {
  const Change& change = request.change;
  const api::Value& pod = *request.object;
  if (!spec_text(pod, "serviceAccountName").empty()) {
    return admission_refusal(change, "a mirror pod may not reference service accounts");
  }
  for (const auto& reference : references_of_pod(pod)) {
    if (reference.starts_with("secrets/")) {
      return admission_refusal(change, "a mirror pod may not reference secrets");
    }
  }
  for (const auto& volume : items_at(pod.find("spec"), "volumes")) {
    for (const auto& source : items_at(volume.find("projected"), "sources")) {
      if (source.find("serviceAccountToken") != nullptr) {
        return admission_refusal(change,
                                 "a mirror pod may not use ServiceAccountToken volume projections");
      }
    }
  }
  return {};
}

bool names(const api::Value& account, std::string_view list, std::string_view name) {
  return std::ranges::any_of(items_at(&account, list), [&](const api::Value& reference) {
    return reference.string_at("name") == name;
  });
}

// The first secret in the environment of the list's containers that the account does not name.
std::string stray_environment(const api::Value& pod, const ContainerList& list,
                              const api::Value& account, const std::string& tail) {
  for (const auto& container : items_at(pod.find("spec"), list.field)) {
    const std::string who =
        std::string(list.word) + " " + std::string(container.string_at("name")) + " with ";
    for (const auto& variable : items_at(&container, "env")) {
      const auto* key = variable.find_path({"valueFrom", "secretKeyRef"});
      if (key == nullptr || names(account, "secrets", key->string_at("name"))) continue;
      return who + "envVar " + std::string(variable.string_at("name")) +
             " referencing secret.secretName=\"" + std::string(key->string_at("name")) + "\"" +
             tail;
    }
    for (const auto& source : items_at(&container, "envFrom")) {
      const auto* secret = source.find("secretRef");
      if (secret == nullptr || names(account, "secrets", secret->string_at("name"))) continue;
      return who + "envFrom referencing secret.secretName=\"" +
             std::string(secret->string_at("name")) + "\"" + tail;
    }
  }
  return {};
}

std::string stray_secret(const api::Value& pod, const api::Value& account,
                         const std::string& name) {
  const std::string tail =
      " is not allowed because service account " + name + " does not reference that secret";
  for (const auto& volume : items_at(pod.find("spec"), "volumes")) {
    const auto* secret = volume.find("secret");
    if (secret == nullptr || names(account, "secrets", secret->string_at("secretName"))) continue;
    return "volume with secret.secretName=\"" + std::string(secret->string_at("secretName")) +
           "\"" + tail;
  }
  for (const auto& list : {kContainerLists[0], kContainerLists[1]}) {
    if (auto stray = stray_environment(pod, list, account, tail); !stray.empty()) return stray;
  }
  std::size_t at = 0;
  for (const auto& secret : items_at(pod.find("spec"), "imagePullSecrets")) {
    const std::string own(secret.string_at("name"));
    if (!names(account, "imagePullSecrets", own)) {
      return "imagePullSecrets[" + std::to_string(at) + "].name=\"" + own +
             "\" is not allowed because service account " + name +
             " does not reference that imagePullSecret";
    }
    ++at;
  }
  return {};
}

Result<void> check(AdmissionRequest& request) {
  Change& change = request.change;
  const api::Value& pod = *request.object;
  const bool adds_ephemeral = change.subresource == "ephemeralcontainers";
  if (!request.is(Operation::kCreate) && !adds_ephemeral) return {};
  if (is_mirror_pod(pod)) return adds_ephemeral ? Result<void>() : check_mirror_pod(request);
  const std::string name(spec_text(pod, "serviceAccountName"));
  if (name.empty()) {
    return admission_refusal(
        change, "no service account specified for pod " + change.ns + "/" + change.name);
  }
  const auto account = account_of(change, name);
  if (!account) return std::unexpected(account.error());
  if (!is_true(annotation_of(*account, kEnforceSecrets))) return {};
  const std::string stray = adds_ephemeral
                                ? stray_environment(pod, kContainerLists[2], *account,
                                                    " is not allowed because service account " +
                                                        name + " does not reference that secret")
                                : stray_secret(pod, *account, name);
  return stray.empty() ? Result<void>() : admission_refusal(change, stray);
}

}  // namespace

constinit const AdmissionPlugin kServiceAccount{.name = "ServiceAccount",
                                                .resources = "pods",
                                                .subresources = "ephemeralcontainers",
                                                .operations = kWrites,
                                                .mutate = fill_in,
                                                .validate = check};

}  // namespace pinnace::apiserver

// Deployments, ReplicaSets, ReplicationControllers, DaemonSets and StatefulSets.
#include "api/json.h"
#include "api/selector.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

bool selects_nothing_in_particular(const Field& selector) {
  return selector["matchLabels"].empty() && selector["matchExpressions"].empty();
}

// The selector must be there, not match everything, and match the template's labels.
void validate_selection(const Field& spec, const char* kind) {
  const Field selector = spec["selector"];
  if (!selector.is_set()) {
    selector.required();
    return;
  }
  validate_label_selector(selector);
  if (selects_nothing_in_particular(selector)) {
    selector.invalid(std::string("empty selector is invalid for ") + kind);
    return;
  }
  const auto parsed = api::label_selector_of(selector.value());
  const Field labels = spec["template"]["metadata"]["labels"];
  if (!parsed) return selector.invalid("invalid label selector");
  if (parsed->matches(labels.value())) return;
  if (labels.is_set()) {
    labels.invalid("`selector` does not match template `labels`");
  } else {
    labels.invalid_value("{}", "`selector` does not match template `labels`");
  }
}

// Pods of a loop run until it ends them.
void validate_lasting_template(const Field& pod_template) {
  validate_pod_template(pod_template);
  const Field policy = pod_template["spec"]["restartPolicy"];
  if (policy.text() != "Always") policy.not_supported({"Always"});
  const Field deadline = pod_template["spec"]["activeDeadlineSeconds"];
  if (deadline.is_set()) deadline.forbidden("activeDeadlineSeconds in ReplicaSet is not Supported");
}

void validate_counts(const Field& spec) {
  for (const char* key : {"replicas", "minReadySeconds", "revisionHistoryLimit"}) {
    spec[key].at_least(0);
  }
}

// -- Deployment

void validate_rolling_update(const Field& rolling) {
  const Field unavailable = rolling["maxUnavailable"];
  const Field surge = rolling["maxSurge"];
  validate_int_or_percent(unavailable);
  if (surge.is_set() && surge.value()->is_int())
    surge.at_least(0);
  else if (surge.is_set())
    surge.each(api::check_percent(surge.text()));
  if (is_zero_count(unavailable) && is_zero_count(surge)) {
    unavailable.invalid("may not be 0 when `maxSurge` is 0");
  }
}

void validate_deployment(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_counts(spec);
  validate_selection(spec, "deployment");
  validate_lasting_template(spec["template"]);
  const Field strategy = spec["strategy"];
  const Field rolling = strategy["rollingUpdate"];
  if (strategy["type"].text() == "Recreate" && rolling.is_set()) {
    rolling.forbidden("may not be specified when strategy `type` is 'Recreate'");
  } else if (strategy["type"].text() == "RollingUpdate") {
    if (rolling.is_set())
      validate_rolling_update(rolling);
    else
      rolling.required("this should be defaulted and never be nil");
  }
  const Field deadline = spec["progressDeadlineSeconds"];
  if (!deadline.is_set()) return;
  deadline.at_least(0);
  if (deadline.number() <= spec["minReadySeconds"].number()) {
    deadline.invalid("must be greater than minReadySeconds");
  }
}

void keep_selector(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["spec"]["selector"].immutable(old.find_path({"spec", "selector"}));
}

// -- ReplicaSet and ReplicationController

void validate_replica_set(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  spec["replicas"].at_least(0);
  spec["minReadySeconds"].at_least(0);
  validate_selection(spec, "replicaset");
  validate_lasting_template(spec["template"]);
}

void validate_replication_controller(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  spec["minReadySeconds"].at_least(0);
  const Field selector = spec["selector"];
  if (selector.empty()) selector.required();
  spec["replicas"].at_least(0);
  const Field pod_template = spec["template"];
  if (!pod_template.is_set()) return pod_template.required();
  api::LabelMap wanted;
  if (selector.value() != nullptr) {
    for (const auto& [key, value] : selector.value()->members()) {
      if (value.is_string()) wanted.emplace(key, value.as_string());
    }
  }
  const Field labels = pod_template["metadata"]["labels"];
  if (!wanted.empty() && !api::LabelSelector::from_map(wanted).matches(labels.value())) {
    labels.invalid_value(labels.is_set() ? api::to_json_text(*labels.value()) : "{}",
                         "`selector` does not match template `labels`");
  }
  validate_lasting_template(pod_template);
}

// -- DaemonSet

void validate_daemon_update(const Field& strategy) {
  const Field rolling = strategy["rollingUpdate"];
  if (strategy["type"].text() != "RollingUpdate") return;
  if (!rolling.is_set()) return rolling.required();
  const Field unavailable = rolling["maxUnavailable"];
  const Field surge = rolling["maxSurge"];
  validate_int_or_percent(unavailable);
  validate_int_or_percent(surge);
  const bool no_surge = !surge.is_set() || is_zero_count(surge);
  if (!no_surge && unavailable.is_set() && !is_zero_count(unavailable)) {
    surge.invalid("may not be set when maxUnavailable is non-zero");
  }
  if (no_surge && is_zero_count(unavailable)) {
    unavailable.required("cannot be 0 when maxSurge is 0");
  }
}

void validate_daemon_set(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_selection(spec, "daemonset");
  validate_lasting_template(spec["template"]);
  spec["minReadySeconds"].at_least(0);
  spec["revisionHistoryLimit"].at_least(0);
  validate_daemon_update(spec["updateStrategy"]);
}

// -- StatefulSet

void validate_stateful_set(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_counts(spec);
  const Field strategy = spec["updateStrategy"];
  const Field rolling = strategy["rollingUpdate"];
  if (strategy["type"].empty()) strategy["type"].required();
  if (strategy["type"].text() == "OnDelete" && rolling.is_set()) {
    rolling.invalid("only allowed for updateStrategy 'RollingUpdate'");
  }
  if (rolling.is_set()) {
    rolling["partition"].at_least(0);
    const Field unavailable = rolling["maxUnavailable"];
    validate_int_or_percent(unavailable);
    if (is_zero_count(unavailable)) unavailable.invalid("cannot be 0");
  }
  spec["ordinals"]["start"].at_least(0);
  validate_selection(spec, "statefulset");
  validate_lasting_template(spec["template"]);
  const Field service = spec["serviceName"];
  if (!service.empty()) service.each(api::check_dns1123_subdomain(service.text()));
}

// Everything but a few fields stays.
void keep_stateful_set(Change& change, const api::Value& object, const api::Value& old) {
  const auto* spec = object.find("spec");
  const auto* before = old.find("spec");
  if (spec == nullptr || before == nullptr) return;
  api::Value same = api::deep_copy(change.arena, *spec);
  for (const char* key :
       {"replicas", "template", "updateStrategy", "minReadySeconds",
        "persistentVolumeClaimRetentionPolicy", "ordinals", "revisionHistoryLimit"}) {
    const auto* value = before->find(key);
    if (value == nullptr)
      same.erase(key);
    else
      same.set_ref(change.arena, key, *value);
  }
  if (api::equal(same, *before)) return;
  root(change, object)["spec"].forbidden(
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
      "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
      "'minReadySeconds' are forbidden");
}

// A controller's old template; what it holds never changes.
void keep_revision_data(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["data"].immutable(old.find("data"));
}

void validate_revision(Change& change, const api::Value& object) {
  const Field revision = root(change, object);
  if (!revision["data"].is_set()) revision["data"].required("data is mandatory");
  revision["revision"].at_least(0);
}

}  // namespace

const Strategy kDeploymentStrategy{
    .storage_resource = "apps/deployments",
    .has_generation = true,
    .validate = validate_deployment,
    .validate_update = keep_selector,
};
const Strategy kReplicaSetStrategy{
    .storage_resource = "apps/replicasets",
    .has_generation = true,
    .validate = validate_replica_set,
    .validate_update = keep_selector,
};
const Strategy kReplicationControllerStrategy{
    .storage_resource = "replicationcontrollers",
    .has_generation = true,
    .validate = validate_replication_controller,
};
const Strategy kDaemonSetStrategy{
    .storage_resource = "apps/daemonsets",
    .has_generation = true,
    .validate = validate_daemon_set,
    .validate_update = keep_selector,
};
const Strategy kStatefulSetStrategy{
    .storage_resource = "apps/statefulsets",
    .check_name = api::check_dns1123_label,
    .has_generation = true,
    .validate = validate_stateful_set,
    .validate_update = keep_stateful_set,
};
const Strategy kControllerRevisionStrategy{
    .storage_resource = "apps/controllerrevisions",
    .validate = validate_revision,
    .validate_update = keep_revision_data,
};

}  // namespace pinnace::apiserver

// Deployments, ReplicaSets, ReplicationControllers, DaemonSets and StatefulSets.
#include <set>

#include "api/conversion.h"
#include "api/selector.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/pod_warnings.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

// The selector must be there, and not match everything. Says whether it can be used: one that is
// not there matches nothing. `unusable` is what is said of one that cannot.
bool validate_selector(const Field& selector, const char* empty, const char* unusable) {
  if (!selector.is_set()) {
    selector.required();
    return true;
  }
  validate_label_selector(selector);
  if (selector["matchLabels"].empty() && selector["matchExpressions"].empty()) {
    selector.invalid(empty);
  }
  const auto parsed = api::label_selector_of(selector.value());
  if (!parsed) selector.invalid(unusable);
  return parsed.has_value();
}

void validate_match(const Field& selector, const Field& pod_template) {
  const auto parsed = api::label_selector_of(selector.value());
  const Field labels = pod_template["metadata"]["labels"];
  if (!parsed || parsed->matches_everything() || parsed->matches(labels.value())) return;
  labels.invalid_value(labels.is_set() ? labels.shown() : "null",
                       "`selector` does not match template `labels`");
}

// Pods of a loop run until it ends them.
void validate_lasting(const Field& spec, const char* kind) {
  const Field policy = spec["restartPolicy"];
  if (!policy.is("Always")) policy.not_supported({"Always"});
  const Field deadline = spec["activeDeadlineSeconds"];
  if (!deadline.is_set()) return;
  deadline.forbidden(std::string("activeDeadlineSeconds in ") + kind + " is not Supported");
}

void validate_lasting_template(const Field& pod_template, const char* kind) {
  validate_pod_template(pod_template);
  validate_lasting(pod_template["spec"], kind);
}

// Counts in a status that are never below zero, and those that are never above another.
struct Bound {
  const char* count;
  const char* most;
  const char* text;
};
void validate_status_counts(const Field& status, std::initializer_list<const char*> counts,
                            std::initializer_list<Bound> bounds) {
  for (const char* count : counts) status[count].at_least(0);
  for (const Bound& bound : bounds) {
    if (status[bound.count].number() > status[bound.most].number()) {
      status[bound.count].invalid_value(std::to_string(status[bound.count].number()), bound.text);
    }
  }
}

constexpr const char* kNoMore = "cannot be greater than status.replicas";
constexpr const char* kNoMoreReady = "cannot be greater than readyReplicas";
// Templates are looked at only beside a selector that can be used.
void validate_selected(const Field& spec) {
  if (!validate_selector(spec["selector"], "empty selector is invalid for deployment",
                         "invalid label selector")) {
    return;
  }
  validate_match(spec["selector"], spec["template"]);
  validate_lasting_template(spec["template"], "ReplicaSet");
}

// How often names collided is never taken back.
void validate_collisions(const Field& status, const api::Value& old) {
  const auto* before = old.find_path({"status", "collisionCount"});
  if (before == nullptr || !before->is_int()) return;
  const Field count = status["collisionCount"];
  if (count.number() < before->as_int()) {
    count.invalid_value(std::to_string(count.number()), "cannot be decremented");
  }
}

// Versions of old let it change.
void keep_selector(Change& change, const api::Value& object, const api::Value& old) {
  const std::string_view group = change.call.resource->group;
  const bool is_old = group == "extensions" || (change.call.resource->version == "v1beta1" &&
                                                change.call.resource->name == "deployments");
  if (is_old) return;
  root(change, object)["spec"]["selector"].immutable(old.find_path({"spec", "selector"}));
}

void warn_about_workload(Change& change, const api::Value& object, const api::Value* old) {
  if (is_next_generation(object, old)) {
    warn_about_template(change, root(change, object)["spec"]["template"]);
  }
}

void warn_about_named_workload(Change& change, const api::Value& object, const api::Value* old) {
  if (old == nullptr) warn_about_pod_names(change);
  warn_about_workload(change, object, old);
}

// Kubernetes looks at the template that goes.
void warn_about_replication_controller(Change& change, const api::Value& object,
                                       const api::Value* old) {
  if (old == nullptr) return warn_about_named_workload(change, object, old);
  if (is_next_generation(object, old)) {
    warn_about_template(change, root(change, *old)["spec"]["template"]);
  }
}

// Only a template that changes counts.
void warn_about_daemon_set(Change& change, const api::Value& object, const api::Value* old) {
  const Field pod_template = root(change, object)["spec"]["template"];
  const auto* before = old == nullptr ? nullptr : old->find_path({"spec", "template"});
  if (!pod_template.same_as(before)) warn_about_template(change, pod_template);
}

// -- Deployment

void validate_rolling_update(const Field& rolling) {
  const Field unavailable = rolling["maxUnavailable"];
  const Field surge = rolling["maxSurge"];
  validate_int_or_percent(unavailable);
  validate_int_or_percent(surge);
  if (count_of(unavailable) == 0 && count_of(surge) == 0) {
    unavailable.invalid("may not be 0 when `maxSurge` is 0");
  }
  validate_not_above_all(unavailable);
}

// What an annotation says of the revision to go back to.
Result<std::int64_t> rollback_revision(const api::Value& object) {
  const auto* said =
      object.find_path({"metadata", "annotations", "deprecated.deployment.rollback.to"});
  return said == nullptr ? Result<std::int64_t>(0) : api::annotated_number(*said);
}

void validate_deployment(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  spec["replicas"].at_least(0);
  validate_selected(spec);
  const Field strategy = spec["strategy"];
  const Field rolling = strategy["rollingUpdate"];
  if (!strategy["type"].is_among({"Recreate", "RollingUpdate"})) {
    strategy.not_supported_value(internal_form(strategy, "apps", "DeploymentStrategy"),
                                 {"Recreate", "RollingUpdate"});
  } else if (strategy["type"].is("Recreate")) {
    if (rolling.is_set()) {
      rolling.forbidden("may not be specified when strategy `type` is 'Recreate'");
    }
  } else {
    if (rolling.is_set())
      validate_rolling_update(rolling);
    else
      rolling.required("this should be defaulted and never be nil");
  }
  spec["minReadySeconds"].at_least(0);
  spec["revisionHistoryLimit"].at_least(0);
  if (const auto revision = rollback_revision(object); revision && *revision < 0) {
    spec["rollback"]["version"].invalid_value(std::to_string(*revision),
                                              "must be greater than or equal to 0");
  }
  const Field deadline = spec["progressDeadlineSeconds"];
  if (!deadline.is_set()) return;
  deadline.at_least(0);
  if (deadline.number() <= spec["minReadySeconds"].number()) {
    deadline.invalid("must be greater than minReadySeconds");
  }
}

void validate_deployment_status(Change& change, const api::Value& object, const api::Value& old) {
  const Field status = root(change, object)["status"];
  validate_status_counts(
      status,
      {"observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
       "unavailableReplicas", "terminatingReplicas", "collisionCount"},
      {{"updatedReplicas", "replicas", kNoMore},
       {"readyReplicas", "replicas", kNoMore},
       {"availableReplicas", "replicas", kNoMore},
       {"availableReplicas", "readyReplicas", kNoMoreReady}});
  validate_collisions(status, old);
}

Result<void> check_rollback(Change&, api::Value& object) {
  const auto revision = rollback_revision(object);
  return revision ? Result<void>() : std::unexpected(revision.error());
}

// A Deployment's labels are not its controller's to change.
Result<void> keep_labels(Change& change, api::Value& object, const api::Value& old) {
  if (auto ok = check_rollback(change, object); !ok) return ok;
  if (change.subresource != "status") return {};
  api::Value& meta = meta_of(change.arena, object);
  if (const auto* labels = old.find_path({"metadata", "labels"}))
    meta.set_ref(change.arena, "labels", *labels);
  else
    meta.erase("labels");
  return {};
}

// -- ReplicaSet and ReplicationController

void validate_replica_set(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  spec["replicas"].at_least(0);
  spec["minReadySeconds"].at_least(0);
  validate_selected(spec);
}

void validate_replicas_status(Change& change, const api::Value& object, const api::Value&) {
  validate_status_counts(root(change, object)["status"],
                         {"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas",
                          "observedGeneration", "terminatingReplicas"},
                         {{"fullyLabeledReplicas", "replicas", kNoMore},
                          {"readyReplicas", "replicas", kNoMore},
                          {"availableReplicas", "replicas", kNoMore},
                          {"availableReplicas", "readyReplicas", kNoMoreReady}});
}

void validate_replication_controller(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field selector = spec["selector"];
  const Field pod_template = spec["template"];
  spec["minReadySeconds"].at_least(0);
  selector.require();
  spec["replicas"].at_least(0);
  if (!pod_template.is_set()) return pod_template.required();
  const Field labels = pod_template["metadata"]["labels"];
  FieldMap by_key(labels);
  for (const auto& [key, value] : selector.entries()) {
    const Field label = by_key.at_key(key);
    if (label.is_set() && label.is(value.text())) continue;
    labels.invalid("`selector` does not match template `labels`");
    break;
  }
  validate_lasting_template(pod_template, "ReplicationController");
}

// -- DaemonSet

Result<std::int64_t> template_generation(const api::Value& object) {
  const auto* said = object.find_path({"metadata", "annotations", api::kTemplateGeneration});
  return said == nullptr ? Result<std::int64_t>(0) : api::annotated_number(*said);
}

void set_template_generation(Change& change, api::Value& object, std::int64_t number) {
  meta_of(change.arena, object)
      .ensure_object(change.arena, "annotations")
      .set_ref(change.arena, api::kTemplateGeneration, change.text(std::to_string(number)));
}

Result<void> begin_template_generation(Change& change, api::Value& object) {
  const auto said = template_generation(object);
  if (!said) return std::unexpected(said.error());
  set_template_generation(change, object, std::max<std::int64_t>(*said, 1));
  return {};
}

// A client cannot set it.
Result<void> keep_template_generation(Change& change, api::Value& object, const api::Value& old) {
  if (const auto said = template_generation(object); !said) return std::unexpected(said.error());
  const auto* was = old.find_path({"spec", "template"});
  const auto* is = object.find_path({"spec", "template"});
  const bool differs = was != nullptr && is != nullptr && !api::equal(*was, *is);
  const std::int64_t number = template_generation(old).value_or(0) + (differs ? 1 : 0);
  set_template_generation(change, object, number);
  return {};
}

void validate_daemon_update(const Field& strategy) {
  const Field type = strategy["type"];
  const Field rolling = strategy["rollingUpdate"];
  if (!type.is_among({"RollingUpdate", "OnDelete"})) {
    return strategy.not_supported_value(internal_form(strategy, "apps", "DaemonSetUpdateStrategy"),
                                        {"RollingUpdate", "OnDelete"});
  }
  if (type.is("OnDelete")) return;
  if (!rolling.is_set()) return rolling.required();
  const Field unavailable = rolling["maxUnavailable"];
  const Field surge = rolling["maxSurge"];
  validate_int_or_percent(unavailable);
  validate_int_or_percent(surge);
  validate_not_above_all(unavailable);
  validate_not_above_all(surge);
  const bool has_surge = count_of(surge) != 0;
  const bool has_unavailable = count_of(unavailable) != 0;
  if (has_surge && has_unavailable) {
    surge.invalid("may not be set when maxUnavailable is non-zero");
  }
  if (!has_surge && !has_unavailable) unavailable.required("cannot be 0 when maxSurge is 0");
}

void validate_daemon_set(Change& change, const api::Value& object) {
  if (change.old != nullptr) keep_selector(change, object, *change.old);
  const Field spec = root(change, object)["spec"];
  const Field selector = spec["selector"];
  const Field labels = spec["template"]["metadata"]["labels"];
  validate_label_selector(selector);
  const auto parsed = api::label_selector_of(selector.value());
  if (parsed && !parsed->matches(labels.value())) {
    labels.invalid("`selector` does not match template `labels`");
  }
  if (selector.is_set() && selector["matchLabels"].empty() &&
      selector["matchExpressions"].empty()) {
    selector.invalid("empty selector is invalid for daemonset");
  }
  validate_lasting_template(spec["template"], "DaemonSet");
  spec["minReadySeconds"].at_least(0);
  validate_daemon_update(spec["updateStrategy"]);
  spec["revisionHistoryLimit"].at_least(0);
}

void validate_daemon_status(Change& change, const api::Value& object, const api::Value& old) {
  const Field status = root(change, object)["status"];
  validate_status_counts(status,
                         {"currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
                          "numberReady", "observedGeneration", "updatedNumberScheduled",
                          "numberAvailable", "numberUnavailable", "collisionCount"},
                         {});
  validate_collisions(status, old);
}

// -- StatefulSet

void validate_stateful_update(const Field& strategy) {
  const Field type = strategy["type"];
  const Field rolling = strategy["rollingUpdate"];
  if (type.empty()) return strategy.required();
  if (!type.is_among({"RollingUpdate", "OnDelete"})) {
    return strategy.invalid_value(internal_form(strategy, "apps", "StatefulSetUpdateStrategy"),
                                  "must be 'RollingUpdate' or 'OnDelete'");
  }
  if (!rolling.is_set()) return;
  if (type.is("OnDelete")) {
    return rolling.invalid_value(internal_form(rolling, "apps", "RollingUpdateStatefulSetStrategy"),
                                 "only allowed for updateStrategy 'RollingUpdate'");
  }
  rolling["partition"].at_least(0);
}

// The template as its pods will have it: with the volumes of claims that are made for them, and
// with names that the controller gives.
api::Value template_of_pods(Change& change, const Field& spec) {
  const Field pod_template = spec["template"];
  if (!pod_template.is_set()) return api::Value::object();
  api::Value made = api::deep_copy(change.arena, *pod_template.value());
  api::Value& pod = made.ensure_object(change.arena, "spec");
  pod.erase("subdomain");
  pod.erase("hostname");
  const auto claims = spec["volumeClaimTemplates"].items();
  if (claims.empty()) return made;
  api::Value volumes = api::Value::array();
  std::set<std::string_view> names;
  for (const Field& claim : claims) {
    const std::string_view name = claim["metadata"]["name"].text();
    if (!names.insert(name).second) continue;
    api::Value volume = api::Value::object();
    volume.set_ref(change.arena, "name", api::Value::string_ref(name));
    volume.ensure_object(change.arena, "persistentVolumeClaim")
        .set_ref(change.arena, "claimName", api::Value::string_ref(name));
    volumes.append(change.arena, volume);
  }
  for (const Field& volume : pod_template["spec"]["volumes"].items()) {
    if (!names.contains(volume["name"].text())) volumes.append(change.arena, *volume.value());
  }
  pod.set_ref(change.arena, "volumes", volumes);
  return made;
}

// What is left alone because it was taken before.
struct Tolerated {
  bool service_name = false, claims = false, pod_template = false;
};

void validate_stateful_template(Change& change, const Field& spec, const Tolerated& tolerated) {
  const api::Value made = template_of_pods(change, spec);
  const Field pod_template = spec["template"].with(&made);
  const Field metadata = pod_template["metadata"];
  const Field annotations = metadata["annotations"].as(pod_template["annotations"]);
  validate_match(spec["selector"], pod_template);
  if (!tolerated.pod_template) validate_pod_template(pod_template);
  validate_label_map(metadata["labels"].as(pod_template["labels"]));
  validate_annotation_keys(annotations);
  validate_pod_annotations(annotations, pod_template["spec"]);
}

void validate_stateful_spec(Change& change, const Field& spec, const Tolerated& tolerated) {
  const Field management = spec["podManagementPolicy"];
  if (management.require() && !management.is_among({"OrderedReady", "Parallel"})) {
    management.invalid("must be 'OrderedReady' or 'Parallel'");
  }
  validate_stateful_update(spec["updateStrategy"]);
  for (const char* when : {"whenDeleted", "whenScaled"}) {
    spec["persistentVolumeClaimRetentionPolicy"][when].one_of({"Retain", "Delete"});
  }
  if (!tolerated.claims) {
    for (const Field& claim : spec["volumeClaimTemplates"].items()) {
      validate_claim_spec(claim["spec"]);
    }
  }
  spec["replicas"].at_least(0);
  spec["minReadySeconds"].at_least(0);
  spec["ordinals"]["start"].at_least(0);
  const Field service = spec["serviceName"];
  if (!tolerated.service_name && !service.empty()) {
    service.each(api::check_dns1123_label(service.text()));
  }
  if (validate_selector(spec["selector"], "empty selector is invalid for statefulset", "")) {
    validate_stateful_template(change, spec, tolerated);
  }
  validate_lasting(spec["template"]["spec"], "StatefulSet");
}

void validate_stateful_set(Change& change, const api::Value& object) {
  Tolerated tolerated;
  if (change.old != nullptr) {
    tolerated = {.service_name = true, .claims = true};
    std::vector<Cause> before;
    validate_stateful_spec(change, Field(before, change.arena, change.old)["spec"], tolerated);
    tolerated.pod_template = !before.empty();
  }
  validate_stateful_spec(change, root(change, object)["spec"], tolerated);
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

void validate_stateful_status(Change& change, const api::Value& object, const api::Value& old) {
  const Field status = root(change, object)["status"];
  validate_status_counts(
      status,
      {"replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
       "observedGeneration", "collisionCount"},
      {{"readyReplicas", "replicas", kNoMore},
       {"currentReplicas", "replicas", kNoMore},
       {"updatedReplicas", "replicas", kNoMore},
       {"availableReplicas", "replicas", kNoMore},
       {"availableReplicas", "readyReplicas", "cannot be greater than status.readyReplicas"}});
  validate_collisions(status, old);
}

void warn_about_stateful_set(Change& change, const api::Value& object, const api::Value* old) {
  warn_about_workload(change, object, old);
  const Field spec = root(change, object)["spec"];
  for (const Field& claim : spec["volumeClaimTemplates"].items()) {
    // Kubernetes names the member of its struct where the set is there already.
    const Field place = claim[old == nullptr ? "spec" : "Spec"]["resources"];
    warn_about_claim_sizes(change, place, claim["spec"]["resources"]);
  }
  if (spec["revisionHistoryLimit"].number() < 0) {
    change.warn(
        "spec.revisionHistoryLimit: a negative value retains all historical revisions; a "
        "value >= 0 is recommended");
  }
}

// -- ControllerRevision

// A controller's old template; what it holds never changes.
void keep_revision_data(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["data"].immutable(old.find("data"));
}

void validate_revision(Change& change, const api::Value& object) {
  const Field revision = root(change, object);
  const Field data = revision["data"];
  revision["revision"].at_least(0);
  if (change.old != nullptr) return;
  if (!data.is_set()) {
    data.required("data is mandatory");
  } else if (!data.value()->is_object()) {
    data.required("data must be a valid JSON object");
  }
}

}  // namespace

const Strategy kDeploymentStrategy{
    .storage_resource = "apps/deployments",
    .has_generation = true,
    .counts_annotations = true,
    .prepare_create = check_rollback,
    .prepare_update = keep_labels,
    .validate = validate_deployment,
    .validate_update = keep_selector,
    .validate_status = validate_deployment_status,
    .warn = warn_about_named_workload,
};
const Strategy kReplicaSetStrategy{
    .storage_resource = "apps/replicasets",
    .has_generation = true,
    .validate = validate_replica_set,
    .validate_update = keep_selector,
    .validate_status = validate_replicas_status,
    .warn = warn_about_named_workload,
};
const Strategy kReplicationControllerStrategy{
    .storage_resource = "replicationcontrollers",
    .has_generation = true,
    .validate = validate_replication_controller,
    .validate_status = validate_replicas_status,
    .warn = warn_about_replication_controller,
};
const Strategy kDaemonSetStrategy{
    .storage_resource = "apps/daemonsets",
    .has_generation = true,
    .prepare_create = begin_template_generation,
    .prepare_update = keep_template_generation,
    .validate = validate_daemon_set,
    .validate_status = validate_daemon_status,
    .warn = warn_about_daemon_set,
};
const Strategy kStatefulSetStrategy{
    .storage_resource = "apps/statefulsets",
    .check_name = api::check_dns1123_label,
    .has_generation = true,
    .validate = validate_stateful_set,
    .validate_update = keep_stateful_set,
    .validate_status = validate_stateful_status,
    .warn = warn_about_stateful_set,
};
const Strategy kControllerRevisionStrategy{
    .storage_resource = "apps/controllerrevisions",
    .validate = validate_revision,
    .validate_update = keep_revision_data,
};

}  // namespace pinnace::apiserver

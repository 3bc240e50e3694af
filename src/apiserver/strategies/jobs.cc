// Jobs: what their pods are, when they are done, and what stays once they run.
#include "apiserver/strategies/jobs.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "api/object_codec.h"
#include "api/selector.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/pod_warnings.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kManyCompletions = 100000, kManyAtOnce = 10000;
constexpr std::size_t kMaxRules = 20, kMaxExitCodes = 255, kMaxIndexBytes = 64 << 10;
constexpr const char* kUidLabels[] = {"batch.kubernetes.io/controller-uid", "controller-uid"};
constexpr const char* kNameLabels[] = {"batch.kubernetes.io/job-name", "job-name"};

// Unless told to leave it, the Job finds its pods by its own uid. What the client says of that
// stays, and is refused if it is something else.
Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  if (spec.bool_at("manualSelector")) return {};
  api::Value& labels = spec.ensure_object(change.arena, "template")
                           .ensure_object(change.arena, "metadata")
                           .ensure_object(change.arena, "labels");
  const api::Value uid = change.text(meta_text(object, "uid"));
  const auto set_missing = [&](api::Value& map, const char* key, const api::Value& value) {
    if (map.find(key) == nullptr) map.set_ref(change.arena, key, value);
  };
  for (const char* label : kUidLabels) set_missing(labels, label, uid);
  for (const char* label : kNameLabels) set_missing(labels, label, change.text(change.name));
  // A Job without labels shows its pods' ones.
  api::Value& own = meta_of(change.arena, object).ensure_object(change.arena, "labels");
  if (own.empty()) own = api::deep_copy(change.arena, labels);
  set_missing(
      spec.ensure_object(change.arena, "selector").ensure_object(change.arena, "matchLabels"),
      kUidLabels[0], uid);
  // Complaints show what was added in its place.
  return api::normalise(change.arena, object, *change.storage.type);
}

// The labels that the Job's pods are to have, and a selector for them.
void validate_generated(const Field& job) {
  const Field spec = job["spec"];
  const Field selector = spec["selector"];
  if (spec["manualSelector"].flag() || !selector.is_set()) return;
  const Field labels = spec["template"]["metadata"]["labels"];
  const auto check = [&](std::string_view key, std::string_view wanted) {
    const Field label = labels.at_key(key);
    const std::string must = "must be '" + std::string(wanted) + "'";
    if (!label.is_set())
      label.required(must);
    else if (!label.is(wanted))
      label.invalid_value(labels.shown(), must);
  };
  const std::string_view uid = job["metadata"]["uid"].text();
  const std::string_view name = job["metadata"]["name"].text();
  check(kUidLabels[1], uid);
  check(kNameLabels[1], name);
  check(kUidLabels[0], uid);
  check(kNameLabels[0], name);
  api::Arena arena;
  api::Value expected = api::Value::object();
  for (const char* key : kUidLabels) {
    expected.set_ref(arena, key, api::Value::string_ref(uid));
  }
  for (const char* key : kNameLabels) {
    expected.set_ref(arena, key, api::Value::string_ref(name));
  }
  const auto parsed = api::label_selector_of(selector.value());
  if (parsed && !parsed->matches(&expected)) selector.invalid("`selector` not auto-generated");
}

// -- What to do when a pod fails

void validate_exit_codes(const Field& codes, const Field& pod) {
  if (!codes.is_set()) return;
  const Field op = codes["operator"];
  const Field values = codes["values"];
  if (op.require("valid values: [\"In\" \"NotIn\"]")) op.one_of({"In", "NotIn"});
  const Field name = codes["containerName"];
  if (name.is_set()) {
    const auto containers = all_containers(pod);
    const bool is_there = std::any_of(containers.begin(), containers.end(), [&](const Field& one) {
      return one["name"].is(name.text());
    });
    if (!is_there) {
      name.invalid("must be one of the container or initContainer names in the pod template");
    }
  }
  if (values.empty()) values.invalid("at least one value is required");
  if (values.size() > kMaxExitCodes) values.too_many(kMaxExitCodes);
  std::set<std::int64_t> seen;
  bool is_ordered = true;
  std::int64_t last = INT64_MIN;
  for (const Field& value : values.items()) {
    if (op.is("In") && value.number() == 0) value.invalid("must not be 0 for the In operator");
    is_ordered = is_ordered && last <= value.number();
    last = value.number();
    if (!seen.insert(value.number()).second) value.duplicate();
  }
  if (!is_ordered) values.invalid("must be ordered");
}

void validate_failure_rule(const Field& rule, const Field& spec) {
  const Field action = rule["action"];
  if (action.require("valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]") &&
      action.one_of({"Count", "FailIndex", "FailJob", "Ignore"}) && action.is("FailIndex") &&
      !spec["backoffLimitPerIndex"].is_set()) {
    action.invalid("requires the backoffLimitPerIndex to be set");
  }
  const Field codes = rule["onExitCodes"];
  const Field conditions = rule["onPodConditions"];
  validate_exit_codes(codes, spec["template"]["spec"]);
  if (conditions.size() > kMaxRules) conditions.too_many(kMaxRules);
  for (const Field& condition : conditions.items()) {
    const Field type = condition["type"];
    type.each(api::check_qualified_name(type.text()));
    const Field status = condition["status"];
    if (status.require("valid values: [\"False\" \"True\" \"Unknown\"]")) {
      status.one_of({"False", "True", "Unknown"});
    }
  }
  if (codes.is_set() && !conditions.empty()) {
    rule.invalid_unshown("specifying both OnExitCodes and OnPodConditions is not supported");
  }
  if (!codes.is_set() && conditions.empty()) {
    rule.invalid_unshown("specifying one of OnExitCodes and OnPodConditions is required");
  }
}

// -- When a Job with indices is done early

void validate_success_policy(const Field& spec) {
  const Field policy = spec["successPolicy"];
  if (!policy.is_set()) return;
  if (!spec["completionMode"].is("Indexed")) {
    return policy.invalid_value(internal_form(policy, "batch", "SuccessPolicy"),
                                "requires indexed completion mode");
  }
  const Field rules = policy["rules"];
  const std::int64_t completions = spec["completions"].number();
  if (rules.empty()) {
    rules.required("at least one rules must be specified when the successPolicy is specified");
  }
  if (rules.size() > kMaxRules) rules.too_many(kMaxRules);
  for (const Field& rule : rules.items()) {
    const Field count = rule["succeededCount"];
    const Field indices = rule["succeededIndexes"];
    if (!count.is_set() && !indices.is_set()) {
      rule.required("at least one of succeededCount or succeededIndexes must be specified");
    }
    std::int64_t total = 0;
    if (indices.is_set()) {
      if (indices.text().size() > kMaxIndexBytes) indices.too_long(kMaxIndexBytes);
      total = count_indices(indices, completions, "succeededIndexes");
    }
    if (!count.is_set()) continue;
    count.at_least(0);
    if (count.number() > completions) {
      count.invalid("must be less than or equal to " + std::to_string(completions) +
                    " (the number of specified completions)");
    }
    if (indices.is_set() && count.number() > total) {
      count.invalid("must be less than or equal to " + std::to_string(total) +
                    " (the number of indexes in the specified succeededIndexes field)");
    }
  }
}

// -- The spec

void validate_indexed(const Field& spec) {
  const Field completions = spec["completions"];
  const Field parallelism = spec["parallelism"];
  const Field failed = spec["maxFailedIndexes"];
  if (!completions.is_set()) completions.required("when completion mode is Indexed");
  if (parallelism.number() > kManyCompletions) {
    parallelism.invalid("must be less than or equal to 100000 when completion mode is Indexed");
  }
  if (completions.is_set() && failed.is_set() && failed.number() > completions.number()) {
    failed.invalid("must be less than or equal to completions");
  }
  if (failed.number() > kManyCompletions) failed.invalid("must be less than or equal to 100000");
  if (completions.number() <= kManyCompletions || !spec["backoffLimitPerIndex"].is_set()) return;
  if (!failed.is_set()) {
    failed.required("must be specified when completions is above 100000");
  }
  for (const Field& many : {parallelism, failed}) {
    if (many.number() > kManyAtOnce) {
      many.invalid(
          "must be less than or equal to 10000 when completions are above 100000 and used with "
          "backoff limit per index");
    }
  }
}

void validate_not_indexed(const Field& spec) {
  for (const char* key : {"backoffLimitPerIndex", "maxFailedIndexes"}) {
    if (spec[key].is_set()) spec[key].invalid("requires indexed completion mode");
  }
}

void validate_restart_policy(const Field& spec) {
  const Field policy = spec["template"]["spec"]["restartPolicy"];
  if (policy.empty() || policy.is("Always")) {
    policy.required("valid values: \"OnFailure\", \"Never\"");
  } else if (policy.one_of({"OnFailure", "Never"}) && spec["podFailurePolicy"].is_set() &&
             !policy.is("Never")) {
    policy.invalid("only \"Never\" is supported when podFailurePolicy is specified");
  }
}

void validate_managed_by(const Field& manager) {
  constexpr std::size_t kMaxBytes = 63;
  if (!manager.is_set()) return;
  validate_domain_path(manager);
  if (manager.text().size() > kMaxBytes) manager.too_long(kMaxBytes);
}

// The last of its pods has a name that can be a host's.
void validate_last_name(const Field& job) {
  const Field completions = job["spec"]["completions"];
  if (!job["spec"]["completionMode"].is("Indexed") || completions.number() <= 0) return;
  const Field name = job["metadata"]["name"];
  const std::string last =
      std::string(name.text()) + "-" + std::to_string(completions.number() - 1);
  if (api::check_dns1123_label(last).empty()) return;
  name.invalid("will not able to create pod with invalid DNS label: " + last);
}

void validate_job(Change& change, const api::Value& object) {
  const Field job = root(change, object);
  const Field spec = job["spec"];
  const Field selector = spec["selector"];
  if (change.old == nullptr) validate_generated(job);
  validate_job_spec(spec);
  if (!selector.is_set()) selector.required();
  validate_label_selector(selector);
  const auto parsed = api::label_selector_of(selector.value());
  const Field labels = spec["template"]["metadata"]["labels"];
  if (parsed && !parsed->matches(labels.value())) {
    labels.invalid("`selector` does not match template `labels`");
  }
  if (change.old == nullptr) validate_last_name(job);
}

// Completions of a Job with indices grow and shrink together with its parallelism.
void validate_completions_update(const Field& spec, const api::Value& old) {
  const Field completions = spec["completions"];
  const auto* before = old.find("completions");
  if (!spec["completionMode"].is("Indexed")) {
    completions.immutable(before);
  } else if (completions.is_set() && !completions.same_as(before) &&
             completions.number() != spec["parallelism"].number(-1)) {
    completions.invalid("can only be modified in tandem with spec.parallelism");
  }
}

// Where a Job that has not started will run, and what its pods are called, may still be told.
void validate_template_update(Change& change, const Field& spec, const api::Value& old_job) {
  const auto* before = old_job.find_path({"spec", "template"});
  const Field pod_template = spec["template"];
  const bool may_move = old_job.find("spec")->bool_at("suspend") &&
                        old_job.find_path({"status", "startTime"}) == nullptr;
  if (before == nullptr || !may_move || pod_template.value() == nullptr) {
    pod_template.immutable(before);
    return;
  }
  api::Value same = api::deep_copy(change.arena, *pod_template.value());
  const auto take = [&](api::Value& into, const api::Value* from, const char* key) {
    const auto* value = from == nullptr ? nullptr : from->find(key);
    if (value == nullptr)
      into.erase(key);
    else
      into.set_ref(change.arena, key, *value);
  };
  api::Value& pod = same.ensure_object(change.arena, "spec");
  const auto* old_pod = before->find("spec");
  for (const char* key : {"nodeSelector", "tolerations", "schedulingGates"}) {
    take(pod, old_pod, key);
  }
  const auto* affinity = old_pod == nullptr ? nullptr : old_pod->find("affinity");
  if (affinity != nullptr || pod.find("affinity") != nullptr) {
    api::Value& own = pod.ensure_object(change.arena, "affinity");
    take(own, affinity, "nodeAffinity");
    if (own.empty() && affinity == nullptr) pod.erase("affinity");
  }
  api::Value& metadata = same.ensure_object(change.arena, "metadata");
  take(metadata, before->find("metadata"), "labels");
  take(metadata, before->find("metadata"), "annotations");
  if (!api::equal(same, *before)) pod_template.invalid("field is immutable");
}

void validate_job_update(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  const auto* before = old.find("spec");
  if (before == nullptr) return;
  validate_completions_update(spec, *before);
  spec["selector"].immutable(before->find("selector"));
  validate_template_update(change, spec, old);
  for (const char* key : {"completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy",
                          "successPolicy"}) {
    spec[key].immutable(before->find(key));
  }
}

void warn_about_job(Change& change, const api::Value& object, const api::Value* old) {
  if (old == nullptr) warn_about_pod_names(change);
  if (is_next_generation(object, old)) warn_about_job_spec(change, root(change, object)["spec"]);
}

}  // namespace

void warn_about_job_spec(Change& change, const Field& spec) {
  if (spec["completionMode"].is("Indexed") && spec["completions"].number() > kManyCompletions &&
      spec["parallelism"].number() > kManyAtOnce) {
    change.warn(spec.path() +
                ": In Indexed Jobs with a number of completions higher than 10^5 and a parallelism "
                "higher than 10^4, Kubernetes might not be able to track completedIndexes when a "
                "big number of indexes fail");
  }
  warn_about_template(change, spec["template"]);
}

void validate_job_spec(const Field& spec) {
  for (const char* key : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                          "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"}) {
    spec[key].at_least(0);
  }
  if (spec["maxFailedIndexes"].is_set() && !spec["backoffLimitPerIndex"].is_set()) {
    spec["backoffLimitPerIndex"].required("when maxFailedIndexes is specified");
  }
  validate_managed_by(spec["managedBy"]);
  const Field mode = spec["completionMode"];
  mode.one_of_if_set({"NonIndexed", "Indexed"});
  if (mode.is("Indexed")) {
    validate_indexed(spec);
  } else if (!mode.is_set() || mode.is("NonIndexed")) {
    validate_not_indexed(spec);
  }
  const Field failures = spec["podFailurePolicy"]["rules"];
  if (failures.size() > kMaxRules) failures.too_many(kMaxRules);
  for (const Field& rule : failures.items()) validate_failure_rule(rule, spec);
  validate_success_policy(spec);
  const Field replacement = spec["podReplacementPolicy"];
  if (spec["podFailurePolicy"].is_set())
    replacement.one_of_if_set({"Failed"});
  else
    replacement.one_of_if_set({"Failed", "TerminatingOrFailed"});
  validate_pod_template(spec["template"]);
  validate_restart_policy(spec);
}

const Strategy kJobStrategy{
    .storage_resource = "batch/jobs",
    .has_generation = true,
    .prepare_create = prepare_create,
    .validate = validate_job,
    .validate_update = validate_job_update,
    .validate_status = validate_job_status,
    .warn = warn_about_job,
};

}  // namespace pinnace::apiserver

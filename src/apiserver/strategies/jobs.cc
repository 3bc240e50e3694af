// Jobs and CronJobs.
#include <array>

#include "api/selector.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxCronJobName = 52;  // Jobs get eleven characters more.
constexpr std::int64_t kMaxIndexedCompletions = 100000;
constexpr const char* kUidLabels[] = {"batch.kubernetes.io/controller-uid", "controller-uid"};
constexpr const char* kNameLabels[] = {"batch.kubernetes.io/job-name", "job-name"};

// Unless told to leave it, the Job finds its pods by its own uid.
Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  if (spec.bool_at("manualSelector")) return {};
  api::Value& labels = spec.ensure_object(change.arena, "template")
                           .ensure_object(change.arena, "metadata")
                           .ensure_object(change.arena, "labels");
  const api::Value uid = change.text(meta_text(object, "uid"));
  for (const char* label : kUidLabels) labels.set_ref(change.arena, label, uid);
  for (const char* label : kNameLabels) {
    labels.set_ref(change.arena, label, change.text(change.name));
  }
  // A Job without labels shows its pods' ones.
  api::Value& own = meta_of(change.arena, object).ensure_object(change.arena, "labels");
  if (own.empty()) own = api::deep_copy(change.arena, labels);
  const auto* selector = spec.find("selector");
  if (selector != nullptr && !selector->empty()) return {};
  spec.ensure_object(change.arena, "selector")
      .ensure_object(change.arena, "matchLabels")
      .set_ref(change.arena, kUidLabels[0], uid);
  return {};
}

void validate_job_template(const Field& pod_template) {
  validate_pod_template(pod_template);
  const Field policy = pod_template["spec"]["restartPolicy"];
  const std::vector<std::string> valid = {"OnFailure", "Never"};
  if (policy.empty())
    policy.required("valid values: \"OnFailure\", \"Never\"");
  else if (policy.text() == "Always")
    policy.not_supported(valid);
}

void validate_job_spec(const Field& spec) {
  for (const char* key : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                          "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"}) {
    spec[key].at_least(0);
  }
  if (spec["completionMode"].text() == "Indexed") {
    const Field completions = spec["completions"];
    if (!completions.is_set()) {
      completions.required("when completion mode is Indexed");
    } else if (completions.number() > kMaxIndexedCompletions &&
               spec["parallelism"].number() > 10000) {
      spec["parallelism"].invalid(
          "must be less than or equal to 10000 when completions are over "
          "100000");
    }
  } else {
    for (const char* key : {"backoffLimitPerIndex", "maxFailedIndexes"}) {
      if (spec[key].is_set()) spec[key].invalid("requires indexed completion mode");
    }
  }
  validate_job_template(spec["template"]);
}

void validate_job(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field selector = spec["selector"];
  validate_job_spec(spec);
  if (!selector.is_set()) return selector.required();
  validate_label_selector(selector);
  const auto parsed = api::label_selector_of(selector.value());
  const Field labels = spec["template"]["metadata"]["labels"];
  if (parsed && !parsed->matches(labels.value())) {
    labels.invalid("`selector` does not match template `labels`");
  }
}

void validate_job_update(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  const auto* before = old.find("spec");
  if (before == nullptr) return;
  spec["selector"].immutable(before->find("selector"));
  spec["completionMode"].immutable(before->find("completionMode"));
  spec["podFailurePolicy"].immutable(before->find("podFailurePolicy"));
  spec["backoffLimitPerIndex"].immutable(before->find("backoffLimitPerIndex"));
  const bool is_elastic = spec["completionMode"].text() == "Indexed" &&
                          spec["completions"].number(-1) == spec["parallelism"].number(-1);
  if (!is_elastic) spec["completions"].immutable(before->find("completions"));
  // A Job that has not started may still be told where its pods run.
  const bool may_move = before->bool_at("suspend") && !old.find_path({"status", "startTime"});
  if (!may_move) spec["template"].immutable(before->find("template"));
}

// -- CronJob

struct CronField {
  const char* name;
  int low, high;
  const char* words;  // Names of the numbers from `low` on, by spaces.
};
constexpr CronField kCronFields[] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day-of-month", 1, 31, ""},
    {"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
    {"day-of-week", 0, 6, "sun mon tue wed thu fri sat"},
};

// The number that one word of a schedule says, or why it says none.
Result<int> cron_number(std::string_view text, const CronField& field) {
  int number = field.low;
  for (const std::string_view word : split(field.words, ' ')) {
    if (!word.empty() && equal_ignoring_case(word, text)) return number;
    ++number;
  }
  const auto parsed = parse_uint(text);
  if (!parsed || *parsed > 1000) {
    return errors::bad_request("failed to parse int from " + std::string(text) +
                               ": strconv.Atoi: parsing " + quoted(text) + ": invalid syntax");
  }
  return static_cast<int>(*parsed);
}

// One part between commas: "*", "5", "1-5", each perhaps with "/2".
std::string check_cron_part(std::string_view part, const CronField& field) {
  const auto pieces = split(part, '/');
  const auto ends = split(pieces[0], '-');
  if (pieces.size() > 2) return "too many slashes: " + std::string(part);
  if (ends.size() > 2) return "too many hyphens: " + std::string(part);
  int low = field.low, high = field.high;
  if (pieces[0] != "*" && pieces[0] != "?") {
    const auto first = cron_number(ends[0], field);
    if (!first) return first.error().message;
    low = *first;
    high = pieces.size() == 2 && ends.size() == 1 ? field.high : low;
    if (ends.size() == 2) {
      const auto last = cron_number(ends[1], field);
      if (!last) return last.error().message;
      high = *last;
    }
  }
  if (pieces.size() == 2) {
    const auto step = parse_uint(pieces[1]);
    if (!step) return "failed to parse int from " + std::string(pieces[1]);
    if (*step == 0) return "step of range should be a positive number: " + std::string(part);
  }
  if (low < field.low) {
    return "beginning of range (" + std::to_string(low) + ") below minimum (" +
           std::to_string(field.low) + "): " + std::string(part);
  }
  if (high > field.high) {
    return "end of range (" + std::to_string(high) + ") above maximum (" +
           std::to_string(field.high) + "): " + std::string(part);
  }
  if (low > high) {
    return "beginning of range (" + std::to_string(low) + ") beyond end of range (" +
           std::to_string(high) + "): " + std::string(part);
  }
  return {};
}

// What is wrong with a schedule in cron's form; "" if nothing.
std::string check_schedule(std::string_view schedule) {
  if (schedule.starts_with('@')) {
    for (const char* known :
         {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}) {
      if (schedule == known) return {};
    }
    if (schedule.starts_with("@every ")) return {};
    return "unrecognized descriptor: " + std::string(schedule);
  }
  std::vector<std::string> fields;
  for (const std::string_view part : split(schedule, ' ')) {
    if (!part.empty()) fields.emplace_back(part);
  }
  if (fields.size() != std::size(kCronFields)) {
    return "expected exactly 5 fields, found " + std::to_string(fields.size()) + ": [" +
           join(fields, " ") + "]";
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (const std::string_view part : split(fields[i], ',')) {
      std::string wrong = check_cron_part(part, kCronFields[i]);
      if (!wrong.empty()) return wrong;
    }
  }
  return {};
}

api::Complaints check_cron_job_name(std::string_view name) {
  api::Complaints complaints = api::check_dns1123_subdomain(name);
  if (name.size() > kMaxCronJobName) complaints.push_back("must be no more than 52 characters");
  return complaints;
}

void validate_cron_job(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field schedule = spec["schedule"];
  if (schedule.require()) {
    const std::string_view text = schedule.text();
    const std::string wrong = check_schedule(text);
    if (!wrong.empty()) schedule.invalid(wrong);
    if (text.find("TZ") != std::string_view::npos) {
      schedule.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    }
  }
  const Field zone = spec["timeZone"];
  if (zone.is_set()) {
    if (zone.empty()) zone.invalid("timeZone must be nil or non-empty string");
    if (equal_ignoring_case(zone.text(), "Local")) {
      zone.invalid(
          "timeZone must be an explicit time zone as defined in "
          "https://www.iana.org/time-zones");
    }
  }
  for (const char* key :
       {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"}) {
    spec[key].at_least(0);
  }
  const Field job = spec["jobTemplate"]["spec"];
  validate_job_spec(job);
  if (job["manualSelector"].flag()) job["manualSelector"].not_supported({"nil", "false"});
  if (job["selector"].is_set()) job["selector"].invalid("`selector` will be auto-generated");
}

}  // namespace

const Strategy kJobStrategy{
    .storage_resource = "batch/jobs",
    .has_generation = true,
    .prepare_create = prepare_create,
    .validate = validate_job,
    .validate_update = validate_job_update,
};
const Strategy kCronJobStrategy{
    .storage_resource = "batch/cronjobs",
    .check_name = check_cron_job_name,
    .has_generation = true,
    .validate = validate_cron_job,
};

}  // namespace pinnace::apiserver

// CronJobs: when they are due, in which time zone, and what they make.
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/jobs.h"
#include "apiserver/strategies/pod_warnings.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/zone_names.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxCronJobName = 52;  // Jobs get eleven characters more.

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

void validate_schedule(const Field& spec, const api::Value* old) {
  const Field schedule = spec["schedule"];
  if (!schedule.require()) return;
  std::string_view text = schedule.text();
  // A zone before the schedule was taken once and stays where it is.
  const bool names_zone = text.find("TZ") != std::string_view::npos;
  const auto* before = old == nullptr ? nullptr : old->find_path({"spec", "schedule"});
  const bool did = before != nullptr && before->is_string() &&
                   before->as_string().find("TZ") != std::string_view::npos;
  if (names_zone && text.find(' ') != std::string_view::npos && text.find('=') < text.find(' ')) {
    text = trim(text.substr(text.find(' ')));
  }
  const std::string wrong = check_schedule(text);
  if (!wrong.empty()) schedule.invalid(wrong);
  if (names_zone && !did) {
    schedule.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (names_zone && spec["timeZone"].is_set()) {
    schedule.invalid("cannot use both timeZone field and TZ or CRON_TZ in schedule");
  }
}

void validate_zone(const Field& zone) {
  if (!zone.is_set()) return;
  if (zone.empty()) return zone.invalid("timeZone must be nil or non-empty string");
  if (equal_ignoring_case(zone.text(), "Local")) {
    zone.invalid(
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    if (zone.is("Local")) return;
  }
  if (!is_zone_name(zone.text())) {
    zone.invalid("unknown time zone " + std::string(zone.text()));
  }
}

void validate_cron_job(Change& change, const api::Value& object) {
  const Field cron = root(change, object);
  const Field spec = cron["spec"];
  const Field name = cron["metadata"]["name"];
  validate_schedule(spec, change.old);
  spec["startingDeadlineSeconds"].at_least(0);
  const Field zone = spec["timeZone"];
  const auto* zone_before =
      change.old == nullptr ? nullptr : change.old->find_path({"spec", "timeZone"});
  const bool is_kept = zone.is_set() && zone_before != nullptr && zone.same_as(zone_before);
  if (!is_kept) validate_zone(zone);
  const Field policy = spec["concurrencyPolicy"];
  if (policy.require()) policy.one_of({"Allow", "Forbid", "Replace"});
  const Field job = spec["jobTemplate"]["spec"];
  validate_job_spec(job);
  if (job["selector"].is_set()) job["selector"].invalid("`selector` will be auto-generated");
  if (job["manualSelector"].flag()) job["manualSelector"].not_supported({"nil", "false"});
  spec["successfulJobsHistoryLimit"].at_least(0);
  spec["failedJobsHistoryLimit"].at_least(0);
  if (change.old == nullptr && name.text().size() > kMaxCronJobName) {
    name.invalid("must be no more than 52 characters");
  }
}

void warn_about_cron_job(Change& change, const api::Value& object, const api::Value* old) {
  if (old == nullptr) warn_about_pod_names(change);
  const Field spec = root(change, object)["spec"];
  if (is_next_generation(object, old)) warn_about_job_spec(change, spec["jobTemplate"]["spec"]);
  if (old != nullptr && spec["schedule"].text().find("TZ") != std::string_view::npos) {
    // Kubernetes' message has always named the spec twice.
    change.warn(
        "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
        "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
  }
}

}  // namespace

const Strategy kCronJobStrategy{
    .storage_resource = "batch/cronjobs",
    .has_generation = true,
    .validate = validate_cron_job,
    .warn = warn_about_cron_job,
};

}  // namespace pinnace::apiserver

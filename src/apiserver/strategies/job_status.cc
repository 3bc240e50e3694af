// What the status of a Job may say, and what it may not take back.
#include <algorithm>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/jobs.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

Result<IndexInterval> parse_interval(std::string_view text, std::int64_t completions) {
  const auto ends = split(text, '-');
  if (ends.size() > 2) {
    return errors::bad_request(
        "the fragment " + quoted(text) +
        " violates the requirement that an index interval can have at most two parts separated by "
        "'-'");
  }
  std::int64_t numbers[2];
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto number = parse_int(ends[i]);
    if (!number) {
      return errors::bad_request("cannot convert string to integer for index: " + quoted(ends[i]));
    }
    if (*number >= completions) return errors::bad_request("too large index: " + quoted(ends[i]));
    numbers[i] = *number;
  }
  if (ends.size() == 1) return IndexInterval{numbers[0], numbers[0]};
  if (numbers[0] >= numbers[1]) {
    return errors::bad_request("non-increasing order, previous: " + std::to_string(numbers[0]) +
                               ", current: " + std::to_string(numbers[1]));
  }
  return IndexInterval{numbers[0], numbers[1]};
}

bool has_condition(const Field& conditions, std::string_view type) {
  for (const Field& condition : conditions.items()) {
    if (condition["type"].is(type) && condition["status"].is("True")) return true;
  }
  return false;
}

// What a status says, before or after.
struct JobState {
  explicit JobState(const Field& job_status)
      : status(job_status),
        conditions(job_status["conditions"]),
        is_complete(has_condition(conditions, "Complete")),
        is_failed(has_condition(conditions, "Failed")),
        is_failing(has_condition(conditions, "FailureTarget")),
        is_satisfied(has_condition(conditions, "SuccessCriteriaMet")) {}
  bool is_finished() const { return is_complete || is_failed; }

  Field status, conditions;
  bool is_complete, is_failed, is_failing, is_satisfied;
};

// Pods that ended and are not counted yet: each once.
void validate_uncounted(const Field& uncounted) {
  std::set<std::string_view> seen;
  for (const char* list : {"succeeded", "failed"}) {
    for (const Field& uid : uncounted[list].items()) {
      if (uid.empty())
        uid.invalid("must not be empty");
      else if (!seen.insert(uid.text()).second)
        uid.duplicate();
    }
  }
}

// Whether any of `members` is another than before: only then is a rule about them asked.
bool is_changed(const JobState& now, const JobState& before,
                std::initializer_list<const char*> members) {
  return std::any_of(members.begin(), members.end(), [&](const char* member) {
    return !now.status[member].same_as(before.status[member].value());
  });
}

void validate_ends(const JobState& now, const JobState& before) {
  const Field end = now.status["completionTime"];
  const Field start = now.status["startTime"];
  const bool completes = now.is_complete != before.is_complete;
  const bool fails = now.is_failed != before.is_failed;
  const bool ends = is_changed(now, before, {"completionTime"});
  if ((completes || fails) && now.is_complete && now.is_failed) {
    now.conditions.invalid_unshown("cannot set Complete=True and Failed=true conditions");
  }
  if ((completes || now.is_failing != before.is_failing) && now.is_complete && now.is_failing) {
    now.conditions.invalid_unshown("cannot set Complete=True and FailureTarget=true conditions");
  }
  if ((completes || ends) && end.is_set() && !now.is_complete) {
    end.invalid("cannot set completionTime when there is no Complete=True condition");
  }
  if ((completes || ends) && !end.is_set() && now.is_complete) {
    end.required("completionTime is required for Complete jobs");
  }
  if (is_changed(now, before, {"startTime", "completionTime"}) && start.is_set() && end.is_set() &&
      end.text() < start.text()) {
    end.invalid("must be equal to or after `startTime`");
  }
  if ((fails || now.is_failing != before.is_failing) && now.is_failed && !now.is_failing) {
    now.conditions.invalid_unshown(
        "cannot set Failed=True condition without the FailureTarget=true condition");
  }
  if ((completes || now.is_satisfied != before.is_satisfied) && now.is_complete &&
      !now.is_satisfied) {
    now.conditions.invalid_unshown(
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
}

void validate_finished(const JobState& now, const JobState& before, const Field& spec) {
  const bool finishes = now.is_finished() != before.is_finished();
  const Field active = now.status["active"];
  const Field start = now.status["startTime"];
  const Field uncounted = now.status["uncountedTerminatedPods"];
  const bool waits = spec["suspend"].flag() && spec["completions"].number(-1) == 0;
  if (!now.is_finished()) return;
  if ((finishes || is_changed(now, before, {"active"})) && active.number() > 0) {
    active.invalid("active>0 is invalid for finished job");
  }
  if ((finishes || is_changed(now, before, {"startTime"})) && !start.is_set() && !waits) {
    start.required("startTime is required for finished job");
  }
  if ((finishes || is_changed(now, before, {"uncountedTerminatedPods"})) &&
      uncounted["succeeded"].size() + uncounted["failed"].size() > 0) {
    uncounted.invalid("must be empty for finished job");
  }
}

// Indices are of Jobs that have such, and no index both succeeded and failed.
void validate_status_indices(const JobState& now, const JobState& before, const Field& spec) {
  const Field completed = now.status["completedIndexes"];
  const Field failed = now.status["failedIndexes"];
  const bool other_completed = is_changed(now, before, {"completedIndexes"});
  const bool other_failed = is_changed(now, before, {"failedIndexes"});
  const bool has_count = spec["completions"].is_set();
  const std::int64_t completions = spec["completions"].number();
  const bool per_index = spec["backoffLimitPerIndex"].is_set();
  if (other_completed && has_count) count_indices(completed, completions, "completedIndexes");
  if (other_failed && has_count && per_index && failed.is_set()) {
    count_indices(failed, completions, "failedIndexes");
  }
  if (other_completed && !completed.empty() && !spec["completionMode"].is("Indexed")) {
    completed.invalid("cannot set non-empty completedIndexes when non-indexed completion mode");
  }
  if (other_failed && !per_index && failed.is_set()) {
    failed.invalid("cannot set non-null failedIndexes when backoffLimitPerIndex is null");
  }
  if ((!other_completed && !other_failed) || !has_count || !failed.is_set()) return;
  const auto one = parse_indices(completed.text(), completions);
  const auto other = parse_indices(failed.text(), completions);
  if (!one || !other) return;
  for (std::size_t i = 0, j = 0; i < one->size() && j < other->size();) {
    const IndexInterval& a = (*one)[i];
    const IndexInterval& b = (*other)[j];
    if (a.first <= b.last && b.first <= a.last) {
      return failed.invalid("failedIndexes and completedIndexes overlap at index: " +
                            std::to_string(std::max(a.first, b.first)));
    }
    ++(a.first <= b.first ? i : j);
  }
}

void validate_success(const JobState& now, const Field& spec) {
  if (now.is_satisfied && now.is_failed) {
    now.conditions.invalid_unshown("cannot set SuccessCriteriaMet=True and Failed=true conditions");
  }
  if (now.is_satisfied && now.is_failing) {
    now.conditions.invalid_unshown(
        "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  }
  if (spec["successPolicy"].is_set() && !now.is_satisfied && now.is_complete) {
    now.conditions.invalid_unshown(
        "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }
}

// What was once true or counted stays so.
void validate_status_update(const JobState& now, const JobState& before, const Field& spec) {
  struct Terminal {
    const char* type;
    bool was, is;
  };
  for (const Terminal& one : {Terminal{"Failed", before.is_failed, now.is_failed},
                              Terminal{"Complete", before.is_complete, now.is_complete},
                              Terminal{"FailureTarget", before.is_failing, now.is_failing}}) {
    if (!one.was || one.is) continue;
    now.conditions.invalid_unshown(std::string("cannot disable the terminal ") + one.type +
                                   "=True condition");
  }
  const auto keep_count = [&](const char* count) {
    const Field is = now.status[count];
    if (is.number() >= before.status[count].number()) return;
    is.invalid_value(std::to_string(is.number()),
                     std::string("cannot decrease the ") + count + " counter");
  };
  // A Job with indices may shrink, and takes back what it counted then.
  const bool may_shrink = spec["completionMode"].is("Indexed") &&
                          spec["completions"].number(-1) == spec["parallelism"].number(-2);
  keep_count("failed");
  if (!may_shrink) keep_count("succeeded");
  const Field end = now.status["completionTime"];
  const Field old_end = before.status["completionTime"];
  if (end.is_set() && old_end.is_set()) end.immutable(old_end.value());
  const Field start = now.status["startTime"];
  if (before.status["startTime"].is_set() && is_changed(now, before, {"startTime"}) &&
      !spec["suspend"].flag()) {
    start.required("startTime cannot be removed for unsuspended job");
  }
  if (before.is_satisfied && !now.is_satisfied) {
    now.conditions.invalid_unshown("cannot disable the SuccessCriteriaMet=True condition");
  }
  if (before.is_complete && !before.is_satisfied && now.is_satisfied) {
    now.conditions.invalid_unshown(
        "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
  }
}

}  // namespace

Result<std::vector<IndexInterval>> parse_indices(std::string_view text, std::int64_t completions) {
  std::vector<IndexInterval> all;
  if (text.empty()) return all;
  for (const std::string_view part : split(text, ',')) {
    const auto interval = parse_interval(part, completions);
    if (!interval) return std::unexpected(interval.error());
    if (!all.empty() && all.back().last >= interval->first) {
      return errors::bad_request(
          "non-increasing order, previous: " + std::to_string(all.back().last) +
          ", current: " + std::to_string(interval->first));
    }
    all.push_back(*interval);
  }
  return all;
}

std::int64_t count_indices(const Field& field, std::int64_t completions, const char* name) {
  const auto all = parse_indices(field.text(), completions);
  if (!all) {
    field.invalid(std::string("error parsing ") + name + ": " + all.error().message);
    return 0;
  }
  std::int64_t count = 0;
  for (const IndexInterval& one : *all) count += one.last - one.first + 1;
  return count;
}

void validate_job_status(Change& change, const api::Value& object, const api::Value& old) {
  const Field job = root(change, object);
  const Field spec = job["spec"];
  const Field status = job["status"];
  std::vector<Cause> none;
  const JobState now(status);
  const JobState before(Field(none, change.arena, &old)["status"]);
  for (const char* count : {"active", "succeeded", "failed", "ready", "terminating"}) {
    status[count].at_least(0);
  }
  validate_uncounted(status["uncountedTerminatedPods"]);
  validate_ends(now, before);
  validate_finished(now, before, spec);
  validate_status_indices(now, before, spec);
  const Field ready = status["ready"];
  const Field terminating = status["terminating"];
  if ((now.is_finished() != before.is_finished() || is_changed(now, before, {"terminating"})) &&
      now.is_finished() && terminating.number() > 0) {
    terminating.invalid("terminating>0 is invalid for finished job");
  }
  if (is_changed(now, before, {"ready", "active"}) && ready.is_set() &&
      ready.number() > status["active"].number()) {
    ready.invalid("cannot set more ready pods than active");
  }
  validate_success(now, spec);
  validate_status_update(now, before, spec);
}

}  // namespace pinnace::apiserver

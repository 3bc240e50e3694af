// Jobs, as they stand alone and in the templates of CronJobs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "apiserver/strategies/field.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

void validate_job_spec(const Field& spec);
void warn_about_job_spec(Change& change, const Field& spec);
void validate_job_status(Change& change, const api::Value& object, const api::Value& old);

// Some of the indices of a Job, in a row.
struct IndexInterval {
  std::int64_t first = 0, last = 0;
};
// "1,3-5": numbers below `completions` and ranges of them, rising. "" names none. The message of an
// Error says what is wrong.
Result<std::vector<IndexInterval>> parse_indices(std::string_view text, std::int64_t completions);
// How many of them `field` names; complains where they make no sense, about `name`.
std::int64_t count_indices(const Field& field, std::int64_t completions, const char* name);

}  // namespace pinnace::apiserver

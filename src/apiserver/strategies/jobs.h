// The spec of a Job, in Jobs and in the templates of CronJobs.
#pragma once

#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

void validate_job_spec(const Field& spec);

}  // namespace pinnace::apiserver

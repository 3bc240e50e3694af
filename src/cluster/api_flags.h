// The flags of the API server, named as kube-apiserver's, in one table: what each is called, what
// it takes, and what it sets.
//
// Errors: 400 naming the flag and what it would take.
#pragma once

#include <vector>

#include "apiserver/configuration.h"
#include "base/error.h"
#include "cluster/command_line.h"

namespace pinnace::cluster {

std::vector<Option> api_flag_options();
// Sets in `configuration` what the command line says; leaves the rest as it is.
Result<void> apply_api_flags(const Arguments& arguments, apiserver::Configuration& configuration);

}  // namespace pinnace::cluster

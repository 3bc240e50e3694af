// The flags of the controllers, named as kube-controller-manager's, in one table: with what
// requests for certificates are answered, and for how long.
//
// Errors: 400 naming the flag and what it would take.
#pragma once

#include <vector>

#include "base/error.h"
#include "cluster/command_line.h"
#include "cluster/pki.h"
#include "controllers/settings.h"

namespace pinnace::cluster {

std::vector<Option> controller_flag_options();
// What the cluster's keys say, and over it the command line. The files of authorities are read.
Result<void> apply_controller_flags(const Arguments& arguments, const Pki& pki,
                                    controllers::Settings& settings);

}  // namespace pinnace::cluster

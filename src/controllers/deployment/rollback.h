// What a Deployment becomes when it is asked to go back to an earlier revision, as clients of
// extensions/v1beta1 ask: newer ones write the old template themselves.
//
// Source: Kubernetes extensions/v1beta1 DeploymentRollback; the events' reasons and messages.
#pragma once

#include <string>

#include "controllers/deployment/revisions.h"

namespace pinnace::controllers::deployment {

struct Rollback {
  Deployment updated;  // The request is taken out of it, whether it could be fulfilled or not.
  bool rolled_back = false;
  std::string reason, message;  // of the event that tells
};
// The Deployment has the annotation kRollbackTo; revision 0 is the one before the current.
Rollback plan_rollback(const Deployment& deployment, const Sets& sets);

}  // namespace pinnace::controllers::deployment

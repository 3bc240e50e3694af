// The plug-ins of the admission chain; admission.cc has their order.
#pragma once

#include "apiserver/admission/admission.h"

namespace pinnace::apiserver {

// Nothing is made in a namespace that is not there or is going; the first ones cannot be deleted.
Result<void> admit_namespace_lifecycle(AdmissionRequest& request);
// Pods run as a service account that exists, and get its token mounted.
Result<void> admit_service_account(AdmissionRequest& request);
// The number of the pod's priority class.
Result<void> admit_priority(AdmissionRequest& request);
// Five minutes on a node that is not ready or not reachable.
Result<void> admit_default_tolerations(AdmissionRequest& request);
// A node's agent writes its own Node and its own pods only.
Result<void> admit_node_restriction(AdmissionRequest& request);
// Defaults and bounds of LimitRange objects for containers.
Result<void> admit_limit_ranges(AdmissionRequest& request);
// Counts against ResourceQuota objects.
Result<void> admit_quota(AdmissionRequest& request);

}  // namespace pinnace::apiserver

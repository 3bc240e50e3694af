// What plugins, webhooks and policies leave in the audit log's record of a request.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "apiserver/audit/policy.h"

namespace pinnace::apiserver {

// Nothing where nobody records the request at this level, or the key is no qualified name with a
// prefix. What was said first stays.
void annotate_audit(const AdmissionRequest& request, const std::string& key, std::string_view value,
                    audit::Level least = audit::Level::kMetadata);
// Whether it is worth to make a value for this level.
bool is_audited(const AdmissionRequest& request, audit::Level least = audit::Level::kMetadata);

}  // namespace pinnace::apiserver

#include "apiserver/admission/audit_annotations.h"

#include "api/names.h"
#include "apiserver/audit/auditor.h"
#include "base/log.h"

namespace pinnace::apiserver {

bool is_audited(const AdmissionRequest& request, audit::Level least) {
  const auto& record = request.change.call.audit;
  return record && record->level() >= least;
}

void annotate_audit(const AdmissionRequest& request, const std::string& key, std::string_view value,
                    audit::Level least) {
  if (!is_audited(request, least)) return;
  if (key.find('/') == std::string::npos || !api::check_qualified_name(key).empty()) {
    return log::warning("no key of an audit annotation", {{"key", key}});
  }
  request.change.call.audit->annotate(key, value);
}

}  // namespace pinnace::apiserver

#include "apiserver/audit/sink.h"

namespace pinnace::apiserver::audit {

std::optional<std::string> limited_text(const Event& event, const AuditLimits& limits,
                                        std::string (*text)(const Event&)) {
  std::string whole = text(event);
  if (!limits.is_on || whole.size() <= limits.max_event_bytes) return whole;
  Event shorter = event;
  shorter.request_object.clear();
  shorter.response_object.clear();
  shorter.annotations["audit.k8s.io/truncated"] = "true";
  whole = text(shorter);
  if (whole.size() > limits.max_event_bytes) return {};
  return whole;
}

}  // namespace pinnace::apiserver::audit

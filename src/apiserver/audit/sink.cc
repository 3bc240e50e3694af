#include "apiserver/audit/sink.h"

namespace pinnace::apiserver::audit {

Result<void> check_limits(const AuditLimits& limits, std::string_view sink) {
  const std::string event = std::to_string(limits.max_event_bytes);
  if (limits.max_event_bytes == 0) {
    return errors::bad_request("invalid audit truncate " + std::string(sink) +
                               " max event size 0, must be a positive number");
  }
  if (limits.max_batch_bytes < limits.max_event_bytes) {
    return errors::bad_request("invalid audit truncate " + std::string(sink) + " max batch size " +
                               std::to_string(limits.max_batch_bytes) +
                               ", must be greater than max event size (" + event + ")");
  }
  return {};
}

std::optional<std::string> limited_text(const Event& event, const AuditLimits& limits,
                                        std::string (*text)(const Event&)) {
  if (!limits.is_on) return text(event);
  // An event is as large as its JSON, whatever it is written as.
  const auto is_too_large = [&](const Event& one) {
    return json_line(one).size() > limits.max_event_bytes;
  };
  if (!is_too_large(event)) return text(event);
  if (event.level < Level::kRequest) return {};
  Event shorter = event;
  shorter.request_object.clear();
  shorter.response_object.clear();
  shorter.annotations["audit.k8s.io/truncated"] = "true";
  if (is_too_large(shorter)) return {};
  return text(shorter);
}

}  // namespace pinnace::apiserver::audit

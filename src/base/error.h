// Error says why an operation failed, in the terms of a Kubernetes client.
//
// Why: one shape serves every layer. `apiserver` turns it into a metav1.Status, `client` turns a
//   Status back into it, and a control loop reads `retry` to know what to do next.
// Source: Kubernetes API conventions, "Response Status Kind".
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace {

// What the caller should do after a failure.
enum class Retry {
  kNever,      // The request itself is wrong; the same request will fail again.
  kLater,      // A passing condition; the same request may succeed after a wait.
  kAfterRead,  // The caller's copy is old: read again, decide again, then write.
};

// One field that was wrong: `field` is a path such as `spec.containers[0].name`, `type` a
// metav1.CauseType such as "FieldValueRequired".
struct Cause {
  std::string type;
  std::string message;
  std::string field;
};

struct Error {
  int code = 500;             // The HTTP status.
  std::string reason;         // The metav1.StatusReason, such as "NotFound"; may be empty.
  std::string message;        // A sentence for a person.
  std::string group;          // details.group
  std::string kind;           // details.kind: the resource ("pods") or kind, as Kubernetes has it.
  std::string name;           // details.name
  std::string uid;            // details.uid
  std::vector<Cause> causes;  // details.causes
  int retry_after_seconds = 0;  // details.retryAfterSeconds
  bool has_details = false;     // There are details, though there may be nothing in them.
  Retry retry = Retry::kNever;

  bool is(std::string_view wanted_reason) const { return reason == wanted_reason; }
};

template <typename T = void>
using Result = std::expected<T, Error>;
using Unexpected = std::unexpected<Error>;

// Errors as Kubernetes shows several as one: "a", or "[a, b]" without repetitions; "" for none.
std::string aggregate_text(const std::vector<std::string>& errors);
// The same of causes, each as "field: message".
std::string aggregate_text(const std::vector<Cause>& causes);

// Makers for the failures that Kubernetes clients know. `resource` is "pods" or, with a group,
// "deployments.apps"; messages follow k8s.io/apimachinery/pkg/api/errors.
namespace errors {

Unexpected not_found(std::string_view resource, std::string_view name);
Unexpected already_exists(std::string_view resource, std::string_view name);
// "Operation cannot be fulfilled on RESOURCE "NAME": WHY"
Unexpected conflict(std::string_view resource, std::string_view name, std::string_view why);
Unexpected bad_request(std::string message);
Unexpected unauthorized(std::string message = "Unauthorized");
Unexpected forbidden(std::string_view resource, std::string_view name, std::string_view why);
// `kind` is "Pod" or "Deployment.apps"; the message lists every cause as "field: message".
Unexpected invalid(std::string_view kind, std::string_view name, std::vector<Cause> causes);
Unexpected method_not_supported(std::string_view resource, std::string_view action);
Unexpected not_acceptable(std::string message);
Unexpected unsupported_media_type(std::string message);
Unexpected too_large(std::string message);
Unexpected expired(std::string message);  // 410, reason Expired
Unexpected gone(std::string message);     // 410, reason Gone
Unexpected too_many_requests(std::string message, int retry_after_seconds);
Unexpected timeout(std::string message, int retry_after_seconds);
Unexpected unavailable(std::string message);  // 503, worth a retry
Unexpected internal(std::string message);     // 500
// What Kubernetes says when a handler failed in a way that has no reason: 500 and the sentence.
Unexpected unexplained(std::string message);
// What Kubernetes' router says of what it has no route for (404, 405; 406 and 415 in the words of
// `message`), and of a JSON patch that does not apply (422).
Unexpected unrouted(int code, std::string message = "");
// A failed system call: "WHAT: strerror(error_number)".
Unexpected system(std::string_view what, int error_number);

}  // namespace errors

// Causes as Kubernetes' field.Error words them.
namespace cause {

Cause required(std::string field, std::string_view detail = "");
Cause invalid(std::string field, std::string_view json_value, std::string_view detail);
// Where the value is too large to be shown.
Cause invalid_unshown(std::string field, std::string_view detail);
Cause duplicate_unshown(std::string field);
Cause not_supported(std::string field, std::string_view json_value,
                    const std::vector<std::string>& valid);
Cause duplicate(std::string field, std::string_view json_value);
Cause forbidden(std::string field, std::string_view detail);
Cause not_found(std::string field, std::string_view json_value);
Cause type_invalid(std::string field, std::string_view json_value, std::string_view detail);
Cause too_long(std::string field, std::size_t max_bytes);
Cause too_many(std::string field, std::size_t actual, std::size_t max_items);

}  // namespace cause

}  // namespace pinnace

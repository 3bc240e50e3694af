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

// What can fail is everywhere, and what failed is rare: the code for it is kept out of the way of
// the rest, and out of the processor's caches.
struct Error {
  [[gnu::cold]] Error();
  [[gnu::cold]] Error(int code, std::string reason, std::string message);
  [[gnu::cold]] Error(const Error&);
  [[gnu::cold]] Error(Error&&) noexcept;
  [[gnu::cold]] Error& operator=(const Error&);
  [[gnu::cold]] Error& operator=(Error&&) noexcept;
  [[gnu::cold]] ~Error();

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

[[gnu::cold]] Unexpected not_found(std::string_view resource, std::string_view name);
[[gnu::cold]] Unexpected already_exists(std::string_view resource, std::string_view name);
// "Operation cannot be fulfilled on RESOURCE "NAME": WHY"
[[gnu::cold]] Unexpected conflict(std::string_view resource, std::string_view name,
                                  std::string_view why);
[[gnu::cold]] Unexpected bad_request(std::string message);
[[gnu::cold]] Unexpected unauthorized(std::string message = "Unauthorized");
[[gnu::cold]] Unexpected forbidden(std::string_view resource, std::string_view name,
                                   std::string_view why);
// `kind` is "Pod" or "Deployment.apps"; the message lists every cause as "field: message".
[[gnu::cold]] Unexpected invalid(std::string_view kind, std::string_view name,
                                 std::vector<Cause> causes);
[[gnu::cold]] Unexpected method_not_supported(std::string_view resource, std::string_view action);
[[gnu::cold]] Unexpected not_acceptable(std::string message);
[[gnu::cold]] Unexpected unsupported_media_type(std::string message);
[[gnu::cold]] Unexpected too_large(std::string message);
[[gnu::cold]] Unexpected expired(std::string message);  // 410, reason Expired
[[gnu::cold]] Unexpected gone(std::string message);     // 410, reason Gone
[[gnu::cold]] Unexpected too_many_requests(std::string message, int retry_after_seconds);
[[gnu::cold]] Unexpected timeout(std::string message, int retry_after_seconds);
[[gnu::cold]] Unexpected unavailable(std::string message);  // 503, worth a retry
[[gnu::cold]] Unexpected internal(std::string message);     // 500
// What Kubernetes says when a handler failed in a way that has no reason: 500 and the sentence.
[[gnu::cold]] Unexpected unexplained(std::string message);
// What Kubernetes' router says of what it has no route for (404, 405; 406 and 415 in the words of
// `message`), and of a JSON patch that does not apply (422).
[[gnu::cold]] Unexpected unrouted(int code, std::string message = "");
// A failed system call: "WHAT: strerror(error_number)".
[[gnu::cold]] Unexpected system(std::string_view what, int error_number);

}  // namespace errors

// Causes as Kubernetes' field.Error words them.
namespace cause {

[[gnu::cold]] Cause required(std::string field, std::string_view detail = "");
[[gnu::cold]] Cause invalid(std::string field, std::string_view json_value,
                            std::string_view detail);
// Where the value is too large to be shown.
[[gnu::cold]] Cause invalid_unshown(std::string field, std::string_view detail);
[[gnu::cold]] Cause duplicate_unshown(std::string field);
[[gnu::cold]] Cause not_supported(std::string field, std::string_view json_value,
                                  const std::vector<std::string>& valid);
[[gnu::cold]] Cause duplicate(std::string field, std::string_view json_value);
[[gnu::cold]] Cause forbidden(std::string field, std::string_view detail);
[[gnu::cold]] Cause not_found(std::string field, std::string_view json_value);
[[gnu::cold]] Cause type_invalid(std::string field, std::string_view json_value,
                                 std::string_view detail);
[[gnu::cold]] Cause too_long(std::string field, std::size_t max_bytes);
[[gnu::cold]] Cause too_many(std::string field, std::size_t actual, std::size_t max_items);

}  // namespace cause

}  // namespace pinnace

// Call is one request under way, from its parse to its answer; and the ways to answer it.
//
// Lifetime: shared by the stages that still need it; the last one to go ends the request.
// Threads: one stage at a time owns it; a stage may hand it to another thread (the store's). Only
//   `time_out` and `is_over` are for any thread at any time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/authentication/user.h"
#include "apiserver/catalog/catalog.h"
#include "apiserver/fairness/turn.h"
#include "apiserver/http/deadlines.h"
#include "apiserver/http/media.h"
#include "apiserver/http/query.h"
#include "apiserver/http/request_info.h"
#include "base/error.h"
#include "base/metrics.h"
#include "net/http.h"
#include "store/store.h"

namespace pinnace::apiserver {

namespace audit {
class HeldExchange;
class Record;
}  // namespace audit

struct Call : std::enable_shared_from_this<Call> {
  net::Request request;
  std::shared_ptr<net::Exchange> exchange;
  std::shared_ptr<audit::HeldExchange> held;  // The same, where the audit log keeps answers back.
  Query query;
  RequestInfo info;
  User user;
  CatalogRef catalog;                           // Set where `resource` is of it.
  const api::ResourceInfo* resource = nullptr;  // as requested
  const api::ResourceInfo* storage =
      nullptr;  // of the version that is stored; null for virtual ones
  const api::SubresourceInfo* subresource = nullptr;
  Output output;
  std::vector<std::string> warnings;
  std::string audit_id;                  // The client's own, or one that was made for it.
  std::shared_ptr<audit::Record> audit;  // Null: nobody writes down what happens.
  std::string_view cache_control = "no-cache, private";
  std::size_t answer_bytes = 0;          // Of its body, or about as many.
  metrics::Series* under_way = nullptr;  // Where it is counted until then; null: nowhere.
  // Told the status of the answer, once.
  std::function<void(int status)> on_answer;
  bool closes_connection = false;   // An HTTP/2 client is to go elsewhere with its next requests.
  bool is_refused_at_gate = false;  // Then nobody is to guess what form the answer has.
  MonotonicTime received_at;
  std::optional<MonotonicTime> ends_at;  // None for what lasts.
  Deadlines::Entry deadline;
  fairness::Turn turn;

  ~Call();
  // Whether the answer is still to be given; whoever asks gives it now. Later answers are dropped.
  bool claim() { return !is_claimed_.exchange(true, std::memory_order_acq_rel); }
  // The head of the answer is given; the rest goes on as long as somebody holds on to the Call.
  void started(int status);
  // All of the answer is given.
  void finished(int status);
  bool is_over() const { return is_over_; }
  // Its time is up.
  void time_out();
  bool is_late() const { return is_late_.load(std::memory_order_acquire); }
  // Called on the exchange's loop after that. Set there.
  std::function<void()> on_late;

 private:
  std::atomic<bool> is_claimed_{false}, is_over_{false}, is_late_{false};
};
using CallRef = std::shared_ptr<Call>;

// "pods" or "deployments.apps", as error messages name a resource.
std::string resource_text(const api::ResourceInfo& resource);
std::string kind_text(const api::ResourceInfo& resource);

void answer_error(Call& call, const Error& error);
void answer_text(Call& call, int status, std::string_view content_type, std::string body);
void answer_json(Call& call, int status, std::shared_ptr<const std::string> json);
inline void answer_json(Call& call, int status, std::string json) {
  answer_json(call, status, std::make_shared<const std::string>(std::move(json)));
}
// A body that goes on by itself, and holds on to the Call.
void answer_stream(Call& call, int status, std::string_view content_type,
                   std::unique_ptr<net::Body> body);
// A body of about so many bytes. Large answers are compressed for those who take that.
void answer_body(Call& call, std::string_view content_type, std::unique_ptr<net::Body> body,
                 std::size_t about_bytes);
// The JSON of a Status, in the media that the client accepts.
void answer_status(Call& call, int code, std::string json);
// A tree in the requested version, in the media that the client accepts. `type` is what it is.
void answer_value(Call& call, int status, const api::TypeInfo* type, const api::Value& value);
// A stored object in the requested version and shape. Sends the store's bytes when nothing is to
// be changed in them.
void answer_object(Call& call, int status, const store::ObjectRef& object);

}  // namespace pinnace::apiserver

// Call is one request under way, from its parse to its answer; and the ways to answer it.
//
// Lifetime: shared by the stages that still need it; the last one to go ends the request.
// Threads: one stage at a time owns it; a stage may hand it to another thread (the store's).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/authentication/user.h"
#include "apiserver/catalog/catalog.h"
#include "apiserver/http/media.h"
#include "apiserver/http/query.h"
#include "apiserver/http/request_info.h"
#include "base/error.h"
#include "net/http.h"
#include "store/store.h"

namespace pinnace::apiserver {

namespace audit {
class Record;
}

struct Call {
  net::Request request;
  std::shared_ptr<net::Exchange> exchange;
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
  std::shared_ptr<audit::Record> audit;  // Null: nobody writes down what happens.
  // Told the status of the answer, once.
  std::function<void(int status)> on_answer;

  ~Call();
  void finished(int status);
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

#include "client/transport.h"

#include <utility>

namespace pinnace::client {

void Transport::send(const Request& request, Executor& executor,
                     std::function<void(Result<Response>)> done) {
  auto response = std::make_shared<Result<Response>>(round_trip(request));
  executor.post([response, done = std::move(done)] { done(std::move(*response)); });
}

}  // namespace pinnace::client

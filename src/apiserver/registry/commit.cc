#include "apiserver/registry/commit.h"

#include <utility>

namespace pinnace::apiserver {

void commit_write(Backend& backend, const Call& call, store::Write write, store::Store::Done done) {
  // Nobody asked: a loop of the server itself writes.
  if (!call.exchange) return backend.store().commit(std::move(write), std::move(done));
  backend.store().commit(std::move(write), [exchange = call.exchange, done = std::move(done)](
                                               Result<store::ObjectRef> result) mutable {
    exchange->resume([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  });
}

}  // namespace pinnace::apiserver

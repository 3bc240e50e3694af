// SliceWriter carries out what was planned for EndpointSlices, and knows which of its writes the
// informer has not shown yet.
//
// Lifetime: as long as its controller. Threads: belongs to the executor's thread.
#pragma once

#include <string>

#include "controllers/support/controller.h"
#include "controllers/support/expectations.h"
#include "controllers/support/slice_groups.h"
#include "controllers/support/types.h"

namespace pinnace::controllers {

class SliceWriter {
 public:
  SliceWriter(Context& context, std::string_view controller)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(controller)) {}

  // What the informer shows, of any slice.
  void observe(const SliceRef& before, const SliceRef& after);
  // Whether all that was written for this owner has been seen.
  bool is_settled(const std::string& owner);
  void forget(const std::string& owner) { expectations_.forget(owner); }
  // What keeps them from being written is told in an event about `about`, unless that has no name;
  // `shown` says what they are. That the namespace is going is no failure.
  Result<void> write(const std::string& owner, const SliceChanges& changes,
                     const core_v1::ObjectReference& about, const std::string& shown);

 private:
  Result<void> write_all(const std::string& owner, const SliceChanges& changes);
  MonotonicTime monotonic() const { return context_.executor.clock().monotonic(); }

  Context& context_;
  client::EventRecorder events_;
  Expectations expectations_;
};

}  // namespace pinnace::controllers

// SliceWriter carries out what was planned for EndpointSlices, and knows which of its writes the
// informer has not shown yet.
//
// Lifetime: as long as its controller. Threads: belongs to the executor's thread.
#pragma once

#include <string>

#include "controllers/support/controller.h"
#include "controllers/support/expectations.h"
#include "controllers/support/slice_groups.h"

namespace pinnace::controllers {

class SliceWriter {
 public:
  explicit SliceWriter(Context& context) : context_(context) {}

  // What the informer shows, of any slice.
  void observe(const SliceRef& before, const SliceRef& after);
  // Whether all that was written for this owner has been seen.
  bool is_settled(const std::string& owner);
  void forget(const std::string& owner) { expectations_.forget(owner); }
  Result<void> write(const std::string& owner, const SliceChanges& changes);

 private:
  MonotonicTime monotonic() const { return context_.executor.clock().monotonic(); }

  Context& context_;
  Expectations expectations_;
};

}  // namespace pinnace::controllers

// Sink keeps the events of the audit log somewhere: in a file, at a server.
//
// Threads: any; `add` never waits. Errors: what could not be kept is counted by the sink.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/audit/event.h"
#include "apiserver/configuration.h"
#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver::audit {

class Sink {
 public:
  using Stored = std::function<void(bool is_stored)>;
  virtual ~Sink() = default;
  // Null: whenever it is convenient. Else the event goes at once, and `stored` is told once, on any
  // thread, what came of it.
  virtual void add(const Event& event, Stored stored) = 0;
  // Sends on what waits; returns when it was kept, but after this time at the latest.
  virtual void drain(Duration at_most) = 0;
};

// 400 for limits that contradict each other, in kube-apiserver's words. An event comes alone, so
// that it is its own batch: all that is asked of a batch is to have room for one.
Result<void> check_limits(const AuditLimits& limits, std::string_view sink);

// The text of an event within the limits: without its bodies where it would be too large, and
// nothing where that does not help.
std::optional<std::string> limited_text(const Event& event, const AuditLimits& limits,
                                        std::string (*text)(const Event&));

}  // namespace pinnace::apiserver::audit

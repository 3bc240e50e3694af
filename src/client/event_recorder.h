// EventRecorder tells people what happened to an object: core/v1 Events.
//
// The same event again counts up the one that is there, as Kubernetes' does.
// Bounds: kMaxWaiting events wait to be sent, more are dropped and counted; kMaxKnown events are
//   remembered; about one object a component may say 25 things at once and then one in 300 s.
// Threads: `record` from any thread, never waits. Sending goes on the executor, one at a time.
// Errors: an event that cannot be sent is logged and dropped: nothing depends on events.
// Source: k8s.io/client-go/tools/record.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/types/core_v1.h"
#include "base/clock.h"
#include "base/rng.h"
#include "client/client.h"

namespace pinnace::client {

// What an Event is about. `field_path` may name a part, such as "spec.containers{web}".
template <typename T>
api::core_v1::ObjectReference make_reference(const T& object, std::string field_path = "") {
  constexpr const api::ResourceName& kind = T::kResource;
  api::core_v1::ObjectReference reference;
  reference.kind = kind.kind;
  reference.api_version = kind.group.empty()
                              ? std::string(kind.version)
                              : std::string(kind.group) + '/' + std::string(kind.version);
  reference.namespace_ = object.metadata.namespace_;
  reference.name = object.metadata.name;
  reference.uid = object.metadata.uid;
  reference.resource_version = object.metadata.resource_version;
  reference.field_path = std::move(field_path);
  return reference;
}

class EventRecorder {
 public:
  EventRecorder(const Client& client, Executor& executor, Rng& rng, std::string component,
                std::string host = "");
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;

  // `type` is "Normal" or "Warning".
  void record(const api::core_v1::ObjectReference& about, std::string_view type,
              std::string_view reason, std::string_view message);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::client

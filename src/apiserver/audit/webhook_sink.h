// WebhookSink sends events to a server, as EventLists: alone while somebody waits for them, else
// several together.
//
// Errors: a list that the server does not take in kAttempts attempts, each a while after the one
//   before, is dropped and counted.
// Bounds: `buffer_events` events and kMaxWaitingBytes wait, kMaxUnderWay lists are under way; what
//   comes on top is dropped and counted.
// Threads: any. Lifetime: what is under way when it goes is not waited for; see `drain`.
// Source: kubernetes.io/docs/tasks/debug/debug-cluster/audit, "Webhook backend".
#pragma once

#include <memory>

#include "apiserver/audit/sink.h"
#include "apiserver/webhook/webhook_client.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace pinnace::apiserver::audit {

class WebhookSink final : public Sink {
 public:
  static constexpr std::size_t kMaxWaitingBytes = 64u << 20;
  static constexpr std::size_t kMaxUnderWay = 64;
  static constexpr int kAttempts = 5;

  struct Options {
    WebhookClient& client;
    WebhookTargetRef target;
    AuditBatch batch;
    AuditLimits limits;
    Duration initial_backoff;
    Executor& executor;
    Rng& rng;
    metrics::Series& dropped;
  };
  explicit WebhookSink(Options options);
  ~WebhookSink() override;

  void add(const Event& event, Stored stored) override;
  void drain(Duration at_most) override;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace pinnace::apiserver::audit

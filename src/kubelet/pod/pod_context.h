// PodContext is what every pod's worker is given: the node's services, shared by all of them.
//
// Lifetime: outlives the workers. Threads: all that it points at may be used from any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "client/client.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/events.h"
#include "kubelet/http_fetcher.h"
#include "kubelet/pod/admission.h"
#include "kubelet/pod/backoff.h"
#include "kubelet/pod/configs.h"
#include "kubelet/pod/image_puller.h"
#include "kubelet/pod/service_links.h"
#include "kubelet/pod/status.h"
#include "kubelet/probes/prober.h"
#include "kubelet/stop_signal.h"
#include "kubelet/thread_pool.h"
#include "kubelet/volumes/volumes.h"

namespace pinnace::kubelet {

struct PodContext {
  const client::Client& api;
  cri::Runtime& runtime;
  Executor& executor;
  const Clock& clock;
  ThreadPool& pool;       // For what takes milliseconds.
  ThreadPool& slow_pool;  // For what may take long: pulls, hooks, graceful ends.
  Volumes& volumes;
  ImagePuller& puller;
  Backoff& crashes;
  Prober& prober;
  HttpFetcher& http;
  ServiceLinks& services;
  Admission& admission;
  StopSignal& stopping;
  EventSink events;
  NodeSettings node;
  std::string node_name, node_ip;
  std::int64_t node_cpu_milli = 0;
};

}  // namespace pinnace::kubelet

// run_hook runs a postStart or preStop action and waits for its end.
#pragma once

#include "kubelet/cri/runtime.h"
#include "kubelet/http_fetcher.h"
#include "kubelet/stop_signal.h"

namespace pinnace::kubelet {

// Blocks, at most for `limit` and until `stopping`. Errors: 500 with what the command said, or how
// the request failed.
Result<void> run_hook(cri::Runtime& runtime, HttpFetcher& http, const core::LifecycleHandler& hook,
                      const core::Container& container, const std::string& container_id,
                      const std::string& pod_ip, Duration limit, StopSignal& stopping);

}  // namespace pinnace::kubelet

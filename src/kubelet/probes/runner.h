// make_probe_runner gives the real tries: exec in the container, HTTP, TCP.
//
// Threads: as ProbeRunner; exec probes use the pool.
#pragma once

#include "kubelet/cri/runtime.h"
#include "kubelet/http_fetcher.h"
#include "kubelet/probes/prober.h"
#include "kubelet/thread_pool.h"

namespace pinnace::kubelet {

ProbeRunner make_probe_runner(cri::Runtime& runtime, HttpFetcher& http, ThreadPool& pool);

}  // namespace pinnace::kubelet

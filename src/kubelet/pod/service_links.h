// ServiceLinks gives containers the variables that name the Services of their namespace.
//
// Threads: `environment` from any; the informer belongs to the executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "client/informer.h"
#include "kubelet/pod/env.h"

namespace pinnace::kubelet {

class ServiceLinks {
 public:
  ServiceLinks(const client::Client& api, Executor& executor);
  void on_synced(std::function<void()> handler) { services_.on_synced(std::move(handler)); }
  void start() { services_.start(); }
  void stop() { services_.stop(); }
  // Only `kubernetes` of the default namespace when the pod wants no links.
  Environment environment(const core::Pod& pod) const;

 private:
  client::Informer<core::Service> services_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const core::Service>> known_;  // "ns/name"
};

}  // namespace pinnace::kubelet

// ObjectCache holds the ConfigMaps or Secrets that the node's pods name, each with a watch of its
// own.
//
// Why one watch per object: a node may read only what its pods use, and sees changes in seconds.
// Threads: any. The watches belong to the executor.
// Lifetime: `stop` before the executor ends. Bounds: one watch per object that some pod names.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/informer.h"

namespace pinnace::kubelet {

template <typename T>
class ObjectCache {
 public:
  using Ref = std::shared_ptr<const T>;
  // `changed(pod_uid)` runs on the executor when an object that the pod names has changed.
  ObjectCache(const client::Client& api, Executor& executor,
              std::function<void(const std::string& pod_uid)> changed)
      : api_(api), executor_(executor), changed_(std::move(changed)) {}

  // From now on this pod names exactly these objects of its namespace.
  void retain(const std::string& pod_uid, const std::string& ns,
              const std::set<std::string>& names) {
    const std::lock_guard lock(mutex_);
    for (const auto& name : names) {
      Entry& entry = entries_[ns + '/' + name];
      if (!entry.watch) begin(ns, name, entry);
      entry.pods.insert(pod_uid);
    }
    for (auto it = entries_.begin(); it != entries_.end();) {
      const bool wanted =
          it->first.starts_with(ns + '/') && names.contains(it->first.substr(ns.size() + 1));
      if (!wanted) it->second.pods.erase(pod_uid);
      if (it->second.pods.empty()) {
        end(it->second);
        it = entries_.erase(it);
      } else {
        ++it;
      }
    }
  }
  void release(const std::string& pod_uid) { retain(pod_uid, "", {}); }

  // From memory, or from the server when it is not there. 404 when there is none.
  Result<Ref> get(const std::string& ns, const std::string& name) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(ns + '/' + name);
      if (found != entries_.end() && found->second.object) return found->second.object;
    }
    auto object = api_.template get<T>(ns, name);
    if (!object) return std::unexpected(std::move(object.error()));
    return std::make_shared<const T>(std::move(*object));
  }

  // On the executor's thread, or when it no longer runs.
  void stop() {
    const std::lock_guard lock(mutex_);
    for (auto& [key, entry] : entries_) {
      if (entry.watch) entry.watch->stop();
    }
    entries_.clear();
  }

 private:
  using Watch = client::Informer<T>;
  struct Entry {
    std::shared_ptr<Watch> watch;
    std::set<std::string> pods;
    Ref object;
  };

  void begin(const std::string& ns, const std::string& name, Entry& entry) {
    entry.watch = std::make_shared<Watch>(api_, executor_,
                                          client::ListOptions{ns, "", "metadata.name=" + name});
    entry.watch->on_transition(
        [this, key = ns + '/' + name](const Ref&, const Ref& after) { accept(key, after); });
    executor_.post([watch = entry.watch] { watch->start(); });
  }
  void end(Entry& entry) {
    executor_.post([watch = std::move(entry.watch)] { watch->stop(); });
  }
  void accept(const std::string& key, const Ref& after) {
    std::set<std::string> pods;
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(key);
      if (found == entries_.end()) return;
      found->second.object = after;
      pods = found->second.pods;
    }
    for (const auto& uid : pods) changed_(uid);
  }

  const client::Client& api_;
  Executor& executor_;
  std::function<void(const std::string&)> changed_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace pinnace::kubelet

// NodeAuthorizer says which Secrets, ConfigMaps and volumes a node's agent may read: those that a
// pod on its node refers to.
//
// Why: the role of nodes names kinds; without this, one node that is taken over would hold every
//   Secret of the cluster.
// Why lazily: the watch only marks the index as stale; the next question takes the changes in.
// Threads: any. Bounds: a few texts for each pod.
// Source: kubernetes.io/docs/reference/access-authn-authz/node.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/value.h"
#include "apiserver/authentication/user.h"
#include "apiserver/authorization/rbac.h"
#include "store/store.h"

namespace pinnace::apiserver {

// The node that a node's agent speaks for; "" for everybody else.
std::string node_of(const User& user);

// "secrets/NS/NAME", "configmaps/...", "persistentvolumeclaims/..." for all that a pod refers to.
std::set<std::string> references_of_pod(const api::Value& pod);

class NodeAuthorizer {
 public:
  explicit NodeAuthorizer(store::Store& store) : store_(store) {}

  // Whether the node may read what `wanted` asks for. True for kinds that nodes read freely.
  bool allows(const std::string& node, const Attributes& wanted);

 private:
  struct Pod {
    std::string node;
    std::set<std::string> references;
  };

  void refresh();
  void reload();
  bool take_in();
  void add(const store::Object& object);
  void remove(const std::string& key);
  bool refers(const std::string& node, const std::string& reference);

  store::Store& store_;
  std::atomic<bool> stale_{true};
  std::mutex mutex_;
  std::map<std::string, Pod> pods_;  // By "ns/name".
  // How many pods of a node refer to a thing.
  std::map<std::string, std::map<std::string, std::size_t>> by_node_;
  std::unique_ptr<store::Watcher> watcher_;
};

}  // namespace pinnace::apiserver

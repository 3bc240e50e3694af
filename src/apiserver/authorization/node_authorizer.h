// NodeAuthorizer says what a node's agent may do: what its rules name, but of Secrets, ConfigMaps,
// volumes, claims, pods and tokens only those that a pod on its node refers to.
//
// Why: rules name kinds; without this, one node that is taken over would hold every Secret of the
//   cluster.
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
#include "apiserver/authorization/authorizer.h"
#include "store/store.h"

namespace pinnace::apiserver {

// Whether the user is a node's agent. It is one even where its name says no node.
bool is_node(const User& user);
// The node that a node's agent speaks for; "" for everybody else.
std::string node_of(const User& user);

// "secrets/NS/NAME", "configmaps/...", "persistentvolumeclaims/..." for all that a pod refers to.
std::set<std::string> references_of_pod(const api::Value& pod);

class NodeAuthorizer final : public Authorizer {
 public:
  // `rules`: what every node may do where nothing finer is known.
  NodeAuthorizer(store::Store& store, std::vector<Rule> rules)
      : store_(store), rules_(std::move(rules)) {}

  std::optional<Decision> decide(const User& user, const Attributes& wanted, bool explain) override;
  void list_rules(const User& user, const std::string& ns, RuleSet& out) override;

 private:
  struct Pod {
    std::string node;
    std::set<std::string> references;
  };

  Decision of_node(const std::string& node, const Attributes& wanted);
  Decision of_slice(const std::string& node, const Attributes& wanted);
  Decision of_pod_certificate(const std::string& node, const Attributes& wanted);
  Decision of_pod(const std::string& node, const Attributes& wanted);
  // Whether the object that is asked about is one of the node's.
  Decision related(const std::string& node, const Attributes& wanted);
  bool is_related(const std::string& node, const Attributes& wanted);

  void refresh();
  void reload();
  bool take_in();
  void add(const store::Object& object);
  void remove(const std::string& key);
  bool refers(const std::string& node, const std::string& reference);
  bool volume_refers(const std::string& node, const std::string& secret_ns,
                     const std::string& secret);
  bool claim_refers(const std::string& node, const api::Value& volume);

  store::Store& store_;
  const std::vector<Rule> rules_;
  std::atomic<bool> stale_{true};
  std::mutex mutex_;
  std::map<std::string, Pod> pods_;  // By "ns/name".
  // How many pods of a node refer to a thing.
  std::map<std::string, std::map<std::string, std::size_t>> by_node_;
  std::unique_ptr<store::Watcher> watcher_;
};

}  // namespace pinnace::apiserver

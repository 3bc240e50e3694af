// NodeAuthorizer says what a node's agent may do: what its rules name, but of Secrets, ConfigMaps,
// volumes, claims, pods and tokens only those that a pod on its node refers to.
//
// Why: rules name kinds; without this, one node that is taken over would hold every Secret of the
//   cluster.
// Why lazily: the watch only marks the index as stale; the next question takes the changes in.
// Threads: any. Bounds: a few texts for each pod and for each volume that names Secrets.
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
#include "store/follower.h"

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
  NodeAuthorizer(store::Store& store, std::vector<Rule> rules);

  std::optional<Decision> decide(const User& user, const Attributes& wanted, bool explain) override;
  void list_rules(const User& user, const std::string& ns, RuleSet& out) override;

 private:
  struct Pod {
    std::string node;
    std::set<std::string> references;
  };
  // A PersistentVolume that names Secrets.
  struct Volume {
    std::string claim;
    std::vector<std::string> secrets;
  };

  Decision of_node(const std::string& node, const Attributes& wanted);
  Decision of_slice(const std::string& node, const Attributes& wanted);
  Decision of_pod_certificate(const std::string& node, const Attributes& wanted);
  Decision of_pod(const std::string& node, const Attributes& wanted);
  // Whether the object that is asked about is one of the node's.
  Decision related(const std::string& node, const Attributes& wanted);
  bool is_related(const std::string& node, const Attributes& wanted);

  // These need the mutex.
  void refresh();
  void take_pod_event(const store::Event& event);
  void add_pod(const store::Object& object);
  void remove_pod(const store::Key& key);
  void add_volume(const store::Object& object);
  void remove_volume(const std::string& name);
  bool refers(const std::string& node, const std::string& reference) const;
  // Whether a volume that names the Secret is of a claim of the node.
  bool volume_refers(const std::string& node, const std::string& secret) const;

  store::Store& store_;
  const std::vector<Rule> rules_;
  std::atomic<bool> stale_{true};
  std::mutex mutex_;
  std::map<std::string, Pod> pods_;        // By "ns/name".
  std::map<std::string, Volume> volumes_;  // By name.
  // How many pods of a node refer to a thing.
  std::map<std::string, std::map<std::string, std::size_t>> by_node_;
  // By Secret: the claims whose volumes name it.
  std::map<std::string, std::multiset<std::string>> claims_of_secret_;
  store::Follower pod_follower_, volume_follower_;  // The first to go: they set stale_.
};

}  // namespace pinnace::apiserver

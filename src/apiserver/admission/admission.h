// Admission: what the cluster as a whole has to say about a request that changes something, in a
// fixed order and in two passes: first the plugins that may change the object, before its kind's
// strategy; then, once it is valid, those that only judge it.
//
// Why a table: which plugins there are, in which order and whether they are on stands in
//   plugin_table.cc and nowhere else. A plugin is a folder here and a row there.
// Threads: a pass begins on the caller's thread; a plugin that asks others may go on on another.
// Errors: the first plugin that refuses ends the request with its Error.
// Source: kubernetes.io/docs/reference/access-authn-authz/admission-controllers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission_times.h"
#include "apiserver/configuration.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

struct Attributes;

enum class Operation : unsigned { kCreate = 1, kUpdate = 2, kDelete = 4, kConnect = 8 };
inline constexpr unsigned kCreates = static_cast<unsigned>(Operation::kCreate);
inline constexpr unsigned kUpdates = static_cast<unsigned>(Operation::kUpdate);
inline constexpr unsigned kDeletes = static_cast<unsigned>(Operation::kDelete);
inline constexpr unsigned kConnects = static_cast<unsigned>(Operation::kConnect);
inline constexpr unsigned kWrites = kCreates | kUpdates;
inline constexpr unsigned kAnyOperation = kWrites | kDeletes | kConnects;

// What a plugin keeps between requests.
struct PluginState {
  virtual ~PluginState() = default;
};

// Mutating webhooks and policies may be asked once more about what others changed after them.
struct Reinvocation {
  bool is_second = false;
  bool is_wanted = false;
  // Of one plugin, by its name.
  struct Round {
    std::set<std::string> invoked, again;
    std::string last_output;
    void require() {
      again.insert(invoked.begin(), invoked.end());
      invoked.clear();
    }
  };
  std::map<std::string_view, Round> rounds;
};

struct AdmissionRequest {
  Change& change;
  Operation operation;
  api::Value* object;     // In the storage version. Null for kDelete.
  const api::Value* old;  // Null for kCreate and kConnect.
  // The kind of the objects where the subresource has one of its own: Scale, Eviction,
  // PodExecOptions. Null: that of the resource.
  const api::SubresourceInfo* own_kind = nullptr;
  PluginState* state = nullptr;  // Of the plugin that is asked.
  Reinvocation reinvocation = {};
  bool was_changed = false;  // By webhooks or policies of others.

  bool is(Operation wanted) const { return operation == wanted; }
  std::string_view resource() const { return change.storage.storage_resource; }
};
// Holds on to what the request refers to.
using AdmissionRequestRef = std::shared_ptr<AdmissionRequest>;
using AdmissionDone = std::function<void(Result<void>)>;

struct AdmissionPlugin {
  std::string_view name;  // As kube-apiserver's flags name it.
  // Storage resources with spaces between them; empty: every kind.
  std::string_view resources;
  // Empty: requests to the object itself; "*": to subresources, too; else to these and the object.
  std::string_view subresources;
  unsigned operations;  // Of Operation.
  // A plugin has those that it needs. What judges must not change the object.
  Result<void> (*mutate)(AdmissionRequest&) = nullptr;
  Result<void> (*validate)(AdmissionRequest&) = nullptr;
  // For those who ask others: `done` is called once, now or later, on any thread.
  void (*mutate_by_asking)(const AdmissionRequestRef&, AdmissionDone done) = nullptr;
  void (*validate_by_asking)(const AdmissionRequestRef&, AdmissionDone done) = nullptr;
  // Makes its state, when the server starts, from its part of the admission configuration file
  // (nullptr: none). 400 for a configuration that is wrong.
  Result<std::unique_ptr<PluginState>> (*configure)(Backend&, const api::Value*) = nullptr;
};

// The plugins that are on.
class AdmissionChain {
 public:
  // 400 naming a plugin that there is not, or what is wrong in a plugin's configuration.
  static Result<AdmissionChain> create(Backend& backend);

  void mutate(const AdmissionRequestRef& request, AdmissionDone done) const;
  void validate(const AdmissionRequestRef& request, AdmissionDone done) const;
  // Both passes, for what has no strategy in between.
  void admit(const AdmissionRequestRef& request, AdmissionDone done) const;
  bool has(std::string_view plugin) const;

 private:
  struct Link {
    const AdmissionPlugin* plugin;
    std::vector<std::string_view> resources, subresources;  // The plugin's.
    std::unique_ptr<AdmissionTimes> times;
    std::unique_ptr<PluginState> state;

    bool concerns(const AdmissionRequest& request) const;
  };
  using Pass = AdmissionPass;
  void run(Pass pass, const AdmissionRequestRef& request, std::size_t from,
           AdmissionDone done) const;
  // Notes how long the pass took before it tells.
  AdmissionDone timed(Pass pass, const AdmissionRequestRef& request, AdmissionDone done) const;

  std::vector<Link> links_;
  std::unique_ptr<AdmissionTimes> step_times_;
};

// 403: the object "is forbidden: WHY".
Unexpected admission_refusal(const Change& change, std::string_view why);

// Asks whether the request's user may do this.
bool may_user(const AdmissionRequest& request, const Attributes& wanted);

}  // namespace pinnace::apiserver

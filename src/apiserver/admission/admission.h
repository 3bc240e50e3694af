// Admission: what the cluster as a whole has to say about a request that changes something, in a
// fixed order and in two passes: first the plugins that may change the object, before its kind's
// strategy; then, once it is valid, those that only judge it.
//
// Why a table: which plugins there are, in which order, what they look at and whether they are on
//   stands in admission.cc and nowhere else.
// Threads: a pass begins on the caller's thread; a plugin that asks others may go on on another.
// Errors: the first plugin that refuses ends the request with its Error.
// Source: kubernetes.io/docs/reference/access-authn-authz/admission-controllers.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "apiserver/configuration.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

enum class Operation : unsigned { kCreate = 1, kUpdate = 2, kDelete = 4, kConnect = 8 };

struct AdmissionRequest {
  Change& change;
  Operation operation;
  api::Value* object;     // In the storage version. Null for kDelete.
  const api::Value* old;  // Null for kCreate and kConnect.
};
// Holds on to what the request refers to.
using AdmissionRequestRef = std::shared_ptr<AdmissionRequest>;
using AdmissionDone = std::function<void(Result<void>)>;

struct AdmissionPlugin {
  std::string_view name;  // As flags name it.
  bool is_on_by_default;
  std::string_view storage_resource;  // Empty: every kind.
  unsigned operations;                // Of Operation.
  // A plugin has those that it needs. What judges must not change the object.
  Result<void> (*mutate)(AdmissionRequest&) = nullptr;
  Result<void> (*validate)(AdmissionRequest&) = nullptr;
  // For those who ask others: `done` is called once, now or later, on any thread.
  void (*mutate_by_asking)(const AdmissionRequestRef&, AdmissionDone done) = nullptr;
  void (*validate_by_asking)(const AdmissionRequestRef&, AdmissionDone done) = nullptr;
};

// Every plugin that there is, in the order in which they run.
std::span<const AdmissionPlugin> admission_plugins();

// The plugins that are on.
class AdmissionChain {
 public:
  // 400 naming a plugin that there is not.
  static Result<AdmissionChain> create(const Configuration& configuration);

  void mutate(const AdmissionRequestRef& request, AdmissionDone done) const;
  void validate(const AdmissionRequestRef& request, AdmissionDone done) const;

 private:
  enum class Pass { kMutate, kValidate };
  void run(Pass pass, const AdmissionRequestRef& request, std::size_t from,
           AdmissionDone done) const;

  std::vector<const AdmissionPlugin*> plugins_;
};

// 403: the object "is forbidden: WHY".
Unexpected admission_refusal(const Change& change, std::string_view why);

}  // namespace pinnace::apiserver

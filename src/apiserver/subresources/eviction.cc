#include "apiserver/subresources/eviction.h"

#include "api/json.h"
#include "api/selector.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/subresource_admission.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/commit.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/registry/write_options.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kBudgets = "policy/poddisruptionbudgets";
constexpr int kMaxAttempts = 8;
constexpr std::size_t kMaxDisrupted = 2000;

struct Eviction {
  BackendRef backend;
  CallRef call;
  Deletion deletion;
  int attempt = 0;
};
using EvictionRef = std::shared_ptr<Eviction>;

void delete_pod(const EvictionRef& eviction) {
  run_deletion(eviction->backend, eviction->call, key_of(*eviction->call), eviction->deletion,
               [call = eviction->call](const Result<store::ObjectRef>& done, bool) {
                 if (!done) return answer_error(*call, done.error());
                 answer_status(*call, 201, created_json());
               });
}

// Says in the pod's status why it goes.
void set_disrupted(Change& change, api::Value& pod) {
  constexpr std::string_view kType = "DisruptionTarget";
  const auto text = [](std::string_view words) { return api::Value::string_ref(words); };
  api::Value condition = api::Value::object();
  condition.set_ref(change.arena, "type", text(kType));
  condition.set_ref(change.arena, "status", text("True"));
  condition.set_ref(change.arena, "lastProbeTime", api::Value::null());
  condition.set_ref(change.arena, "lastTransitionTime", change.text(rfc3339(change.backend.now())));
  condition.set_ref(change.arena, "reason", text("EvictionByEvictionAPI"));
  condition.set_ref(change.arena, "message", text("Eviction API: evicting"));
  api::Value conditions = api::Value::array();
  for (const auto& one : items_at(pod.find("status"), "conditions")) {
    if (one.string_at("type") != kType) {
      conditions.append(change.arena, one);
    } else if (one.string_at("status") == "True") {
      const auto* since = one.find("lastTransitionTime");
      if (since != nullptr) condition.set_ref(change.arena, "lastTransitionTime", *since);
    }
  }
  conditions.append(change.arena, condition);
  pod.ensure_object(change.arena, "status").set_ref(change.arena, "conditions", conditions);
}

Result<void> check_preconditions(const Deletion& deletion, const api::Value& pod) {
  const std::string_view name = meta_text(pod, "name");
  const auto check = [&](const char* what, const std::optional<std::string>& wanted,
                         std::string_view there, const char* became) -> Result<void> {
    if (!wanted || wanted->empty() || *wanted == there) return {};
    return errors::conflict("Pod", std::string(name),
                            std::string("the ") + what + " in the precondition (" + *wanted +
                                ") does not match the " + what + " in record (" +
                                std::string(there) + "). The object might have been " + became);
  };
  auto ok = check("UID", deletion.uid, meta_text(pod, "uid"), "deleted and then recreated");
  if (!ok) return ok;
  return check("ResourceVersion", deletion.revision, meta_text(pod, "resourceVersion"), "modified");
}

// With its status changed first.
void remove_pod(const EvictionRef& eviction) {
  if (eviction->deletion.dry_run) return delete_pod(eviction);
  Update update;
  update.subresource = "status";
  update.is_admitted = true;
  update.ownership = Ownership::kUntouched;
  update.apply = [eviction](Change& change, api::Value& pod, const api::Value& old) {
    auto ok = check_preconditions(eviction->deletion, old);
    if (ok) set_disrupted(change, pod);
    return ok;
  };
  update.answer = [eviction](Call&, const store::ObjectRef& pod) {
    // What the client had seen is what we have changed.
    auto& revision = eviction->deletion.revision;
    if (revision && !revision->empty()) revision = std::to_string(pod->revision);
    delete_pod(eviction);
  };
  run_update(eviction->backend, eviction->call, key_of(*eviction->call), std::move(update));
}

bool has_condition(const api::Value& pod, std::string_view type) {
  const auto* conditions = pod.find_path({"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const auto& one : conditions->items()) {
    if (one.string_at("type") == type) return one.string_at("status") == "True";
  }
  return false;
}

// A pod that does no work yet, or no more, disrupts nothing.
bool needs_no_budget(const api::Value& pod) {
  const auto* status = pod.find("status");
  const std::string_view phase = status == nullptr ? "" : status->string_at("phase");
  return phase == "Pending" || phase == "Succeeded" || phase == "Failed" || is_being_deleted(pod);
}

// A pod that is not ready may go when its budget does not count on it.
bool may_go_unready(const api::Value& pod, const api::Value& budget) {
  if (has_condition(pod, "Ready")) return false;
  const auto* spec = budget.find("spec");
  const auto* status = budget.find("status");
  if (spec != nullptr && spec->string_at("unhealthyPodEvictionPolicy") == "AlwaysAllow")
    return true;
  return status != nullptr && status->int_at("desiredHealthy") > 0 &&
         status->int_at("currentHealthy") >= status->int_at("desiredHealthy");
}

Unexpected refusal(std::string why, int retry_after_seconds = 0) {
  auto refused = errors::too_many_requests(
      "Cannot evict pod as it would violate the pod's disruption budget.", retry_after_seconds);
  refused.error().causes.push_back({"DisruptionBudget", std::move(why), ""});
  return refused;
}

// Why a budget allows no disruption.
std::string why_not(const api::Value& status) {
  const std::int64_t healthy = status.int_at("currentHealthy");
  const std::int64_t desired = status.int_at("desiredHealthy");
  if (healthy <= desired) {
    return " needs " + std::to_string(desired) + " healthy pods and has " +
           std::to_string(healthy) + " currently";
  }
  for (const auto& condition : items_at(&status, "conditions")) {
    if (condition.string_at("type") == "DisruptionAllowed" &&
        condition.string_at("status") == "False" && condition.string_at("reason") == "SyncFailed") {
      return " does not allow evicting pods currently because it failed sync: " +
             std::string(condition.string_at("message"));
    }
  }
  return " does not allow evicting pods currently";
}

// Takes one disruption out of the budget, on paper.
Result<void> take_disruption(api::Arena& arena, api::Value& budget, const std::string& name,
                             const std::string& pod, WallTime now) {
  api::Value& status = budget.ensure_object(arena, "status");
  const std::int64_t allowed = status.int_at("disruptionsAllowed");
  if (status.int_at("observedGeneration") < budget.find("metadata")->int_at("generation")) {
    constexpr int kSoon = 10;
    return refusal("The disruption budget " + name + " is still being processed by the server.",
                   kSoon);
  }
  constexpr std::string_view kResource = "poddisruptionbudget.policy";
  if (allowed < 0) {
    return errors::forbidden(kResource, name, "pdb disruptions allowed is negative");
  }
  api::Value& disrupted = status.ensure_object(arena, "disruptedPods");
  if (disrupted.size() > kMaxDisrupted) {
    return errors::forbidden(kResource, name,
                             "DisruptedPods map too big - too many evictions not confirmed by PDB "
                             "controller");
  }
  if (allowed == 0) return refusal("The disruption budget " + name + why_not(status));
  status.set_ref(arena, "disruptionsAllowed", api::Value::integer(allowed - 1));
  disrupted.set(arena, pod, api::Value::string(arena, rfc3339(now)));
  return {};
}

// The budgets that select the pod.
std::vector<store::ObjectRef> budgets_of(Backend& backend, const std::string& ns,
                                         const api::Value& pod) {
  std::vector<store::ObjectRef> out;
  auto budgets = backend.store().list(kBudgets, ns);
  if (!budgets) return out;
  const auto* labels = pod.find_path({"metadata", "labels"});
  for (auto& object : budgets->objects) {
    api::Arena arena;
    const auto budget = parse_stored(arena, *object);
    if (!budget) continue;
    const auto selector = api::label_selector_of(budget->find_path({"spec", "selector"}));
    if (selector && selector->matches(labels)) out.push_back(std::move(object));
  }
  return out;
}

void evict(const EvictionRef& eviction);

// Writes the budget down before the pod goes, so that two evictions cannot share one disruption.
void charge(const EvictionRef& eviction, const store::Object& stored, const api::Value& budget) {
  SplitJson parts = split_json(budget);
  store::Write write{
      store::Write::Type::kUpdate, stored.key,      stored.uid, std::move(parts.head),
      std::move(parts.tail),       stored.revision, true};
  commit_write(*eviction->backend, *eviction->call, std::move(write),
               [eviction](const Result<store::ObjectRef>& done) {
                 if (done) return remove_pod(eviction);
                 const Error& error = done.error();
                 const bool again = error.is("Conflict") && ++eviction->attempt < kMaxAttempts;
                 if (again || error.is("NotFound")) return evict(eviction);
                 answer_error(*eviction->call, refusal("the budget changed too often").error());
               });
}

void evict(const EvictionRef& eviction) {
  Call& call = *eviction->call;
  Backend& backend = *eviction->backend;
  api::Arena arena;
  const auto stored = backend.store().get(key_of(call));
  if (!stored) return answer_error(call, errors::not_found("pods", call.info.name).error());
  const auto pod = parse_stored(arena, **stored);
  if (!pod) return answer_error(call, pod.error());
  if (needs_no_budget(*pod)) return remove_pod(eviction);
  const auto budgets = budgets_of(backend, call.info.ns, *pod);
  if (budgets.empty()) return remove_pod(eviction);
  if (budgets.size() > 1) {
    // The eviction was heard, and has failed.
    return answer_status(
        call, 201,
        status_json(errors::unexplained("This pod has more than one PodDisruptionBudget, which the "
                                        "eviction subresource does not support.")
                        .error()));
  }
  auto budget = parse_stored(arena, *budgets[0]);
  if (!budget) return answer_error(call, budget.error());
  if (may_go_unready(*pod, *budget)) return remove_pod(eviction);
  auto ok = take_disruption(arena, *budget, budgets[0]->key.name, call.info.name, backend.now());
  if (!ok) return answer_error(call, ok.error());
  if (eviction->deletion.dry_run) return remove_pod(eviction);
  charge(eviction, *budgets[0], *budget);
}

Result<Deletion> read_eviction(SubresourceAdmission& admission) {
  Call& call = *admission.call;
  Deletion deletion;
  const auto* type = api::builtin_schema().find_type("policy", "v1", "Eviction");
  auto body = read_message(call, admission.arena, *type, {"policy/v1", "policy/v1beta1"});
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto took = admission.take(*body); !took) return std::unexpected(std::move(took.error()));
  if (meta_text(*body, "name") != call.info.name) {
    return errors::bad_request("name in URL does not match name in Eviction object");
  }
  if (const auto* options = body->find("deleteOptions"); options && options->is_object()) {
    deletion.grace_seconds = options->int_at("gracePeriodSeconds", -1);
    deletion.propagation = options->string_at("propagationPolicy");
    read_preconditions(deletion, options->find("preconditions"));
    if (const auto* dry = options->find("dryRun")) deletion.dry_run = !dry->empty();
  }
  deletion.dry_run = is_dry_run(call) || deletion.dry_run;
  deletion.is_admitted = true;  // By what is asked about the Eviction.
  return deletion;
}

}  // namespace

void evict_pod(const BackendRef& backend, const CallRef& call) {
  if (auto ok = check_write_options(*call, WriteKind::kCreate); !ok) {
    return answer_error(*call, ok.error());
  }
  auto admission =
      std::make_shared<SubresourceAdmission>(backend, call, Operation::kCreate, call->subresource);
  auto deletion = read_eviction(*admission);
  if (!deletion) return answer_error(*call, deletion.error());
  admission->change.dry_run = deletion->dry_run;
  auto eviction = std::make_shared<Eviction>(Eviction{backend, call, std::move(*deletion)});
  admit_subresource(admission, [eviction] { evict(eviction); });
}

}  // namespace pinnace::apiserver

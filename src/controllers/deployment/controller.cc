#include "controllers/deployment/controller.h"

#include "controllers/deployment/plan.h"
#include "controllers/deployment/rollback.h"
#include "controllers/deployment/status.h"
#include "controllers/informers.h"
#include "controllers/support/errors.h"
#include "controllers/support/patches.h"
#include "controllers/support/selectors.h"
#include "controllers/support/times.h"

namespace pinnace::controllers {
namespace {

using deployment::Deployment;
using deployment::ReplicaSet;
using deployment::Scale;
using deployment::SetRef;
using deployment::Sets;
using deployment::Status;

constexpr std::string_view kName = "deployment-controller";

class DeploymentController : public Controller {
 public:
  explicit DeploymentController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    auto& informers = context.informers;
    informers.deployments.on_change([this](const std::string& key) { worker_.add(key); });
    informers.replica_sets.on_transition([this](const SetRef& before, const SetRef& after) {
      if (before) wake_owner(before->metadata);
      if (!after) return;
      wake_owner(after->metadata);
      if (controller_of(after->metadata) == nullptr) wake_selecting(*after);
    });
    // Recreate waits for the last old pod to be gone.
    informers.pods.on_transition([this](const PodRef& before, const PodRef& after) {
      if (before && (!after || is_finished(*after))) wake_deployment_of(*before);
    });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.deployments); },
                  std::chrono::minutes(10));
  }

 private:
  void wake_owner(const meta_v1::ObjectMeta& meta) {
    const auto* owner = controller_of(meta);
    if (owner != nullptr && owner->kind == "Deployment") {
      worker_.add(meta.namespace_ + '/' + owner->name);
    }
  }

  void wake_selecting(const ReplicaSet& set) {
    for (const auto& candidate :
         context_.informers.deployments.in_namespace(set.metadata.namespace_)) {
      if (matches(candidate->spec.selector, set.metadata.labels)) {
        worker_.add(key_of(candidate->metadata));
      }
    }
  }

  void wake_deployment_of(const core_v1::Pod& pod) {
    const auto* owner = controller_of(pod.metadata);
    if (owner == nullptr || owner->kind != "ReplicaSet") return;
    const auto set =
        context_.informers.replica_sets.get(pod.metadata.namespace_ + '/' + owner->name);
    if (set) wake_owner(set->metadata);
  }

  Result<void> sync(const std::string& key) {
    const auto found = context_.informers.deployments.get(key);
    if (!found) return {};
    Deployment current = *found;
    if (!current.spec.selector || is_empty(*current.spec.selector)) return refuse(current);
    auto owned = claim<ReplicaSet>(
        context_.api, current,
        context_.informers.replica_sets_by_owner.candidates(current.metadata),
        [&](const ReplicaSet& set) { return matches(current.spec.selector, set.metadata.labels); });
    if (!owned) return std::unexpected(owned.error());
    Sets sets = deployment::sort_sets(current, *owned);
    if (!current.metadata.deletion_timestamp.is_zero()) {
      return write_status(key, current,
                          deployment::plan_scaled_status(current, sets, context_.now()));
    }
    if (auto paused = deployment::plan_paused_status(current, context_.now())) {
      if (auto written = write_status(key, current, std::move(*paused)); !written) return written;
    }
    if (!current.spec.paused && current.metadata.annotations.contains(deployment::kRollbackTo)) {
      return roll_back(key, current, sets);
    }
    if (current.spec.paused || deployment::is_scaling(current, sets)) {
      return resize(key, current, sets);
    }
    return current.spec.strategy.type == "Recreate" ? recreate(key, current, sets)
                                                    : roll(key, current, sets);
  }

  // What is written wakes this Deployment again, and then the rollout begins.
  Result<void> roll_back(const std::string& key, Deployment& current, Sets& sets) {
    if (sets.current) {
      if (auto kept = keep_current(key, current, sets); !kept) return kept;
    }
    auto plan = deployment::plan_rollback(current, sets);
    auto written = context_.api.update(plan.updated);
    if (!written) return unless_gone(written);
    events_.record(client::make_reference(current), plan.rolled_back ? "Normal" : "Warning",
                   plan.reason, plan.message);
    return {};
  }

  Result<void> refuse(Deployment& current) {
    events_.record(client::make_reference(current), "Warning", "SelectingAll",
                   "This deployment is selecting all pods. A non-empty selector is required.");
    if (current.status.observed_generation >= current.metadata.generation) return {};
    Status status = current.status;
    status.observed_generation = current.metadata.generation;
    return write_status(key_of(current.metadata), current, std::move(status));
  }

  // Paused, or spec.replicas changed: sizes only.
  Result<void> resize(const std::string& key, Deployment& current, Sets& sets) {
    if (sets.current) {
      if (auto kept = keep_current(key, current, sets); !kept) return kept;
    }
    auto scaled = scale(current, sets, deployment::plan_scaling(current, sets));
    if (!scaled) return std::unexpected(scaled.error());
    if (current.spec.paused) {
      if (auto cleaned = clean_up(current, sets); !cleaned) return cleaned;
    }
    return write_status(key, current,
                        deployment::plan_scaled_status(current, sets, context_.now()));
  }

  Result<void> roll(const std::string& key, Deployment& current, Sets& sets) {
    if (auto ensured = ensure_current(key, current, sets); !ensured) return ensured;
    auto scaled = scale(current, sets, deployment::plan_rolling_update(current, sets));
    if (!scaled) return std::unexpected(scaled.error());
    return finish(key, current, sets);
  }

  Result<void> recreate(const std::string& key, Deployment& current, Sets& sets) {
    if (sets.current) {
      if (auto kept = keep_current(key, current, sets); !kept) return kept;
    }
    auto emptied = scale(current, sets, deployment::plan_recreate(sets));
    if (!emptied) return std::unexpected(emptied.error());
    if (*emptied || deployment::old_pods_running(sets, pods_of(sets.old))) {
      return finish(key, current, sets);
    }
    if (auto ensured = ensure_current(key, current, sets); !ensured) return ensured;
    if (sets.current) {
      const auto size = deployment::new_set_size(current, sets);
      auto scaled = scale(current, sets, {{sets.current, size}});
      if (!scaled) return std::unexpected(scaled.error());
    }
    return finish(key, current, sets);
  }

  Result<void> finish(const std::string& key, Deployment& current, Sets& sets) {
    auto status = deployment::plan_rollout_status(current, sets, context_.now());
    if (deployment::is_complete(current, current.status)) {
      if (auto cleaned = clean_up(current, sets); !cleaned) return cleaned;
    }
    return write_status(key, current, std::move(status));
  }

  std::vector<PodRef> pods_of(const std::vector<SetRef>& sets) const {
    std::vector<PodRef> pods;
    for (const auto& set : sets) {
      auto more = context_.informers.pods_by_owner.owned_by(set->metadata.uid);
      pods.insert(pods.end(), more.begin(), more.end());
    }
    return pods;
  }

  // The current set exists afterwards (unless the namespace is going away) and carries the
  // Deployment's annotations and the highest revision.
  Result<void> ensure_current(const std::string& key, Deployment& current, Sets& sets) {
    if (sets.current) return keep_current(key, current, sets);
    const auto limits = deployment::resolve_limits(current);
    const auto size = deployment::new_set_size(current, sets);
    const ReplicaSet wanted = deployment::make_set(current, sets, size, limits.max_surge);
    auto created = context_.api.create(wanted);
    if (!created) return creation_failed(key, current, sets, wanted, created.error());
    sets.current = std::make_shared<const ReplicaSet>(std::move(*created));
    if (size > 0) record_scaling(current, sets.current->metadata.name, 0, size);
    if (auto marked = mark_revision(current, *sets.current); !marked) return marked;
    return progress(key, current, "NewReplicaSetCreated",
                    "Created new replica set " + quoted(sets.current->metadata.name));
  }

  Result<void> creation_failed(const std::string& key, Deployment& current, Sets& sets,
                               const ReplicaSet& wanted, const Error& error) {
    if (is_namespace_terminating(error)) return {};
    if (error.is("AlreadyExists")) {
      auto there = context_.api.get<ReplicaSet>(wanted.metadata.namespace_, wanted.metadata.name);
      if (!there) return std::unexpected(there.error());
      if (controller_uid(there->metadata) == current.metadata.uid &&
          deployment::same_template(there->spec.template_, current.spec.template_)) {
        sets.current = std::make_shared<const ReplicaSet>(std::move(*there));
        return keep_current(key, current, sets);
      }
      // Another template with the same hash: the next try hashes with a higher count.
      Status status = current.status;
      status.collision_count = status.collision_count.value_or(0) + 1;
      return write_status(key, current, std::move(status));
    }
    const std::string message =
        "Failed to create new replica set " + quoted(wanted.metadata.name) + ": " + error.message;
    events_.record(client::make_reference(current), "Warning", "ReplicaSetCreateError", message);
    if (deployment::has_progress_deadline(current)) {
      Status status = current.status;
      deployment::set_condition(status, "Progressing", "False", "ReplicaSetCreateError", message,
                                context_.now());
      (void)write_status(key, current, std::move(status));
    }
    return std::unexpected(error);
  }

  Result<void> keep_current(const std::string& key, Deployment& current, Sets& sets) {
    ReplicaSet refreshed = *sets.current;
    if (deployment::refresh_set(current, deployment::next_revision(sets), refreshed)) {
      auto written = context_.api.update(refreshed);
      if (!written) return std::unexpected(written.error());
      sets.current = std::make_shared<const ReplicaSet>(std::move(*written));
    }
    if (auto marked = mark_revision(current, *sets.current); !marked) return marked;
    if (deployment::find_condition(current.status, "Progressing") != nullptr) return {};
    return progress(key, current, "FoundNewReplicaSet",
                    "Found new replica set " + quoted(sets.current->metadata.name));
  }

  Result<void> progress(const std::string& key, Deployment& current, std::string reason,
                        std::string message) {
    if (!deployment::has_progress_deadline(current)) return {};
    Status status = current.status;
    deployment::set_condition(status, "Progressing", "True", std::move(reason), std::move(message),
                              context_.now());
    return write_status(key, current, std::move(status));
  }

  // The Deployment's own revision annotation follows its current set's. It is written with the
  // status, so that it does not count as a generation.
  Result<void> mark_revision(Deployment& current, const ReplicaSet& set) {
    const auto revision = deployment::revision_of(set.metadata);
    if (revision == 0 || revision == deployment::revision_of(current.metadata)) return {};
    auto written = context_.api.patch<Deployment>(
        current.metadata.namespace_, current.metadata.name, client::PatchType::kMerge,
        R"({"metadata":{"uid":)" + quoted(current.metadata.uid) + R"(,"annotations":{)" +
            quoted(deployment::kRevision) + ':' + quoted(std::to_string(revision)) + "}}}",
        "status");
    if (!written) return std::unexpected(written.error());
    current = std::move(*written);
    return {};
  }

  void record_scaling(const Deployment& current, const std::string& set, std::int32_t from,
                      std::int32_t to) {
    events_.record(client::make_reference(current), "Normal", "ScalingReplicaSet",
                   std::string("Scaled ") + (to > from ? "up" : "down") + " replica set " + set +
                       " from " + std::to_string(from) + " to " + std::to_string(to));
  }

  // Carries sizes out and puts the written sets into `sets`. True if a size changed.
  Result<bool> scale(const Deployment& current, Sets& sets, const std::vector<Scale>& scales) {
    bool any = false;
    const auto limits = deployment::resolve_limits(current);
    for (const auto& [set, replicas] : scales) {
      ReplicaSet resized = *set;
      const std::int32_t before = set->spec.replicas.value_or(1);
      const bool marked =
          deployment::mark_size(resized, current.spec.replicas.value_or(1), limits.max_surge);
      if (before == replicas && !marked) continue;
      resized.spec.replicas = replicas;
      auto written = context_.api.update(resized);
      if (!written) return std::unexpected(written.error());
      if (before != replicas) {
        record_scaling(current, set->metadata.name, before, replicas);
        any = true;
      }
      const auto fresh = std::make_shared<const ReplicaSet>(std::move(*written));
      for (auto& old : sets.old) {
        if (old == set) old = fresh;
      }
      if (sets.current == set) sets.current = fresh;
    }
    return any;
  }

  Result<void> clean_up(const Deployment& current, const Sets& sets) {
    for (const auto& set : deployment::plan_cleanup(current, sets)) {
      auto removed = unless_gone(context_.api.remove<ReplicaSet>(
          set->metadata.namespace_, set->metadata.name, {.uid = set->metadata.uid}));
      if (!removed) return removed;
    }
    return {};
  }

  Result<void> write_status(const std::string& key, Deployment& current, Status status) {
    if (const auto wait = deployment::next_deadline(current, status, context_.now())) {
      worker_.add_after(key, *wait);
    }
    if (status == current.status) return {};
    Deployment updated = current;
    updated.status = std::move(status);
    auto written = context_.api.update_status(updated);
    if (!written) return unless_gone(written);
    current = std::move(*written);
    return {};
  }

  Context& context_;
  client::EventRecorder events_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_deployment_controller(Context& context) {
  return std::make_unique<DeploymentController>(context);
}

}  // namespace pinnace::controllers

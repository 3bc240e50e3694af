#include "controllers/replica_set/controller.h"

#include "controllers/informers.h"
#include "controllers/replica_set/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/expectations.h"
#include "controllers/support/slow_start.h"

namespace pinnace::controllers {
namespace {

using apps_v1::ReplicaSet;
using core_v1::ReplicationController;

// What differs between the two kinds.
struct ReplicaSetTraits {
  using Set = ReplicaSet;
  static constexpr std::string_view kComponent = "replicaset-controller";
  static auto& informer(Informers& informers) { return informers.replica_sets; }
  static bool selects(const Set& set, const Labels& labels) {
    return set.spec.selector && !is_empty(*set.spec.selector) && matches(set.spec.selector, labels);
  }
  static const core_v1::PodTemplateSpec* pod_template(const Set& set) {
    return &set.spec.template_;
  }
  // Sets of one Deployment compete for nodes: their pods count as a crowd together.
  static std::vector<PodRef> related(Informers& informers, const Set& set,
                                     const std::vector<PodRef>& own) {
    const std::string parent(controller_uid(set.metadata));
    if (parent.empty()) return own;
    std::vector<PodRef> pods;
    for (const auto& sibling : informers.replica_sets_by_owner.owned_by(parent)) {
      auto more = informers.pods_by_owner.owned_by(sibling->metadata.uid);
      pods.insert(pods.end(), more.begin(), more.end());
    }
    return pods;
  }
};

struct ReplicationControllerTraits {
  using Set = ReplicationController;
  static constexpr std::string_view kComponent = "replication-controller";
  static auto& informer(Informers& informers) { return informers.replication_controllers; }
  static bool selects(const Set& set, const Labels& labels) {
    return matches(set.spec.selector, labels);
  }
  static const core_v1::PodTemplateSpec* pod_template(const Set& set) {
    return set.spec.template_ ? &*set.spec.template_ : nullptr;
  }
  static std::vector<PodRef> related(Informers&, const Set&, const std::vector<PodRef>& own) {
    return own;
  }
};

template <typename Traits>
class ReplicaController : public Controller {
 public:
  using Set = typename Traits::Set;
  explicit ReplicaController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(Traits::kComponent)),
        worker_(context, Traits::kComponent, [this](const auto& key) { return sync(key); }) {
    informer().on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.pods.on_transition(
        [this](const PodRef& before, const PodRef& after) { pod_changed(before, after); });
  }

  void start() override {
    worker_.start([this] { return keys_of(informer()); }, std::chrono::minutes(10));
  }

 private:
  auto& informer() { return Traits::informer(context_.informers); }
  MonotonicTime monotonic() const { return context_.executor.clock().monotonic(); }

  void pod_changed(const PodRef& before, const PodRef& after) {
    if (after)
      expectations_.seen(after->metadata.uid, is_deleting(*after));
    else
      expectations_.gone(before->metadata.uid);
    if (before) wake_owner(*before);
    if (!after) return;
    wake_owner(*after);
    // Nobody's pod: whoever selects it may adopt it, once, when it appears or its labels change.
    if (controller_of(after->metadata) == nullptr &&
        (!before || before->metadata.labels != after->metadata.labels ||
         controller_of(before->metadata) != nullptr)) {
      for (const auto& set : informer().in_namespace(after->metadata.namespace_)) {
        if (Traits::selects(*set, after->metadata.labels)) worker_.add(key_of(set->metadata));
      }
    }
  }

  void wake_owner(const core_v1::Pod& pod) {
    const auto* owner = controller_of(pod.metadata);
    if (owner != nullptr && owner->kind == Set::kResource.kind) {
      worker_.add(pod.metadata.namespace_ + '/' + owner->name);
    }
  }

  Result<void> sync(const std::string& key) {
    const auto set = informer().get(key);
    if (!set) {
      expectations_.forget(key);
      return {};
    }
    const bool settled = expectations_.satisfied(key, monotonic());
    auto pods = claim<core_v1::Pod>(
        context_.api, *set, context_.informers.pods_by_owner.candidates(set->metadata),
        [&](const core_v1::Pod& pod) { return Traits::selects(*set, pod.metadata.labels); });
    if (!pods) return std::unexpected(pods.error());
    const auto active = active_pods(*pods);
    const WallTime now = context_.now();

    replica_set::Changes changes;
    Result<void> managed;
    if (settled && set->metadata.deletion_timestamp.is_zero()) {
      changes = replica_set::plan_replicas(set->spec.replicas.value_or(1), active,
                                           Traits::related(context_.informers, *set, active), now);
      managed = apply(key, *set, changes);
    }
    auto written = write_status(key, *set, active, changes, managed, now);
    return managed ? written : managed;
  }

  Result<void> apply(const std::string& key, const Set& set, const replica_set::Changes& changes) {
    const auto* pod_template = Traits::pod_template(set);
    if (changes.create > 0 && pod_template != nullptr) {
      const auto pod =
          pod_from_template(*pod_template, set.metadata, make_controller_reference(set));
      return slow_start(changes.create, [&] { return create(key, set, pod); });
    }
    Result<void> outcome;
    client::Fibers::in_parallel(changes.remove.size(), [&](std::size_t i) {
      auto removed = remove(key, set, *changes.remove[i]);
      if (!removed && outcome) outcome = std::move(removed);
    });
    return outcome;
  }

  Result<void> create(const std::string& key, const Set& set, const core_v1::Pod& pod) {
    expectations_.begin_creation();
    auto created = context_.api.create(pod);
    expectations_.end_creation(key, created ? created->metadata.uid : "", monotonic());
    if (!created) {
      // In a namespace that is being emptied this can only fail, and nobody wants to read of it.
      if (is_namespace_terminating(created.error())) return {};
      events_.record(client::make_reference(set), "Warning", "FailedCreate",
                     "Error creating: " + created.error().message);
      return std::unexpected(created.error());
    }
    events_.record(client::make_reference(set), "Normal", "SuccessfulCreate",
                   "Created pod: " + created->metadata.name);
    return {};
  }

  Result<void> remove(const std::string& key, const Set& set, const core_v1::Pod& pod) {
    expectations_.expect_deletion(key, pod.metadata.uid, monotonic());
    auto removed = context_.api.template remove<core_v1::Pod>(
        pod.metadata.namespace_, pod.metadata.name, {.uid = pod.metadata.uid});
    if (!removed) {
      expectations_.forget_deletion(pod.metadata.uid);
      if (removed.error().is("NotFound") || removed.error().is("Conflict")) return {};
      events_.record(client::make_reference(set), "Warning", "FailedDelete",
                     "Error deleting: " + removed.error().message);
      return removed;
    }
    events_.record(client::make_reference(set), "Normal", "SuccessfulDelete",
                   "Deleted pod: " + pod.metadata.name);
    return {};
  }

  Result<void> write_status(const std::string& key, const Set& set,
                            const std::vector<PodRef>& active, const replica_set::Changes& changes,
                            const Result<void>& managed, WallTime now) {
    const auto* pod_template = Traits::pod_template(set);
    const Duration min_ready = seconds(set.spec.min_ready_seconds);
    const auto counts = replica_set::count_pods(
        active, pod_template != nullptr ? pod_template->metadata.labels : Labels(), min_ready, now);
    if (const auto wait = next_availability(active, min_ready, now); wait > Duration::zero()) {
      worker_.add_after(key, wait);
    }
    Set updated = set;
    updated.status = replica_set::plan_status(set, counts, changes, managed, now);
    if (updated.status == set.status) return {};
    auto written = context_.api.update_status(updated);
    if (written || written.error().is("NotFound")) return {};
    return std::unexpected(written.error());
  }

  Context& context_;
  client::EventRecorder events_;
  Expectations expectations_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_replica_set_controller(Context& context) {
  return std::make_unique<ReplicaController<ReplicaSetTraits>>(context);
}

std::unique_ptr<Controller> make_replication_controller_controller(Context& context) {
  return std::make_unique<ReplicaController<ReplicationControllerTraits>>(context);
}

}  // namespace pinnace::controllers

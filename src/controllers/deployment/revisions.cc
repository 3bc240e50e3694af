#include "controllers/deployment/revisions.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace pinnace::controllers::deployment {
namespace {

constexpr std::array<std::string_view, 6> kOwnAnnotations = {
    "kubectl.kubernetes.io/last-applied-configuration",
    kRevision,
    kRevisionHistory,
    kDesiredReplicas,
    kMaxReplicas,
    kRollbackTo,
};

bool assign(std::map<std::string, std::string, std::less<>>& annotations, std::string_view key,
            const std::string& value) {
  const auto found = annotations.find(key);
  if (found != annotations.end() && found->second == value) return false;
  annotations[std::string(key)] = value;
  return true;
}

}  // namespace

bool same_template(const core_v1::PodTemplateSpec& a, const core_v1::PodTemplateSpec& b) {
  if (!(a.spec == b.spec)) return false;
  meta_v1::ObjectMeta meta_a = a.metadata, meta_b = b.metadata;
  meta_a.labels.erase(std::string(kHashLabel));
  meta_b.labels.erase(std::string(kHashLabel));
  return meta_a == meta_b;
}

Sets sort_sets(const Deployment& deployment, const std::vector<SetRef>& owned) {
  Sets sets;
  for (const auto& set : owned) {
    if (!same_template(set->spec.template_, deployment.spec.template_)) continue;
    if (!sets.current ||
        set->metadata.creation_timestamp.value < sets.current->metadata.creation_timestamp.value) {
      sets.current = set;
    }
  }
  for (const auto& set : owned) {
    if (set != sets.current) sets.old.push_back(set);
  }
  return sets;
}

std::int64_t revision_of(const meta_v1::ObjectMeta& meta) {
  const auto found = meta.annotations.find(kRevision);
  return found == meta.annotations.end() ? 0 : parse_int(found->second).value_or(0);
}

std::int64_t next_revision(const Sets& sets) {
  std::int64_t highest = 0;
  for (const auto& set : sets.old) highest = std::max(highest, revision_of(set->metadata));
  return highest + 1;
}

std::int32_t annotation_number(const ReplicaSet& set, std::string_view annotation) {
  const auto found = set.metadata.annotations.find(annotation);
  if (found == set.metadata.annotations.end()) return 0;
  return static_cast<std::int32_t>(parse_int(found->second).value_or(0));
}

std::string template_hash(const Deployment& deployment) {
  std::string text = api::to_json(deployment.spec.template_);
  if (const auto collisions = deployment.status.collision_count.value_or(0); collisions > 0) {
    text += '#' + std::to_string(collisions);
  }
  return safe_encode(std::to_string(fnv1a_32(text)));
}

ReplicaSet make_set(const Deployment& deployment, const Sets& sets, std::int32_t replicas,
                    std::int32_t max_surge) {
  const std::string hash = template_hash(deployment);
  ReplicaSet set;
  set.metadata.name = deployment.metadata.name + '-' + hash;
  set.metadata.namespace_ = deployment.metadata.namespace_;
  set.metadata.owner_references = {make_controller_reference(deployment)};
  set.spec.replicas = replicas;
  set.spec.min_ready_seconds = deployment.spec.min_ready_seconds;
  set.spec.selector = deployment.spec.selector.value_or(meta_v1::LabelSelector{});
  set.spec.selector->match_labels[std::string(kHashLabel)] = hash;
  set.spec.template_ = deployment.spec.template_;
  set.spec.template_.metadata.labels[std::string(kHashLabel)] = hash;
  set.metadata.labels = set.spec.template_.metadata.labels;
  refresh_set(deployment, next_revision(sets), set);
  mark_size(set, deployment.spec.replicas.value_or(1), max_surge);
  return set;
}

bool is_own_annotation(std::string_view key) {
  return std::find(kOwnAnnotations.begin(), kOwnAnnotations.end(), key) != kOwnAnnotations.end();
}

bool refresh_set(const Deployment& deployment, std::int64_t revision, ReplicaSet& set) {
  bool changed = false;
  auto& annotations = set.metadata.annotations;
  for (const auto& [key, value] : deployment.metadata.annotations) {
    if (!is_own_annotation(key)) changed = assign(annotations, key, value) || changed;
  }
  const std::int64_t before = revision_of(set.metadata);
  if (before < revision) {
    annotations[std::string(kRevision)] = std::to_string(revision);
    if (before > 0) {
      std::string& history = annotations[std::string(kRevisionHistory)];
      history += (history.empty() ? "" : ",") + std::to_string(before);
    }
    changed = true;
  }
  if (set.spec.min_ready_seconds != deployment.spec.min_ready_seconds) {
    set.spec.min_ready_seconds = deployment.spec.min_ready_seconds;
    changed = true;
  }
  return changed;
}

bool mark_size(ReplicaSet& set, std::int32_t wanted, std::int32_t max_surge) {
  const bool desired = assign(set.metadata.annotations, kDesiredReplicas, std::to_string(wanted));
  const bool maximum =
      assign(set.metadata.annotations, kMaxReplicas, std::to_string(wanted + max_surge));
  return desired || maximum;
}

}  // namespace pinnace::controllers::deployment

// A Deployment's ReplicaSets as revisions: which is the new one, what it is called, and the
// annotations in which the history is kept.
//
// Source: Kubernetes Deployment documentation, "Pod-template-hash label", "Rollout history".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/support/owners.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::deployment {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;
using SetRef = std::shared_ptr<const ReplicaSet>;

inline constexpr std::string_view kHashLabel = "pod-template-hash";
inline constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kRevisionHistory = "deployment.kubernetes.io/revision-history";
// How extensions/v1beta1's spec.rollbackTo is stored.
inline constexpr std::string_view kRollbackTo = "deprecated.deployment.rollback.to";
inline constexpr std::string_view kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view kMaxReplicas = "deployment.kubernetes.io/max-replicas";

struct Sets {
  SetRef current;  // The one whose template is the Deployment's; null: not made yet.
  std::vector<SetRef> old;
};
// Of several with the Deployment's template the oldest is the current one.
Sets sort_sets(const Deployment& deployment, const std::vector<SetRef>& owned);

bool same_template(const core_v1::PodTemplateSpec& a, const core_v1::PodTemplateSpec& b);
std::int64_t revision_of(const meta_v1::ObjectMeta& meta);  // 0 when there is none
std::int64_t next_revision(const Sets& sets);
// 0 when the annotation is missing or no number.
std::int32_t annotation_number(const ReplicaSet& set, std::string_view annotation);

// Hash of the template and of how often the hash met another template's before.
std::string template_hash(const Deployment& deployment);
// The ReplicaSet to create.
ReplicaSet make_set(const Deployment& deployment, const Sets& sets, std::int32_t replicas,
                    std::int32_t max_surge);

// Annotations that stay with the object they are on: a Deployment does not hand them down to its
// ReplicaSets, nor take them from there in a rollback.
bool is_own_annotation(std::string_view key);
// Brings the annotations (and minReadySeconds) that a new set has from its Deployment up to date.
// True if something changed.
bool refresh_set(const Deployment& deployment, std::int64_t revision, ReplicaSet& set);
// The two annotations that remember for which size the set was scaled. True if changed.
bool mark_size(ReplicaSet& set, std::int32_t wanted, std::int32_t max_surge);

}  // namespace pinnace::controllers::deployment

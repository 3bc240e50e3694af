#include "controllers/volume_protection/plan.h"

#include <algorithm>

namespace pinnace::controllers::volume_protection {
namespace {

// All its containers have ended and only the object is left.
bool is_shut_down(const core_v1::Pod& pod) {
  const auto& grace = pod.metadata.deletion_grace_period_seconds;
  return !pod.metadata.deletion_timestamp.is_zero() && grace && *grace == 0;
}

bool is_owned_by(const core_v1::PersistentVolumeClaim& claim, const core_v1::Pod& pod) {
  return std::ranges::any_of(claim.metadata.owner_references, [&](const auto& owner) {
    return owner.uid == pod.metadata.uid && owner.controller && *owner.controller;
  });
}

}  // namespace

Wanted wanted(const meta_v1::ObjectMeta& metadata, std::string_view finalizer) {
  const bool has = std::ranges::find(metadata.finalizers, finalizer) != metadata.finalizers.end();
  if (metadata.deletion_timestamp.is_zero()) return has ? Wanted::kNothing : Wanted::kAdd;
  return has ? Wanted::kRemove : Wanted::kNothing;
}

std::vector<std::string> with_finalizer(const meta_v1::ObjectMeta& metadata, Wanted wanted,
                                        std::string_view finalizer) {
  auto finalizers = metadata.finalizers;
  if (wanted == Wanted::kAdd) finalizers.emplace_back(finalizer);
  if (wanted == Wanted::kRemove) std::erase(finalizers, finalizer);
  return finalizers;
}

bool uses(const core_v1::Pod& pod, const core_v1::PersistentVolumeClaim& claim) {
  if (pod.spec.node_name.empty() || pod.metadata.namespace_ != claim.metadata.namespace_) {
    return false;
  }
  return std::ranges::any_of(pod.spec.volumes, [&](const core_v1::Volume& volume) {
    const auto* source = volume.persistent_volume_claim.get();
    if (source != nullptr && source->claim_name == claim.metadata.name) return true;
    return volume.ephemeral.get() != nullptr && !is_shut_down(pod) &&
           pod.metadata.name + '-' + volume.name == claim.metadata.name && is_owned_by(claim, pod);
  });
}

bool is_used(const core_v1::PersistentVolume& volume) { return volume.status.phase == "Bound"; }

}  // namespace pinnace::controllers::volume_protection

// Which claims and volumes must outlive their deletion, by a finalizer each.
//
// Source: kubernetes.io/docs/concepts/storage/persistent-volumes, "Storage Object in Use
//   Protection".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/support/types.h"

namespace pinnace::controllers::volume_protection {

inline constexpr std::string_view kClaimFinalizer = "kubernetes.io/pvc-protection";
inline constexpr std::string_view kVolumeFinalizer = "kubernetes.io/pv-protection";

enum class Wanted {
  kNothing,
  kAdd,     // The object was made before anybody gave it the finalizer.
  kRemove,  // Somebody deletes it: it goes unless it is in use.
};
Wanted wanted(const meta_v1::ObjectMeta& metadata, std::string_view finalizer);
std::vector<std::string> with_finalizer(const meta_v1::ObjectMeta& metadata, Wanted wanted,
                                        std::string_view finalizer);

// A pod uses a claim from the time that it has a node: a kubelet starts no pod whose claim is being
// deleted. One that has ended still does, until it is gone.
bool uses(const core_v1::Pod& pod, const core_v1::PersistentVolumeClaim& claim);
bool is_used(const core_v1::PersistentVolume& volume);

}  // namespace pinnace::controllers::volume_protection

// The rules of the sources that volumes of pods and PersistentVolumes have in common.
//
// Source: k8s.io/kubernetes/pkg/apis/core/validation.
#pragma once

#include <cstddef>
#include <string_view>

#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

// Whose source it is: messages and needs differ.
struct VolumeOwner {
  bool is_persistent = false;
  std::string_view name;  // Of the volume.
  Field volume;
};

// All sources of `volume` (a Volume or a PersistentVolumeSpec) that both may have. `count` counts
// those that are set; a second one is forbidden.
void validate_shared_sources(const Field& volume, const VolumeOwner& owner, std::size_t& count);
bool is_only_source(const Field& source, std::size_t& count);

// Paths: without "..", also relative, also not starting with "..".
void validate_no_backsteps(const Field& path);
void validate_descending_path(const Field& path);
void validate_local_path(const Field& path);
void validate_csi_driver_name(const Field& driver);

}  // namespace pinnace::apiserver

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

// The source `name` of `volume` (a Volume or a PersistentVolumeSpec), which is set. Nothing where
// `name` is not one that both may have.
void validate_shared_source(const Field& volume, std::string_view name, const VolumeOwner& owner);
// Whether the source is set and the first one that is. `count` counts them; a second is forbidden.
bool is_only_source(const Field& volume, std::string_view name, std::size_t& count);

// A PersistentVolumeSpec: of the PersistentVolume `name`, or of an attachment that has none.
void validate_volume_spec(const Field& spec, std::string_view name, bool is_inline);

// Of what is made from a template: labels and annotations, and nothing else.
void validate_template_metadata(const Field& metadata);

// Paths: without "..", also relative, also not starting with "..".
void validate_no_backsteps(const Field& path);
void validate_descending_path(const Field& path);
void validate_local_path(const Field& path);
void validate_csi_driver_name(const Field& driver);

}  // namespace pinnace::apiserver

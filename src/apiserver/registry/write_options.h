// What the query of a write says besides the object: who writes, and whether by force.
//
// Errors: 422 for options that are not valid, as of a kind CreateOptions, UpdateOptions or
//   PatchOptions.
// Source: k8s.io/apimachinery pkg/apis/meta/v1/validation.
#pragma once

#include <string>

#include "apiserver/http/call.h"
#include "base/error.h"

namespace pinnace::apiserver {

enum class WriteKind { kCreate, kUpdate, kPatch, kApply };

Result<void> check_write_options(const Call& call, WriteKind kind);
// The parameter fieldManager, or what stands before the first slash of User-Agent; at most
// kMaxFieldManagerBytes of it, without what cannot be printed.
std::string field_manager_of(const Call& call);

inline constexpr std::size_t kMaxFieldManagerBytes = 128;

}  // namespace pinnace::apiserver

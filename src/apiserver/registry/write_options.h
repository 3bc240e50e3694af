// What the query of a write says besides the object: who writes, whether by force, whether only for
// show, and what becomes of fields that nothing has.
//
// Errors: 422 for options that are not valid, as of a kind CreateOptions, UpdateOptions or
//   PatchOptions.
// Source: k8s.io/apimachinery pkg/apis/meta/v1/validation.
#pragma once

#include <string>
#include <vector>

#include "apiserver/http/call.h"
#include "base/error.h"

namespace pinnace::apiserver {

enum class WriteKind { kCreate, kUpdate, kPatch, kApply };

Result<void> check_write_options(const Call& call, WriteKind kind);
// A name that no manager can have becomes causes; `field` says where it stands.
void check_field_manager(std::vector<Cause>& causes, const std::string& field,
                         std::string_view manager);
// Values that dryRun cannot have become a cause.
void check_dry_run(const std::vector<std::string>& values, std::vector<Cause>& causes);
// Whether nothing shall be written. For options that were checked.
inline bool is_dry_run(const Call& call) { return call.query.has("dryRun"); }
// The parameter fieldManager, or what stands before the first slash of User-Agent; at most
// kMaxFieldManagerBytes of it, without what cannot be printed.
std::string field_manager_of(const Call& call);

inline constexpr std::size_t kMaxFieldManagerBytes = 128;

}  // namespace pinnace::apiserver

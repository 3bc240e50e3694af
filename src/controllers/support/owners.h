// Ownership: who controls an object, and who may take it or must let it go.
//
// Source: Kubernetes API conventions, "ownerReferences"; controller reference manager semantics:
//   a controller adopts what its selector matches and nobody controls, and releases what it
//   controls but no longer matches.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "controllers/support/types.h"

namespace pinnace::controllers {

// The reference with controller=true, or null.
const meta_v1::OwnerReference* controller_of(const meta_v1::ObjectMeta& meta);
std::string_view controller_uid(const meta_v1::ObjectMeta& meta);  // "" when there is none

template <typename Owner>
meta_v1::OwnerReference make_controller_reference(const Owner& owner) {
  meta_v1::OwnerReference reference;
  reference.api_version =
      Owner::kResource.group.empty()
          ? std::string(Owner::kResource.version)
          : std::string(Owner::kResource.group) + '/' + std::string(Owner::kResource.version);
  reference.kind = std::string(Owner::kResource.kind);
  reference.name = owner.metadata.name;
  reference.uid = owner.metadata.uid;
  reference.controller = true;
  reference.block_owner_deletion = true;
  return reference;
}

// Strategic-merge patches that hold only for the object with this uid.
std::string adopt_patch(const meta_v1::OwnerReference& owner, std::string_view object_uid);
std::string release_patch(std::string_view owner_uid, std::string_view object_uid);

template <typename T>
struct Claims {
  std::vector<std::shared_ptr<const T>> mine, adopt, release;
};

// What an owner has, may take and must let go. Candidates that others control are ignored.
template <typename T, typename Matches>
Claims<T> sort_claims(const meta_v1::ObjectMeta& owner,
                      const std::vector<std::shared_ptr<const T>>& candidates, Matches matches) {
  Claims<T> claims;
  const bool leaving = !owner.deletion_timestamp.is_zero();
  for (const auto& candidate : candidates) {
    const std::string_view uid = controller_uid(candidate->metadata);
    if (uid == owner.uid) {
      if (matches(*candidate))
        claims.mine.push_back(candidate);
      else if (!leaving)
        claims.release.push_back(candidate);
    } else if (uid.empty() && !leaving && candidate->metadata.deletion_timestamp.is_zero() &&
               matches(*candidate)) {
      claims.adopt.push_back(candidate);
    }
  }
  return claims;
}

// Carries out claims; gives what the owner controls afterwards. Before adopting, the owner is read
// again: an informer may still show one that is being deleted.
template <typename T, typename Owner, typename Matches>
Result<std::vector<std::shared_ptr<const T>>> claim(
    const client::Client& api, const Owner& owner,
    const std::vector<std::shared_ptr<const T>>& candidates, Matches matches) {
  Claims<T> claims = sort_claims<T>(owner.metadata, candidates, matches);
  for (const auto& object : claims.release) {
    auto released = api.patch<T>(object->metadata.namespace_, object->metadata.name,
                                 client::PatchType::kStrategicMerge,
                                 release_patch(owner.metadata.uid, object->metadata.uid));
    if (!released && !released.error().is("NotFound") && !released.error().is("Invalid")) {
      return std::unexpected(released.error());
    }
  }
  if (claims.adopt.empty()) return claims.mine;
  auto fresh = api.get<Owner>(owner.metadata.namespace_, owner.metadata.name);
  if (!fresh) return std::unexpected(fresh.error());
  if (fresh->metadata.uid != owner.metadata.uid || !fresh->metadata.deletion_timestamp.is_zero()) {
    return claims.mine;
  }
  for (const auto& object : claims.adopt) {
    auto adopted = api.patch<T>(
        object->metadata.namespace_, object->metadata.name, client::PatchType::kStrategicMerge,
        adopt_patch(make_controller_reference(owner), object->metadata.uid));
    if (adopted)
      claims.mine.push_back(std::make_shared<const T>(std::move(*adopted)));
    else if (!adopted.error().is("NotFound"))
      return std::unexpected(adopted.error());
  }
  return claims.mine;
}

}  // namespace pinnace::controllers

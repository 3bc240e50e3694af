// metadata.managedFields on the way of a write: what api/apply decides, in the terms of a request.
//
// Why before admission: what an admission plugin or the kind's strategy fills in belongs to nobody,
//   as in Kubernetes.
// Source: k8s.io/apiserver pkg/endpoints/handlers; the reset fields of k8s.io/kubernetes'
//   strategies.
#pragma once

#include <span>

#include "api/apply/ownership.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// The versions of the kind that a request is about.
// Lifetime: what it says lies in the arena of the change.
class KindVersions final : public api::apply::Versions {
 public:
  explicit KindVersions(const Change& change);

  api::apply::Shape shape(std::string_view api_version) const override;
  Result<api::Value> convert(api::Arena& arena, const api::Value& object, std::string_view from,
                             std::string_view to) const override;
  api::Value empty_object(api::Arena& arena, std::string_view api_version) const override;
  api::apply::FieldSet changeable(api::Arena& arena,
                                  const api::apply::FieldSet& fields) const override;
  bool may_have_changed() const override;

  // That of the request, and that in which objects are kept.
  std::string_view requested() const { return requested_; }
  std::string_view stored() const { return stored_; }

 private:
  const api::ResourceInfo* find(std::string_view api_version) const;

  const Call& call_;
  std::string_view requested_, stored_;
  std::span<const std::string_view> only_;  // Paths; empty: all but `reset_`.
  api::apply::FieldSet reset_;
};

// What becomes of the metadata that comes with a status.
enum class MetadataOfStatus { kSent, kKeptLabels, kKeptOwners, kKept };
MetadataOfStatus metadata_of_status(const Change& change);

api::apply::Writer writer_of(Change& change, const KindVersions& versions);
// The list of an object that is kept, or nullptr.
const api::Value* managed_fields(const api::Value& object);
// The object without them; shares the rest.
api::Value without_managed_fields(api::Arena& arena, const api::Value& object);
void set_managed_fields(Change& change, api::Value& object, api::apply::Managers managers);

// Makes metadata.managedFields of `object` say who manages what after this write; there stands what
// the client sent. `old` is null at creation. Both are in the storage version.
void track_ownership(Change& change, api::Value& object, const api::Value* old);
// Whether a write comes to what is there already. New times of managers alone are no change.
bool is_unchanged(const api::Value& object, const api::Value& old);

}  // namespace pinnace::apiserver

// Who manages `replicas`, as seen by the scale subresource: an object of autoscaling/v1 whose
// managers are those of the main object that manage its number of replicas, wherever its version
// has that.
//
// Source: k8s.io/apimachinery pkg/util/managedfields, ScaleHandler.
#pragma once

#include <string>
#include <vector>

#include "api/apply/ownership.h"
#include "api/schema.h"

namespace pinnace::apiserver {

// The versions of a Scale: one.
class ScaleVersions final : public api::apply::Versions {
 public:
  static constexpr std::string_view kVersion = "autoscaling/v1";

  api::apply::Shape shape(std::string_view api_version) const override;
  Result<api::Value> convert(api::Arena&, const api::Value& object, std::string_view,
                             std::string_view) const override {
    return object;
  }
  api::Value empty_object(api::Arena&, std::string_view) const override {
    return api::Value::object();
  }
  api::apply::FieldSet changeable(api::Arena&, const api::apply::FieldSet& fields) const override {
    return fields;
  }
  bool may_have_changed() const override { return false; }
};

// The members that lead to the number of replicas in that version of the kind; empty where it has
// no scale, and null for a version that the kind does not have.
const std::vector<std::string>* replicas_path(const api::ResourceInfo& storage,
                                              std::string_view api_version);
// The managers of the Scale, of those of the main object.
api::apply::Managers scale_managers(api::Arena& arena, const api::ResourceInfo& storage,
                                    const api::apply::Managers& of_object);
// The managers of the main object, of which `api_version` was asked for, after those of its Scale
// have become `of_scale`. Those of versions that the kind has no more are gone.
api::apply::Managers with_scale_managers(api::Arena& arena, const api::ResourceInfo& storage,
                                         api::apply::Managers of_object,
                                         api::apply::Managers of_scale,
                                         std::string_view api_version);

}  // namespace pinnace::apiserver

// Who manages `replicas`, as seen by the scale subresource: an object of autoscaling/v1 whose
// managers are those of the main object that manage its number of replicas.
//
// Source: k8s.io/apimachinery pkg/util/managedfields, ScaleHandler.
#pragma once

#include "api/apply/ownership.h"

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
  api::apply::FieldSet reset_fields(std::string_view) const override { return {}; }
  bool may_have_changed() const override { return false; }
};

// The managers of the Scale, of those of the main object.
api::apply::Managers scale_managers(api::Arena& arena, const api::apply::Managers& of_object);
// The managers of the main object, of which `api_version` was asked for, after those of its Scale
// have become `of_scale`.
api::apply::Managers with_scale_managers(api::Arena& arena, api::apply::Managers of_object,
                                         api::apply::Managers of_scale,
                                         std::string_view api_version);

}  // namespace pinnace::apiserver

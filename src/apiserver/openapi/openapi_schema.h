// Definitions are the API's types as OpenAPI schemas: what documents of both versions refer to.
//
// Why: OpenAPI v2 and v3 differ in how a schema is referred to and in a few special types, not in
//   what they say; both are made from api::Schema alone.
// Lifetime: refers to the Catalog.
// Threads: one thread.
// Source: OpenAPI 2.0 and 3.0; Kubernetes' x-kubernetes-* extensions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/catalog/catalog.h"

namespace pinnace::apiserver {

enum class OpenApi { kV2, kV3 };

// What documents say that they are of.
inline constexpr char kApiVersion[] = "1.35";

// What every kind has, as `kubectl explain` tells it.
inline constexpr std::string_view kApiVersionDoc =
    "APIVersion defines of which group and version this object's schema is, such as \"apps/v1\".";
inline constexpr std::string_view kKindDoc = "Kind is what this object is, such as \"Deployment\".";
inline constexpr std::string_view kMetadataDoc =
    "Standard object's metadata: its names and labels, and what the server says of it.";

// "io.k8s.api.apps.v1.Deployment"
std::string definition_name(const api::TypeInfo& type);

// {"group": "apps", "kind": "Deployment", "version": "v1"}
api::Value group_version_kind(api::Arena& arena, std::string_view group, std::string_view version,
                              std::string_view kind);

struct NamedForm;

class Definitions {
 public:
  Definitions(const Catalog& catalog, OpenApi version);

  // Adds the type and all that it refers to.
  void require(const api::TypeInfo& type);
  // {"$ref": ...} to a type's definition. The type must be required, too.
  api::Value reference(api::Arena& arena, const api::TypeInfo& type) const;

  // A type that has a TypeInfo, or a form (Time, Quantity) that stands for itself.
  struct Definition {
    const api::TypeInfo* type = nullptr;
    const NamedForm* form = nullptr;
  };
  // By name.
  const std::map<std::string, Definition>& all() const { return all_; }
  api::Value schema_of(api::Arena& arena, const Definition& definition) const;

 private:
  OpenApi version_;
  // Of custom kinds, by their types.
  std::unordered_map<const api::TypeInfo*, const CustomVersion*> custom_, custom_lists_;
  std::map<std::string, Definition> all_;
};

}  // namespace pinnace::apiserver

// CustomKind is what a CustomResourceDefinition makes of itself: for each version a ResourceInfo
// like those of built-in kinds, and what else its objects are handled by.
//
// Lifetime: immutable; catalogs hold it, and calls hold catalogs. Owns all that it refers to.
// Errors: 400 for a definition that cannot be worked with.
// Threads: any.
// Bounds: those of structural::Schema for each version.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/structural/schema.h"
#include "api/value.h"
#include "apiserver/custom/runtime_types.h"
#include "apiserver/webhook/webhook_service.h"
#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

class CustomKind;
class CustomRules;
class TableColumns;
class WebhookTarget;

// Where the scale subresource finds its numbers: paths of members.
struct ScalePaths {
  std::vector<std::string> spec_replicas, status_replicas, selector;  // `selector` may be empty.
};

struct CustomVersion {
  explicit CustomVersion(std::string_view group, std::string_view version)
      : types(group, version) {}

  api::ResourceInfo resource{};  // Its `custom` is this.
  api::TypeInfo type{}, list_type{};
  TypeMaker types;
  const CustomKind* kind = nullptr;
  // Tells apart what different definitions, or states of one, made under the same name.
  std::uint64_t serial = 0;
  bool is_served = false;
  // Whether unknown fields are dropped; only definitions of old do not want it.
  bool prunes = true;
  bool has_status = false;
  bool has_scale = false;
  std::string deprecation_warning;  // "": not deprecated
  // Null where a definition of old has none.
  std::unique_ptr<const api::structural::Schema> schema;
  std::shared_ptr<const CustomRules> rules;  // Null where there are none.
  ScalePaths scale;
  std::shared_ptr<const TableColumns> columns;
  // What `resource` refers to.
  std::vector<api::SubresourceInfo> subresources;
  std::vector<std::string_view> field_selectors;
};

// spec.conversion with strategy Webhook.
struct ConversionWebhook {
  std::optional<WebhookService> service;        // Which the target stands for.
  std::shared_ptr<const WebhookTarget> target;  // Null: it cannot be called.
  std::vector<std::string> review_versions;
};

class CustomKind {
 public:
  // Of a stored definition, with the names that its status says were accepted.
  static Result<std::shared_ptr<const CustomKind>> create(store::ObjectRef definition);

  std::span<const std::unique_ptr<CustomVersion>> versions() const { return versions_; }
  const CustomVersion* find_version(std::string_view name) const;
  // By "GROUP/VERSION".
  const CustomVersion* find_api_version(std::string_view text) const;
  const CustomVersion& storage_version() const { return *storage_; }
  // Null: only apiVersion differs between versions.
  const ConversionWebhook* webhook() const { return webhook_.get(); }
  // Being deleted: no objects are made any more.
  bool is_terminating() const { return is_terminating_; }
  const std::string& definition_name() const { return definition_->key.name; }
  // The definition's JSON.
  const store::ObjectRef& definition() const { return definition_; }

 private:
  Result<void> read(const api::Value& definition);
  void read_names(const api::Value& spec, const api::Value& names);
  Result<void> read_version(const api::Value& spec, const api::Value& version);
  Result<void> read_columns(CustomVersion& made, const api::Value& version);
  void read_subresources(CustomVersion& made, const api::Value& version);
  void read_conversion(const api::Value& spec);

  api::Arena arena_{4096};
  store::ObjectRef definition_;
  // Of every version; its texts live in the arena.
  api::ResourceInfo common_{};
  std::string_view list_kind_;
  std::vector<std::string_view> short_names_, categories_;
  std::vector<std::unique_ptr<CustomVersion>> versions_;
  const CustomVersion* storage_ = nullptr;
  std::unique_ptr<ConversionWebhook> webhook_;
  bool is_terminating_ = false;
};

}  // namespace pinnace::apiserver

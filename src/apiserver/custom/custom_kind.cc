#include "apiserver/custom/custom_kind.h"

#include <algorithm>
#include <atomic>

#include "api/json.h"
#include "api/version_order.h"
#include "apiserver/catalog/catalog.h"
#include "apiserver/custom/custom_rules.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/table/table_columns.h"
#include "apiserver/webhook/webhook_client.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

constexpr std::string_view kVerbs[] = {"delete", "deletecollection", "get",    "list",
                                       "patch",  "create",           "update", "watch"};
constexpr std::string_view kSubresourceVerbs[] = {"get", "patch", "update"};

std::span<const Value> items_of(const Value& object, std::string_view key) {
  const Value* list = object.find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<const Value>{};
}

std::vector<std::string_view> texts_of(api::Arena& arena, const Value& object,
                                       std::string_view key) {
  std::vector<std::string_view> out;
  for (const Value& item : items_of(object, key)) {
    if (item.is_string()) out.push_back(arena.copy(item.as_string()));
  }
  return out;
}

// ".spec.replicas"
std::vector<std::string> path_of(std::string_view text) {
  std::vector<std::string> out;
  if (text.starts_with('.')) text.remove_prefix(1);
  if (text.empty()) return out;
  for (const std::string_view part : split(text, '.')) out.emplace_back(part);
  return out;
}

std::string deprecation_of(const Value& spec, const Value& version) {
  if (!version.bool_at("deprecated")) return "";
  const std::string_view own = version.string_at("deprecationWarning");
  if (!own.empty()) return std::string(own);
  const std::string group(spec.string_at("group"));
  const std::string_view name = version.string_at("name");
  const Value* names = spec.find("names");
  const std::string kind(names == nullptr ? "" : names->string_at("kind"));
  std::string_view best;
  for (const Value& other : items_of(spec, "versions")) {
    const std::string_view candidate = other.string_at("name");
    if (!other.bool_at("served") || other.bool_at("deprecated")) continue;
    if (!api::is_preferred_version(candidate, name)) continue;
    if (best.empty() || api::is_preferred_version(candidate, best)) best = candidate;
  }
  std::string text = group + "/" + std::string(name) + " " + kind + " is deprecated";
  if (!best.empty()) text += "; use " + group + "/" + std::string(best) + " " + kind;
  return text;
}

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

Result<std::shared_ptr<const CustomKind>> CustomKind::create(store::ObjectRef definition) {
  api::Arena arena(16 << 10);
  auto tree = parse_stored(arena, *definition);
  if (!tree) return std::unexpected(std::move(tree.error()));
  auto made = std::make_shared<CustomKind>();
  made->definition_ = std::move(definition);
  if (auto ok = made->read(*tree); !ok) return std::unexpected(std::move(ok.error()));
  return made;
}

const CustomVersion* CustomKind::find_version(std::string_view name) const {
  for (const auto& version : versions_) {
    if (version->resource.version == name) return version.get();
  }
  return nullptr;
}

const CustomVersion* CustomKind::find_api_version(std::string_view text) const {
  const auto slash = text.find('/');
  return slash == text.npos ? nullptr : find_version(text.substr(slash + 1));
}

Result<void> CustomKind::read(const Value& definition) {
  const Value* spec = definition.find("spec");
  const Value* names = definition.find_path({"status", "acceptedNames"});
  if (spec == nullptr || names == nullptr) return errors::bad_request("the definition is empty");
  is_terminating_ = definition.find_path({"metadata", "deletionTimestamp"}) != nullptr;
  read_names(*spec, *names);
  for (const Value& version : items_of(*spec, "versions")) {
    if (auto ok = read_version(*spec, version); !ok) return ok;
  }
  read_conversion(*spec);
  if (storage_ == nullptr) return errors::bad_request("no version is the stored one");
  return {};
}

void CustomKind::read_names(const Value& spec, const Value& names) {
  common_.group = arena_.copy(spec.string_at("group"));
  common_.name = arena_.copy(names.string_at("plural"));
  common_.singular = arena_.copy(names.string_at("singular"));
  common_.kind = arena_.copy(names.string_at("kind"));
  list_kind_ = arena_.copy(names.string_at("listKind"));
  short_names_ = texts_of(arena_, names, "shortNames");
  categories_ = texts_of(arena_, names, "categories");
  common_.short_names = short_names_;
  common_.categories = categories_;
  common_.verbs = kVerbs;
  common_.namespaced = spec.string_at("scope") == "Namespaced";
  common_.enabled = true;
  const std::string group(common_.group);
  common_.storage_resource = arena_.copy(group + "/" + std::string(common_.name));
  for (const Value& version : items_of(spec, "versions")) {
    if (version.bool_at("storage")) {
      common_.storage_version = arena_.copy(group + "/" + std::string(version.string_at("name")));
    }
  }
}

Result<void> CustomKind::read_version(const Value& spec, const Value& version) {
  auto made =
      std::make_unique<CustomVersion>(common_.group, arena_.copy(version.string_at("name")));
  made->resource = common_;
  made->resource.version = arena_.copy(version.string_at("name"));
  made->resource.custom = made.get();
  made->kind = this;
  made->serial = next_serial();
  made->is_served = version.bool_at("served");
  made->prunes = !spec.bool_at("preserveUnknownFields");
  made->deprecation_warning = deprecation_of(spec, version);
  if (const Value* schema = version.find_path({"schema", "openAPIV3Schema"});
      schema != nullptr && schema->is_object()) {
    auto parsed = api::structural::Schema::parse(*schema);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    made->schema = std::move(*parsed);
    const auto& node = made->schema->root();
    if (node.has_rules) made->rules = CustomRules::create(*schema, node);
  }
  const auto* root = made->schema == nullptr ? nullptr : &made->schema->root();
  made->types.make_kind(made->type, common_.kind, made->prunes ? root : nullptr);
  made->types.make_list(made->list_type, list_kind_, made->type);
  made->resource.type = &made->type;
  made->resource.list_type = &made->list_type;
  read_subresources(*made, version);
  for (const Value& field : items_of(version, "selectableFields")) {
    std::string_view path = field.string_at("jsonPath");
    if (path.starts_with('.')) path.remove_prefix(1);
    made->field_selectors.push_back(arena_.copy(path));
  }
  made->resource.field_selectors = made->field_selectors;
  if (auto ok = read_columns(*made, version); !ok) return ok;
  if (version.bool_at("storage")) storage_ = made.get();
  versions_.push_back(std::move(made));
  return {};
}

void CustomKind::read_subresources(CustomVersion& made, const Value& version) {
  const Value* all = version.find("subresources");
  if (all == nullptr || !all->is_object()) return;
  const auto is_set = [&](std::string_view key) {
    const Value* value = all->find(key);
    return value != nullptr && value->is_object();
  };
  made.has_status = is_set("status");
  made.has_scale = is_set("scale");
  const api::ResourceInfo& resource = made.resource;
  if (made.has_status) {
    made.subresources.push_back({"status", resource.type, resource.group, resource.version,
                                 resource.kind, kSubresourceVerbs});
  }
  if (made.has_scale) {
    const Value& scale = *all->find("scale");
    made.scale.spec_replicas = path_of(scale.string_at("specReplicasPath"));
    made.scale.status_replicas = path_of(scale.string_at("statusReplicasPath"));
    made.scale.selector = path_of(scale.string_at("labelSelectorPath"));
    const auto* type = api::builtin_schema().find_type("autoscaling", "v1", "Scale");
    made.subresources.push_back({"scale", type, "autoscaling", "v1", "Scale", kSubresourceVerbs});
  }
  made.resource.subresources = made.subresources;
}

Result<void> CustomKind::read_columns(CustomVersion& made, const Value& version) {
  std::vector<CustomColumn> columns;
  for (const Value& column : items_of(version, "additionalPrinterColumns")) {
    auto path = api::JsonPath::parse(column.string_at("jsonPath"));
    if (!path) break;  // Those before it are shown.
    columns.push_back({std::string(column.string_at("name")), std::string(column.string_at("type")),
                       std::string(column.string_at("format")),
                       std::string(column.string_at("description")), column.int_at("priority"),
                       std::move(*path)});
    if (columns.back().description.empty()) {
      columns.back().description = "Custom resource definition column (in JSONPath format): " +
                                   std::string(column.string_at("jsonPath"));
    }
  }
  if (columns.empty()) {
    auto age = api::JsonPath::parse(".metadata.creationTimestamp");
    columns.push_back({"Age", "date", "", "Age of the object.", 0, std::move(*age)});
  }
  made.columns = TableColumns::custom(std::move(columns));
  return {};
}

void CustomKind::read_conversion(const Value& spec) {
  const Value* conversion = spec.find("conversion");
  if (conversion == nullptr || conversion->string_at("strategy") != "Webhook") return;
  const Value* webhook = conversion->find("webhook");
  if (webhook == nullptr) return;
  webhook_ = std::make_unique<ConversionWebhook>();
  if (auto place = read_webhook_place(webhook->find("clientConfig"))) {
    webhook_->service = std::move(place->service);
    if (auto target = WebhookTarget::create(std::move(place->options))) webhook_->target = *target;
  }
  for (const Value& version : items_of(*webhook, "conversionReviewVersions")) {
    if (version.is_string()) webhook_->review_versions.emplace_back(version.as_string());
  }
}

}  // namespace pinnace::apiserver

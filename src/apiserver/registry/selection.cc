#include "apiserver/registry/selection.h"

#include <algorithm>

#include "api/json.h"
#include "api/json_scan.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Labels whose value stands elsewhere than the label says.
struct Alias {
  std::string_view label, path;
};
constexpr Alias kAliases[] = {
    {"spec.host", "spec.nodeName"},
    {"status.successful", "status.succeeded"},
    {"source", "source.component"},
    {"reportingController", "reportingComponent"},
};
constexpr std::string_view kRegarding = "regarding.";
// A boolean that JSON leaves out when it is false.
constexpr std::string_view kBooleans[] = {"spec.unschedulable", "spec.hostNetwork"};

// JSON text of a scalar as a selector compares it.
std::string scalar_text(std::string_view json) {
  if (!json.starts_with('"')) return std::string(json);
  const std::string_view inner = json.substr(1, json.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return std::string(inner);
  api::Arena arena;
  const auto parsed = api::parse_json(arena, json);
  return parsed && parsed->is_string() ? std::string(parsed->as_string()) : std::string();
}

std::string field_text(std::string_view object, std::string_view label) {
  std::string path(label);
  for (const Alias& alias : kAliases) {
    if (alias.label == label) path = alias.path;
  }
  if (path.starts_with(kRegarding)) path = "involvedObject." + path.substr(kRegarding.size());
  const std::string_view found = api::find_in_json(object, split(path, '.'));
  if (!found.empty() && found != "null") return scalar_text(found);
  return std::ranges::find(kBooleans, path) != std::end(kBooleans) ? "false" : "";
}

}  // namespace

Result<Selection> Selection::parse(const Query& query, const api::ResourceInfo& resource) {
  Selection selection;
  auto labels = api::parse_label_selector(query.get("labelSelector"));
  if (!labels) return std::unexpected(std::move(labels.error()));
  auto fields = api::parse_field_selector(query.get("fieldSelector"));
  if (!fields) return std::unexpected(std::move(fields.error()));
  for (const auto& requirement : fields->requirements()) {
    const bool is_meta =
        requirement.field == "metadata.name" || (requirement.field == "metadata.namespace");
    const auto& known = resource.field_selectors;
    if (!is_meta && std::find(known.begin(), known.end(), requirement.field) == known.end()) {
      return errors::bad_request("field label not supported: " + requirement.field);
    }
    if (!is_meta) selection.needs_body_ = true;
  }
  selection.labels_ = std::move(*labels);
  selection.fields_ = std::move(*fields);
  if (const auto* name = selection.fields_.required_value("metadata.name")) {
    selection.only_name_ = *name;
  }
  selection.needs_body_ = selection.needs_body_ || !selection.labels_.matches_everything();
  return selection;
}

void Selection::keep_only(const std::string& name) {
  if (name == only_name_) return;
  auto requirements = fields_.requirements();
  requirements.push_back({.field = "metadata.name", .value = name});
  fields_ = api::FieldSelector(std::move(requirements));
  only_name_ = name;
}

bool Selection::matches(const store::Object& object) const {
  if (matches_everything()) return true;
  const auto key_text = [&](std::string_view field) -> std::string {
    return field == "metadata.name" ? object.key.name : object.key.ns;
  };
  if (!needs_body_) return fields_.matches_fields(key_text);
  thread_local std::string room;  // Lists ask of one after the other.
  const std::string_view json = object.json.read(room);
  if (!labels_.matches_everything() && !matches_labels(json)) return false;
  return fields_.matches_fields([&](std::string_view field) {
    const bool is_key = field == "metadata.name" || field == "metadata.namespace";
    return is_key ? key_text(field) : field_text(json, field);
  });
}

bool Selection::matches_labels(std::string_view json) const {
  static constexpr std::string_view kPath[] = {"metadata", "labels"};
  thread_local api::Arena arena(8 << 10);
  arena.reset();
  const std::string_view text = api::find_in_json(json, kPath);
  if (text.empty()) return labels_.matches(static_cast<const api::Value*>(nullptr));
  const auto labels = api::parse_json(arena, text);
  return labels && labels_.matches(&*labels);
}

}  // namespace pinnace::apiserver

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
// What JSON leaves out when it is nothing, and how that is written.
constexpr struct {
  std::string_view path, text;
} kAbsent[] = {
    {"spec.unschedulable", "false"}, {"spec.hostNetwork", "false"}, {"status.succeeded", "0"}};

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
  // Newer reporters of events say who they are elsewhere.
  if (label == "source") return field_text(object, "reportingController");
  for (const auto& absent : kAbsent) {
    if (absent.path == path) return std::string(absent.text);
  }
  return {};
}

// Kinds that Kubernetes asks about each label themselves, and their words for what they lack.
struct OwnWords {
  std::string_view group, resource;  // "*": any of the group.
  std::string_view before, after;    // The label stands between these.
  bool is_quoted = false;
};
constexpr std::string_view kNotSupported = "field label not supported: ";
constexpr OwnWords kOwnWords[] = {
    {"", "pods", kNotSupported, ""},
    {"", "nodes", kNotSupported, ""},
    {"", "replicationcontrollers", kNotSupported, ""},
    {"", "events", kNotSupported, ""},
    {"", "namespaces", kNotSupported, ""},
    {"", "secrets", kNotSupported, ""},
    {"", "services", kNotSupported, ""},
    {"events.k8s.io", "*", kNotSupported, ""},
    {"certificates.k8s.io", "*", kNotSupported, ""},
    {"batch", "jobs", "field label ", " not supported for batchv1.Job", true},
};

const OwnWords* own_words(const api::ResourceInfo& resource) {
  static constexpr OwnWords kCustom{"", "", kNotSupported, ""};
  if (resource.custom != nullptr) return &kCustom;
  for (const OwnWords& words : kOwnWords) {
    if (words.group == resource.group &&
        (words.resource == "*" || words.resource == resource.name)) {
      return &words;
    }
  }
  return nullptr;
}

bool names_its_fields(const api::ResourceInfo& resource) {
  return own_words(resource) != nullptr || resource.name == "resourceslices";
}

std::string unknown_field(const api::ResourceInfo& resource, const std::string& label) {
  std::string shown;
  api::write_json_string(shown, label);
  if (const OwnWords* words = own_words(resource)) {
    return std::string(words->before) + (words->is_quoted ? shown : label) +
           std::string(words->after);
  }
  if (resource.name == "resourceslices") {
    return "field label not supported for " + std::string(resource.group) + "/" +
           std::string(resource.version) + ", Kind=ResourceSlice: " + label;
  }
  return shown + " is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
}

std::string_view labels_text(std::string_view json) {
  static constexpr std::string_view kPath[] = {"metadata", "labels"};
  return api::find_in_json(json, kPath);
}

// Of all who ask for it the first one looks.
std::uint32_t labels_offset(const store::Object& object, std::string_view json) {
  std::uint32_t offset = object.labels_offset.load(std::memory_order_relaxed);
  if (offset != store::Object::kLabelsUnknown) return offset;
  const std::string_view text = labels_text(json);
  offset = text.empty() ? store::Object::kNoLabels
                        : static_cast<std::uint32_t>(text.data() - json.data());
  object.labels_offset.store(offset, std::memory_order_relaxed);
  return offset;
}

}  // namespace

Result<Selection> Selection::parse(const Query& query) {
  Selection selection;
  auto labels = api::parse_label_selector(query.get("labelSelector"));
  if (!labels) return std::unexpected(std::move(labels.error()));
  auto fields = api::parse_field_selector(query.get("fieldSelector"));
  if (!fields) return std::unexpected(std::move(fields.error()));
  selection.labels_ = std::move(*labels);
  selection.fields_ = std::move(*fields);
  for (const auto& requirement : selection.fields_.requirements()) {
    const bool is_key =
        requirement.field == "metadata.name" || requirement.field == "metadata.namespace";
    if (!is_key) selection.needs_body_ = true;
  }
  if (const auto* name = selection.fields_.required_value("metadata.name")) {
    selection.only_name_ = *name;
  }
  selection.needs_body_ = selection.needs_body_ || !selection.labels_.matches_everything();
  return selection;
}

Result<void> Selection::check_fields(const api::ResourceInfo& resource) const {
  const auto& known = resource.field_selectors;
  for (const auto& requirement : fields_.requirements()) {
    const std::string& label = requirement.field;
    if (label == "metadata.name" || std::ranges::find(known, label) != known.end()) continue;
    const bool offers_namespace = resource.namespaced || !names_its_fields(resource);
    if (label == "metadata.namespace" && offers_namespace) continue;
    return errors::bad_request(unknown_field(resource, label));
  }
  return {};
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
  if (!labels_.matches_everything() && !matches_labels(object, json)) return false;
  return fields_.matches_fields([&](std::string_view field) {
    const bool is_key = field == "metadata.name" || field == "metadata.namespace";
    return is_key ? key_text(field) : field_text(json, field);
  });
}

bool Selection::matches_name(std::string_view name) const {
  return labels_.matches(static_cast<const api::Value*>(nullptr)) &&
         fields_.matches_fields([&](std::string_view field) {
           return field == "metadata.name" ? name : std::string_view();
         });
}

bool Selection::matches_labels(const store::Object& object, std::string_view json) const {
  // Many watches look at one event after another, and lists at many objects of the same labels.
  struct Latest {
    api::Arena arena{8 << 10};
    std::string text;
    Result<api::Value> labels = api::Value::null();
  };
  thread_local Latest latest;
  const std::uint32_t offset = labels_offset(object, json);
  if (offset == store::Object::kNoLabels) {
    return labels_.matches(static_cast<const api::Value*>(nullptr));
  }
  // What begins with a whole object is that object.
  if (latest.text.empty() || !json.substr(offset).starts_with(latest.text)) {
    latest.text = labels_text(json);
    latest.arena.reset();
    latest.labels = api::parse_json(latest.arena, latest.text);
  }
  return latest.labels && labels_.matches(&*latest.labels);
}

}  // namespace pinnace::apiserver

#include "apiserver/custom/validate_definition.h"

#include <algorithm>
#include <set>
#include <string>

#include "api/json.h"
#include "api/json_path.h"
#include "api/names.h"
#include "apiserver/custom/definition_status.h"
#include "apiserver/custom/validate_schema.h"
#include "apiserver/strategies/field.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

constexpr std::string_view kApproval = "api-approved.kubernetes.io";
constexpr std::size_t kMaxWarning = 256;
constexpr std::size_t kMaxSelectable = 8;

// "a,b", as Kubernetes shows several complaints about one text here.
std::string joined(const api::Complaints& complaints) {
  std::string out;
  for (const auto& text : complaints) (out += out.empty() ? "" : ",") += text;
  return out;
}

void check_label(const Field& field) {
  if (field.empty()) return;
  const auto complaints = api::check_dns1035_label(field.text());
  if (!complaints.empty()) field.invalid(joined(complaints));
}

void check_kind(const Field& field) {
  if (field.empty()) return;
  const auto complaints = api::check_dns1035_label(to_lower(field.text()));
  if (complaints.empty()) return;
  field.invalid("may have mixed case, but should otherwise match: " + joined(complaints));
}

void check_choice(const Field& field, const std::vector<std::string>& valid) {
  if (!field.require()) return;
  if (std::ranges::find(valid, field.text()) == valid.end()) field.not_supported(valid);
}

void check_group(const Field& group) {
  if (!group.require()) return;
  const auto complaints = api::check_dns1123_subdomain(group.text());
  if (!complaints.empty())
    group.invalid(joined(complaints));
  else if (group.text().find('.') == std::string_view::npos)
    group.invalid("should be a domain with at least one dot");
}

void check_names(const Field& names) {
  for (const char* name : {"plural", "singular", "kind", "listKind"}) names[name].require();
  check_label(names["plural"]);
  check_label(names["singular"]);
  check_kind(names["kind"]);
  check_kind(names["listKind"]);
  for (const Field& name : names["shortNames"].items()) check_label(name);
  if (!names["kind"].empty() && names["kind"].text() == names["listKind"].text()) {
    names["listKind"].invalid("kind and listKind may not be the same");
  }
  for (const Field& name : names["categories"].items()) check_label(name);
}

// ".spec.replicas": a path of members.
bool check_simple_path(const Field& path) {
  const std::string_view text = path.text();
  if (text.empty()) {
    path.invalid("must not be empty");
  } else if (!text.starts_with('.')) {
    path.invalid("must be a simple json path starting with .");
  } else if (const auto parsed = api::JsonPath::parse(text); !parsed) {
    path.invalid("illegal JSONPath: " + parsed.error().message);
  } else {
    return true;
  }
  return false;
}

void check_column(const Field& column) {
  static const std::vector<std::string> kTypes{"boolean", "date", "integer", "number", "string"};
  static const std::vector<std::string> kFormats{"byte",  "date",  "date-time", "double",
                                                 "float", "int32", "int64",     "password"};
  const auto check = [](const Field& field, const std::vector<std::string>& valid) {
    std::string list;
    for (const auto& each : valid) (list += list.empty() ? "" : ",") += each;
    const std::string why = "must be one of " + list;
    if (field.empty())
      field.required(why);
    else if (std::ranges::find(valid, field.text()) == valid.end())
      field.invalid(why);
  };
  column["name"].require();
  check(column["type"], kTypes);
  if (!column["format"].empty()) check(column["format"], kFormats);
  if (column["jsonPath"].require()) check_simple_path(column["jsonPath"]);
}

void check_scale_path(const Field& path, std::initializer_list<std::string_view> roots,
                      std::string_view why) {
  if (!check_simple_path(path)) return;
  const bool is_below = std::ranges::any_of(
      roots, [&](std::string_view root) { return path.text().starts_with(root); });
  if (!is_below) path.invalid(why);
}

void check_scale(const Field& scale) {
  if (!scale.is_set()) return;
  const Field spec = scale["specReplicasPath"], status = scale["statusReplicasPath"];
  if (spec.require()) check_scale_path(spec, {".spec."}, "should be a json path under .spec");
  if (status.require()) {
    check_scale_path(status, {".status."}, "should be a json path under .status");
  }
  const Field selector = scale["labelSelectorPath"];
  if (selector.empty()) return;
  check_scale_path(selector, {".spec.", ".status."},
                   "should be a json path under either .spec or .status");
}

void check_warning(const Field& version) {
  const Field warning = version["deprecationWarning"];
  if (!warning.is_set()) return;
  const std::string_view text = warning.text();
  if (!version["deprecated"].flag()) warning.invalid("can only be set for deprecated versions");
  if (text.empty()) warning.invalid("must not be an empty string");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != 0x7f) continue;
    warning.invalid(
        "must only contain printable UTF-8 characters; non-printable character found at index " +
        std::to_string(i));
    break;
  }
  if (text.size() > kMaxWarning) {
    warning.invalid("must be <= " + std::to_string(kMaxWarning) + " characters long");
  }
}

// The schema of the member that a simple path leads to; null where there is none.
const Value* schema_at(const Value* schema, std::string_view path) {
  if (path.starts_with('.')) path.remove_prefix(1);
  for (const std::string_view name : split(path, '.')) {
    schema = schema == nullptr ? nullptr : schema->find("properties");
    schema = schema == nullptr ? nullptr : schema->find(name);
  }
  return schema;
}

void check_selectable(const Field& version) {
  const Field fields = version["selectableFields"];
  if (fields.size() == 0) return;
  const Field schema = version["schema"]["openAPIV3Schema"];
  if (!schema.is_set()) {
    return fields.invalid_value(
        "\"\"",
        "selectableFields may only be set when version.schema.openAPIV3Schema is not "
        "included");
  }
  if (fields.size() > kMaxSelectable) fields.too_many(kMaxSelectable);
  std::set<std::string_view> seen;
  for (const Field& field : fields.items()) {
    const Field path = field["jsonPath"];
    if (!path.require()) continue;
    if (!path.text().starts_with('.') || path.text().find('[') != std::string_view::npos) {
      path.invalid("must be a simple json path starting with .");
      continue;
    }
    if (path.text().starts_with(".metadata.") || path.text() == ".metadata") {
      path.invalid("must not point to fields in metadata");
      continue;
    }
    if (!seen.insert(path.text()).second) path.duplicate();
    const Value* there = schema_at(schema.value(), path.text());
    const std::string_view type = there == nullptr ? "" : there->string_at("type");
    if (there == nullptr) {
      path.invalid("must point to a field specified in the schema");
    } else if (type != "string" && type != "integer" && type != "boolean") {
      path.invalid(
          "must point to a field of type string, boolean or integer. Enum string fields "
          "and strings with formats are allowed.");
    }
  }
}

void check_webhook(const Field& conversion) {
  const Field webhook = conversion["webhook"];
  const Field client = webhook["clientConfig"];
  const Field versions = webhook["conversionReviewVersions"];
  if (!client.is_set()) {
    conversion["webhookClientConfig"].required("required when strategy is set to Webhook");
  } else {
    const Field at = client.as("spec.conversion.webhookClientConfig");
    const bool has_url = client["url"].is_set(), has_service = client["service"].is_set();
    if (has_url == has_service) at.required("exactly one of url or service is required");
    if (has_url && !client["url"].text().starts_with("https://")) {
      at["url"].invalid(
          "'https' is the only allowed URL scheme: desired format: "
          "https://host[/path]");
    }
    if (has_service) {
      const Field service = at["service"];
      if (service["name"].empty()) service["name"].required("service name is required");
      if (service["namespace"].empty()) {
        service["namespace"].required("service namespace is required");
      }
      if (service["port"].is_set() &&
          (service["port"].number() < 1 || service["port"].number() > 65535)) {
        service["port"].invalid("port is not valid: must be between 1 and 65535, inclusive");
      }
    }
  }
  const Field at = versions.as("spec.conversion.conversionReviewVersions");
  if (versions.size() == 0) return at.required("");
  const bool is_known = std::ranges::any_of(versions.items(), [](const Field& version) {
    return version.text() == "v1" || version.text() == "v1beta1";
  });
  if (!is_known) at.invalid("must include at least one of v1, v1beta1");
}

void check_conversion(const Field& conversion) {
  if (!conversion.is_set()) return;
  check_choice(conversion["strategy"], {"None", "Webhook"});
  if (conversion["strategy"].text() == "Webhook") return check_webhook(conversion);
  constexpr std::string_view kWhy = "should not be set when strategy is not set to Webhook";
  const Field webhook = conversion["webhook"];
  if (webhook["clientConfig"].is_set()) conversion["webhookClientConfig"].forbidden(kWhy);
  if (webhook["conversionReviewVersions"].size() > 0) {
    conversion["conversionReviewVersions"].forbidden(kWhy);
  }
}

void check_version_names(const Field& versions) {
  std::set<std::string_view> names;
  std::size_t stored = 0;
  bool is_unique = true;
  for (const Field& version : versions.items()) {
    is_unique = names.insert(version["name"].text()).second && is_unique;
    if (version["storage"].flag()) ++stored;
  }
  if (!is_unique) versions.invalid("must contain unique version names");
  if (stored != 1) {
    versions.invalid("must have exactly one version marked as storage version");
  }
}

// Where the schemas of a definition must be structural.
bool wants_structure(const Field& spec, const DefinitionDemands& demands) {
  if (!demands.is_old || !spec["preserveUnknownFields"].flag()) return true;
  const std::string text =
      spec["versions"].is_set() ? api::to_json_text(*spec["versions"].value()) : "";
  return text.find("\"x-kubernetes-") != std::string::npos ||
         text.find("\"nullable\":true") != std::string::npos;
}

void check_version(const Field& version, const DefinitionDemands& demands, bool is_structural) {
  const auto complaints = api::check_dns1035_label(version["name"].text());
  if (!complaints.empty()) version["name"].invalid(joined(complaints));
  check_warning(version);
  const Field schema = version["schema"]["openAPIV3Schema"];
  if (schema.is_set() && schema.value()->is_object()) {
    validate_schema(schema, {.is_structural = is_structural, .is_strict = true});
  } else if (!demands.is_old) {
    schema.required("schemas are required");
  }
  check_scale(version["subresources"]["scale"]);
  for (const Field& column : version["additionalPrinterColumns"].items()) check_column(column);
  check_selectable(version);
}

void check_spec(const Field& spec, const DefinitionDemands& demands, bool is_structural) {
  check_group(spec["group"]);
  check_choice(spec["scope"], {"Cluster", "Namespaced"});
  for (const Field& version : spec["versions"].items()) {
    check_version(version, demands, is_structural);
  }
  check_version_names(spec["versions"]);
  check_names(spec["names"]);
  check_conversion(spec["conversion"]);
  if (!spec["preserveUnknownFields"].flag() || demands.is_old) return;
  spec["preserveUnknownFields"].invalid(
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
      "spec.versions[*].schema instead");
}

void check_stored_versions(const Field& definition) {
  const Field stored = definition["status"]["storedVersions"];
  if (stored.size() == 0) return stored.invalid("must have at least one stored version");
  const auto versions = definition["spec"]["versions"].items();
  const auto names = definition["spec"]["versions"].texts_of_items("name");
  std::set<std::string_view> seen;
  for (const Field& name : stored.items()) {
    if (!seen.insert(name.text()).second) {
      name.duplicate();
      continue;
    }
    if (names.contains(name.text())) continue;
    const std::string text(name.text());
    name.invalid("missing from spec.versions; " + text +
                 " was previously a storage version, and must remain in spec.versions until a "
                 "storage migration ensures no data remains persisted in " +
                 text + " and removes " + text + " from status.storedVersions");
  }
  for (const Field& version : versions) {
    const std::string name(version["name"].text());
    if (version["storage"].flag() && !seen.contains(name)) {
      stored.invalid("must have the storage version " + name);
    }
  }
}

void check_approval(std::vector<Cause>& causes, const Value& definition, const Value* old) {
  api::Arena arena;
  const Condition now = approval_of(arena, definition);
  if (now.type.empty() || now.reason == "ApprovedAnnotation" ||
      now.reason == "UnapprovedAnnotation") {
    return;
  }
  if (old != nullptr && approval_of(arena, *old).reason == now.reason) return;
  const std::string field = "metadata.annotations[" + std::string(kApproval) + "]";
  if (now.reason == "MissingAnnotation") {
    causes.push_back(cause::required(field, now.message));
    return;
  }
  const Value* said = definition.find_path({"metadata", "annotations", kApproval});
  causes.push_back(cause::invalid(field, api::to_json_text(*said), now.message));
}

Field root_of(std::vector<Cause>& causes, api::Arena& arena, const Value& definition) {
  return {causes, arena, &definition};
}

bool has(const std::vector<Cause>& causes, const Cause& wanted) {
  return std::ranges::any_of(causes, [&](const Cause& cause) {
    return cause.field == wanted.field && cause.message == wanted.message;
  });
}

}  // namespace

void validate_definition(std::vector<Cause>& causes, const Value& definition,
                         const DefinitionDemands& demands) {
  api::Arena arena;
  const Field root = root_of(causes, arena, definition);
  const Field spec = root["spec"];
  const std::string wanted =
      std::string(spec["names"]["plural"].text()) + "." + std::string(spec["group"].text());
  const Field name = root["metadata"]["name"];
  if (!name.empty() && name.text() != wanted) {
    name.invalid("must be spec.names.plural+\".\"+spec.group");
  }
  check_spec(spec, demands, wants_structure(spec, demands));
  check_stored_versions(root);
  check_approval(causes, definition, nullptr);
}

void validate_definition_update(std::vector<Cause>& causes, const Value& definition,
                                const Value& old, const DefinitionDemands& demands) {
  api::Arena arena;
  const Field root = root_of(causes, arena, definition);
  const Field spec = root["spec"];
  const auto was = [&](std::initializer_list<std::string_view> path) {
    return old.find_path(path);
  };
  if (is_condition_true(old, "Established")) {
    spec["scope"].immutable(was({"spec", "scope"}));
    spec["names"]["kind"].immutable(was({"spec", "names", "kind"}));
  }
  spec["group"].immutable(was({"spec", "group"}));
  spec["names"]["plural"].immutable(was({"spec", "names", "plural"}));
  // What is as it was is not refused; old definitions may keep unknown fields.
  const Value* before = was({"spec"});
  DefinitionDemands milder = demands;
  milder.is_old = milder.is_old || (before != nullptr && before->bool_at("preserveUnknownFields"));
  if (before == nullptr || !api::equal(*before, *spec.value())) {
    std::vector<Cause> now, then;
    check_spec(root_of(now, arena, definition)["spec"], milder, wants_structure(spec, milder));
    if (!now.empty()) {
      check_spec(root_of(then, arena, old)["spec"], milder,
                 wants_structure(root_of(then, arena, old)["spec"], milder));
    }
    std::ranges::copy_if(now, std::back_inserter(causes),
                         [&](const Cause& cause) { return !has(then, cause); });
  }
  check_stored_versions(root);
  check_approval(causes, definition, &old);
}

void validate_definition_status(std::vector<Cause>& causes, const Value& definition) {
  api::Arena arena;
  check_stored_versions(root_of(causes, arena, definition));
}

}  // namespace pinnace::apiserver

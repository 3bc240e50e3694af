#include "apiserver/custom/validate_definition.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "api/go_text.h"
#include "api/json.h"
#include "api/names.h"
#include "apiserver/custom/definition_form.h"
#include "apiserver/custom/definition_status.h"
#include "apiserver/custom/field_path.h"
#include "apiserver/custom/schema_keywords.h"
#include "apiserver/custom/validate_defaults.h"
#include "apiserver/custom/validate_schema.h"
#include "apiserver/custom/validate_structure.h"
#include "apiserver/strategies/field.h"
#include "apiserver/strategies/webhook_clients.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using Texts = std::set<std::string_view>;

constexpr std::string_view kApproval = "api-approved.kubernetes.io";
constexpr std::size_t kMaxWarning = 256;
constexpr std::size_t kMaxSelectable = 8;

// What a definition is asked for; an update asks for less where what there was falls short.
struct Demands {
  SchemaDemands schema;
  bool schemas = true;  // Each version has one.
  bool known_review_version = true;
  bool fixed_names = false;
  bool valid_ca_bundle = false;
  bool many_selectable_everywhere = false;
  Texts unchanged;        // Versions whose schema is as it was.
  Texts many_selectable;  // Versions that may go on with too many selectable fields.
};

// "a,b", as Kubernetes shows several complaints about one text here.
std::string joined(const api::Complaints& complaints) {
  std::string out;
  for (const auto& text : complaints) (out += out.empty() ? "" : ",") += text;
  return out;
}

void check_label(const Field& field) {
  const auto complaints = api::check_dns1035_label(field.text());
  if (!complaints.empty()) {
    field.invalid_value(api::go_quoted(field.text()), joined(complaints));
  }
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
  if (!names["plural"].empty()) check_label(names["plural"]);
  if (!names["singular"].empty()) check_label(names["singular"]);
  check_kind(names["kind"]);
  check_kind(names["listKind"]);
  for (const Field& name : names["shortNames"].items()) check_label(name);
  if (!names["kind"].empty() && names["kind"].text() == names["listKind"].text()) {
    names["listKind"].invalid("kind and listKind may not be the same");
  }
  for (const Field& name : names["categories"].items()) check_label(name);
}

// -- A version

// ".spec.replicas": a path of members.
bool check_simple_path(const Field& path) {
  if (path.text().starts_with('.')) return true;
  path.invalid("must be a simple json path starting with .");
  return false;
}

void check_column(const Field& column) {
  const auto check = [](const Field& field, std::initializer_list<std::string_view> valid) {
    std::string why = "must be one of ";
    for (const auto& each : valid) (why += each == *valid.begin() ? "" : ",") += each;
    if (field.empty())
      field.required(why);
    else if (!field.is_among(valid))
      field.invalid(why);
  };
  column["name"].require();
  check(column["type"], {"boolean", "date", "integer", "number", "string"});
  if (!column["format"].empty()) {
    check(column["format"],
          {"byte", "date", "date-time", "double", "float", "int32", "int64", "password"});
  }
  const Field path = column["JSONPath"].with(column["jsonPath"].value());
  if (path.require()) check_simple_path(path);
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
  if (!version["deprecated"].flag()) {
    return warning.invalid("can only be set for deprecated versions");
  }
  if (text.size() > kMaxWarning) {
    warning.invalid("must be <= " + std::to_string(kMaxWarning) + " characters long");
  }
  if (text.empty()) warning.invalid("must not be an empty string");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != 0x7f) continue;
    warning.invalid(
        "must only contain printable UTF-8 characters; non-printable character found at index " +
        std::to_string(i));
    break;
  }
}

void check_selectable(const Field& fields, const Value& schema, bool may_be_many) {
  Texts seen;
  std::set<std::string> paths;
  for (const Field& field : fields.items()) {
    const Field path = field["jsonPath"];
    if (!path.require()) continue;
    const auto found = follow_field_path(path.text(), schema, false);
    if (!found) {
      path.invalid("is an invalid path: " + found.error().message);
      continue;
    }
    if (found->root == "metadata") path.invalid("must not point to fields in metadata");
    const std::string_view type = found->schema->string_at("type");
    if (type != "string" && type != "boolean" && type != "integer") {
      path.invalid(
          "must point to a field of type string, boolean or integer. Enum string fields "
          "and strings with formats are allowed.");
    }
    if (!paths.insert(found->text).second) path.duplicate();
  }
  if (paths.size() <= kMaxSelectable || may_be_many) return;
  fields.causes().push_back(cause::too_many(fields.path(), paths.size(), kMaxSelectable));
}

void check_version(const Field& version, Demands demands, bool has_status) {
  const std::string_view name = version["name"].text();
  check_label(version["name"]);
  check_warning(version);
  demands.schema.has_status = has_status;
  demands.schema.affordable_rules = !demands.unchanged.contains(name);
  validate_schema(version["schema"], demands.schema);
  check_scale(version["subresources"]["scale"]);
  for (const Field& column : version["additionalPrinterColumns"].items()) check_column(column);
  const Field selectable = version["selectableFields"];
  const Field schema = version["schema"]["openAPIV3Schema"];
  if (selectable.size() == 0) return;
  if (!is_object(schema)) {
    return selectable.invalid_value(
        "\"\"", "may only be set when `version.schema.openAPIV3Schema` is not included");
  }
  check_selectable(selectable, *schema.value(), demands.many_selectable.contains(name));
}

// -- The spec, as the rules see it

bool any_schema(const Field& spec, bool (*holds)(const Value&)) {
  const auto is_so = [&](const Field& validation) {
    const Field schema = validation["openAPIV3Schema"];
    return is_object(schema) && holds(*schema.value());
  };
  return is_so(spec["validation"]) ||
         std::ranges::any_of(spec["versions"].items(),
                             [&](const Field& version) { return is_so(version["schema"]); });
}

bool has_schemas(const Field& spec) {
  if (spec["validation"]["openAPIV3Schema"].is_set()) return true;
  return std::ranges::all_of(spec["versions"].items(), [](const Field& version) {
    return version["schema"]["openAPIV3Schema"].is_set();
  });
}

// Which schemas there must be, and what of them all.
void check_schemas(const Field& spec, Demands& demands) {
  const bool keeps_unknown = spec["preserveUnknownFields"].flag();
  if (!keeps_unknown) demands.schema.structure = true;
  if (!spec["validation"]["openAPIV3Schema"].is_set()) {
    for (const Field& version : spec["versions"].items()) {
      const Field schema = version["schema"]["openAPIV3Schema"];
      if (schema.is_set()) continue;
      if (demands.schemas)
        schema.required();
      else if (!keeps_unknown && version["served"].flag())
        schema.required("because otherwise all fields are pruned");
    }
  }
  if (!demands.schema.no_defaults && any_schema(spec, has_defaults)) {
    demands.schema.structure = true;
    if (keeps_unknown) {
      spec["preserveUnknownFields"].invalid("must be false in order to use defaults in the schema");
    }
  }
  if (any_schema(spec, has_extensions)) demands.schema.structure = true;
}

void check_versions(const Field& spec, const Demands& demands) {
  const Field versions = spec["versions"];
  const bool has_status = spec["subresources"]["status"].is_set();
  Texts names;
  std::size_t stored = 0;
  bool is_unique = true;
  for (const Field& version : versions.items()) {
    is_unique = names.insert(version["name"].text()).second && is_unique;
    if (version["storage"].flag()) ++stored;
    check_version(version, demands, has_status || version["subresources"]["status"].is_set());
  }
  const auto refuse = [&](std::string_view why) {
    versions.invalid_value(versions.is_set() ? shown_versions(*versions.value()) : "null", why);
  };
  if (!is_unique) refuse("must contain unique version names");
  if (stored != 1) refuse("must have exactly one version marked as storage version");
  if (!spec["version"].empty()) check_label(spec["version"]);
}

void check_review_versions(const Field& versions, bool is_known_wanted) {
  if (versions.size() == 0) return versions.required();
  Texts seen;
  bool is_known = false;
  for (const Field& version : versions.items()) {
    if (!seen.insert(version.text()).second) {
      version.invalid("duplicate version");
      continue;
    }
    version.each(api::check_dns1035_label(version.text()));
    is_known = is_known || version.is_among({"v1", "v1beta1"});
  }
  if (is_known_wanted && !is_known) versions.invalid("must include at least one of v1, v1beta1");
}

void check_conversion(const Field& conversion, const Demands& demands) {
  if (!conversion.is_set()) return;
  const Field client = conversion["webhookClientConfig"];
  const Field versions = conversion["conversionReviewVersions"];
  check_choice(conversion["strategy"], {"None", "Webhook"});
  if (!conversion["strategy"].is("Webhook")) {
    constexpr std::string_view kWhy = "should not be set when strategy is not set to Webhook";
    if (client.is_set()) client.forbidden(kWhy);
    if (versions.size() > 0) versions.forbidden(kWhy);
    return;
  }
  if (!client.is_set()) {
    client.required("required when strategy is set to Webhook");
  } else {
    validate_webhook_client(client);
    const Field bundle = client["caBundle"];
    const std::string problem =
        bundle.empty() || !demands.valid_ca_bundle ? "" : problem_of_ca_bundle(bundle.text());
    if (!problem.empty()) bundle.invalid(problem);
  }
  check_review_versions(versions, demands.known_review_version);
}

void check_spec(const Field& spec, Demands demands) {
  check_group(spec["group"]);
  check_choice(spec["scope"], {"Cluster", "Namespaced"});
  check_schemas(spec, demands);
  check_versions(spec, demands);
  const Field names = spec["names"];
  for (const char* name : {"plural", "singular", "kind", "listKind"}) names[name].require();
  check_names(names);
  SchemaDemands schema = demands.schema;
  schema.affordable_rules = !demands.unchanged.contains(spec["version"].text());
  const auto versions = spec["versions"].items();
  schema.has_status = spec["subresources"]["status"].is_set() ||
                      std::ranges::any_of(versions, [](const Field& version) {
                        return version["subresources"]["status"].is_set();
                      });
  validate_schema(spec["validation"], schema);
  check_scale(spec["subresources"]["scale"]);
  for (const Field& column : spec["additionalPrinterColumns"].items()) check_column(column);
  if (spec["selectableFields"].size() > 0) {
    const Field shared = spec["validation"]["openAPIV3Schema"];
    if (!is_object(shared)) {
      spec["selectableFields"].invalid_value("\"\"",
                                             "may only be set when validations.schema is included");
    } else {
      check_selectable(spec["selectableFields"], *shared.value(),
                       demands.many_selectable_everywhere);
    }
  }
  const Field strategy = spec["conversion"]["strategy"];
  if (spec["conversion"].is_set() && !strategy.is("None") && spec["preserveUnknownFields"].flag()) {
    strategy.invalid("must be None if spec.preserveUnknownFields is true");
  }
  check_conversion(spec["conversion"], demands);
}

// -- What else there is

void check_stored_versions(const Field& definition) {
  const Field stored = definition["status"]["storedVersions"];
  if (stored.size() == 0) return stored.invalid("must have at least one stored version");
  const auto versions = definition["spec"]["versions"].items();
  Texts names, kept;
  for (const Field& name : stored.items()) kept.insert(name.text());
  for (const Field& version : versions) {
    const std::string name(version["name"].text());
    names.insert(version["name"].text());
    if (version["storage"].flag() && !kept.contains(name)) {
      stored.invalid("must have the storage version " + name);
    }
  }
  for (const Field& name : stored.items()) {
    if (names.contains(name.text())) continue;
    const std::string text(name.text());
    name.invalid("missing from spec.versions; " + text +
                 " was previously a storage version, and must remain in spec.versions until a "
                 "storage migration ensures no data remains persisted in " +
                 text + " and removes " + text + " from status.storedVersions");
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

void check_preservation(const Field& spec, const DefinitionDemands& asked, const Value* old) {
  if (asked.is_old || !spec["preserveUnknownFields"].flag()) return;
  if (old != nullptr && old->bool_at("preserveUnknownFields")) return;
  spec["preserveUnknownFields"].invalid(
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
      "spec.versions[*].schema instead");
}

Demands demands_of(const DefinitionDemands& asked) {
  Demands demands;
  if (!asked.is_old) return demands;
  demands.schemas = demands.schema.structure = demands.schema.known_types = false;
  demands.schema.no_defaults =
      "(cannot set default values in apiextensions.k8s.io/v1beta1 CRDs, must use "
      "apiextensions.k8s.io/v1)";
  return demands;
}

bool is_not_structural(const Value& schema) { return !is_structural(schema); }

const Value* schema_of(const Field& version) {
  return version["schema"]["openAPIV3Schema"].value();
}

void compare_versions(Demands& demands, const Field& spec, const Field& old) {
  std::map<std::string_view, Field> before;
  for (const Field& version : old["versions"].items()) {
    before.emplace(version["name"].text(), version);
  }
  for (const Field& version : spec["versions"].items()) {
    const std::string_view name = version["name"].text();
    const auto found = before.find(name);
    if (found == before.end()) continue;
    const Value* now = schema_of(version);
    const Value* then = schema_of(found->second);
    if (now == nullptr || then == nullptr ? now == then : api::equal(*now, *then)) {
      demands.unchanged.insert(name);
    }
    const Field selectable = found->second["selectableFields"];
    if (selectable.size() > kMaxSelectable &&
        version["selectableFields"].same_as(selectable.value())) {
      demands.many_selectable.insert(name);
    }
  }
}

// What falls short already is not asked for.
void spare_old(Demands& demands, const Field& old, bool is_established) {
  demands.fixed_names = is_established;
  demands.schemas = demands.schemas && has_schemas(old);
  SchemaDemands& schema = demands.schema;
  if (any_schema(old, has_defaults)) schema.no_defaults.reset();
  schema.known_types = schema.known_types && !any_schema(old, has_unknown_types);
  schema.structure = schema.structure && !any_schema(old, is_not_structural);
  schema.pruned_defaults = !any_schema(old, has_unpruned_defaults);
  schema.atomic_sets = !any_schema(old, has_structured_sets);
  schema.keyed_items = !any_schema(old, has_unkeyed_items);
  const Field conversion = old["conversion"];
  const Field versions = conversion["conversionReviewVersions"];
  demands.known_review_version =
      versions.size() == 0 || std::ranges::any_of(versions.items(), [](const Field& version) {
        return version.is_among({"v1", "v1beta1"});
      });
  const Field bundle = conversion["webhookClientConfig"]["caBundle"];
  demands.valid_ca_bundle =
      is_established && (bundle.empty() || problem_of_ca_bundle(bundle.text()).empty());
}

// A definition as the rules see it: the whole, with `spec` in their form.
Value formed(api::Arena& arena, const Value& definition) {
  Value made = Value::object();
  for (const api::Member& member : definition.members()) {
    made.add_ref(arena, member.key, member.value);
  }
  const Value* spec = definition.find("spec");
  made.set_ref(arena, "spec",
               spec != nullptr && spec->is_object() ? rules_form(arena, *spec) : Value::object());
  return made;
}

}  // namespace

void validate_definition(std::vector<Cause>& causes, const Value& definition,
                         const DefinitionDemands& asked) {
  api::Arena arena;
  const Value form = formed(arena, definition);
  const Field root(causes, arena, &form);
  const Field spec = root["spec"];
  const std::string wanted =
      std::string(spec["names"]["plural"].text()) + "." + std::string(spec["group"].text());
  const Field name = root["metadata"]["name"];
  if (!name.empty() && name.text() != wanted) {
    name.invalid("must be spec.names.plural+\".\"+spec.group");
  }
  check_spec(spec, demands_of(asked));
  check_names(root["status"]["acceptedNames"]);
  check_stored_versions(root);
  if (!asked.is_old) check_approval(causes, definition, nullptr);
  check_preservation(spec, asked, nullptr);
}

void validate_definition_update(std::vector<Cause>& causes, const Value& definition,
                                const Value& old, const DefinitionDemands& asked) {
  api::Arena arena;
  const Value form = formed(arena, definition), old_form = formed(arena, old);
  const Field root(causes, arena, &form), before(causes, arena, &old_form);
  const Field spec = root["spec"], old_spec = before["spec"];
  Demands demands = demands_of(asked);
  spare_old(demands, old_spec, is_condition_true(old, "Established"));
  const Field plain(causes, arena, &definition), old_plain(causes, arena, &old);
  compare_versions(demands, plain["spec"], old_plain["spec"]);
  demands.many_selectable_everywhere =
      old_spec["selectableFields"].size() > kMaxSelectable &&
      spec["selectableFields"].same_as(old_spec["selectableFields"].value());
  check_spec(spec, demands);
  if (demands.fixed_names) {
    spec["scope"].immutable(old_spec["scope"].value());
    spec["names"]["kind"].immutable(old_spec["names"]["kind"].value());
  }
  spec["group"].immutable(old_spec["group"].value());
  spec["names"]["plural"].immutable(old_spec["names"]["plural"].value());
  check_names(root["status"]["acceptedNames"]);
  check_stored_versions(root);
  if (!asked.is_old) check_approval(causes, definition, &old);
  check_preservation(spec, asked, old_spec.value());
}

void validate_definition_status(std::vector<Cause>& causes, const Value& definition) {
  api::Arena arena;
  check_names(Field(causes, arena, &definition)["status"]["acceptedNames"]);
}

std::vector<std::string> unknown_formats_of(const Value& definition) {
  api::Arena arena;
  std::vector<Cause> causes;
  std::vector<std::string> found;
  const Value form = formed(arena, definition);
  const Field spec = Field(causes, arena, &form)["spec"];
  const auto add = [&](const Field& validation) {
    const Field schema = validation["openAPIV3Schema"];
    if (!is_object(schema)) return;
    for (auto& format : unknown_formats(*schema.value())) found.push_back(std::move(format));
  };
  add(spec["validation"]);
  for (const Field& version : spec["versions"].items()) add(version["schema"]);
  return found;
}

}  // namespace pinnace::apiserver

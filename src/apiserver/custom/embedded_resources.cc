#include "apiserver/custom/embedded_resources.h"

#include "api/json.h"
#include "api/names.h"
#include "api/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;
using api::structural::Node;

std::string member_of(const std::string& place, std::string_view name) {
  return (place.empty() ? "" : place + ".") + std::string(name);
}

// Visits what stands below `value`; `visit` says whether to go on.
template <typename Values, typename Visit>
bool each_below(Values& value, const Node& node, const std::string& place, const Visit& visit) {
  if (value.is_array() && node.items != nullptr) {
    std::size_t index = 0;
    for (auto& item : value.items()) {
      if (!visit(item, *node.items, place + "[" + std::to_string(index++) + "]")) return false;
    }
  }
  if (!value.is_object()) return true;
  for (auto& member : value.members()) {
    const Node* below = node.property(member.key);
    const bool is_entry = below == nullptr;
    if (is_entry) below = node.additional;
    if (below == nullptr) continue;
    const std::string at =
        is_entry ? place + "[" + std::string(member.key) + "]" : member_of(place, member.key);
    if (!visit(member.value, *below, at)) return false;
  }
  return true;
}

const api::TypeInfo& meta_type() {
  static const api::TypeInfo& kType =
      *api::builtin_schema().find_type("meta.k8s.io", "v1", "ObjectMeta");
  return kType;
}

void check_version(std::vector<Cause>& causes, const Value& version, const std::string& field) {
  if (!version.is_string()) {
    causes.push_back(cause::invalid(field, api::to_json_text(version), "must be a string"));
  } else if (version.as_string().empty()) {
    causes.push_back(cause::invalid(field, "\"\"", "must not be empty"));
  } else if (split(version.as_string(), '/').size() > 2) {
    causes.push_back(
        cause::invalid(field, quoted(version.as_string()),
                       "unexpected GroupVersion string: " + std::string(version.as_string())));
  }
}

void check_kind(std::vector<Cause>& causes, const Value& kind, const std::string& field) {
  if (!kind.is_string()) {
    causes.push_back(cause::invalid(field, api::to_json_text(kind), "must be a string"));
  } else if (kind.as_string().empty()) {
    causes.push_back(cause::invalid(field, "\"\"", "must not be empty"));
  } else {
    std::string why;
    for (const auto& text : api::check_dns1035_label(to_lower(kind.as_string()))) {
      (why += why.empty() ? "" : ",") += text;
    }
    if (why.empty()) return;
    causes.push_back(cause::invalid(field, quoted(kind.as_string()),
                                    "may have mixed case, but should otherwise match: " + why));
  }
}

void check_metadata(std::vector<Cause>& causes, const Value& metadata, const std::string& place) {
  if (!metadata.is_object()) return;
  api::Arena arena;
  Value copy = metadata;
  if (metadata.string_at("name").empty()) {
    copy = api::deep_copy(arena, metadata);
    copy.set_ref(arena, "name", Value::string_ref("any"));
  }
  validate_metadata(causes, copy, place, api::check_path_segment_name);
  const std::string_view ns = metadata.string_at("namespace");
  if (ns.empty()) return;
  for (const auto& text : api::check_dns1123_label(ns)) {
    causes.push_back(cause::invalid(place + ".namespace", quoted(ns), text));
  }
}

}  // namespace

void validate_resource(std::vector<Cause>& causes, const Value& value, const std::string& place) {
  for (const char* name : {"apiVersion", "kind"}) {
    if (value.find(name) == nullptr) causes.push_back(cause::required(member_of(place, name)));
  }
  for (const api::Member& member : value.members()) {
    const std::string field = member_of(place, member.key);
    if (member.key == "apiVersion") check_version(causes, member.value, field);
    if (member.key == "kind") check_kind(causes, member.value, field);
    if (member.key == "metadata") check_metadata(causes, member.value, field);
  }
}

void validate_embedded(std::vector<Cause>& causes, const Value& value, const Node& schema,
                       const std::string& place) {
  if (!schema.has_resources) return;
  if (schema.embedded_resource && value.is_object()) validate_resource(causes, value, place);
  each_below(value, schema, place,
             [&](const Value& below, const Node& node, const std::string& at) {
               validate_embedded(causes, below, node, at);
               return true;
             });
}

Result<void> take_metadata(api::Arena& arena, Value& object, const std::string& place,
                           std::vector<std::string>& unknown) {
  Value* metadata = object.find("metadata");
  if (metadata == nullptr) return {};
  if (metadata->is_null()) {
    *metadata = Value::object();
    return {};
  }
  std::vector<std::string> dropped;
  if (auto ok = api::normalise(arena, *metadata, meta_type(), &dropped); !ok) {
    return errors::bad_request(std::string(api::decoding_problem(meta_type(), ok.error().message)));
  }
  const std::string field = member_of(place, "metadata.");
  for (const std::string& name : dropped) unknown.push_back(field + name);
  return {};
}

Result<void> take_embedded(api::Arena& arena, Value& value, const Node& schema,
                           const std::string& place, std::vector<std::string>& unknown) {
  if (!schema.has_resources) return {};
  if (schema.embedded_resource && value.is_object()) {
    const auto refuse = [&](std::string_view name, const Value& shown, std::string_view why) {
      const Cause cause = cause::invalid(member_of(place, name), api::to_json_text(shown), why);
      return errors::bad_request(cause.field + ": " + cause.message);
    };
    for (const char* name : {"apiVersion", "kind"}) {
      const Value* type = value.find(name);
      if (type == nullptr || type->is_string()) continue;
      return refuse(name, *type, "must be a string");
    }
    const Value* metadata = value.find("metadata");
    const Value before = metadata == nullptr ? Value() : api::deep_copy(arena, *metadata);
    if (auto ok = take_metadata(arena, value, place, unknown); !ok) {
      return refuse("metadata", before, ok.error().message);
    }
  }
  Result<void> done;
  each_below(value, schema, place, [&](Value& below, const Node& node, const std::string& at) {
    done = take_embedded(arena, below, node, at, unknown);
    return done.has_value();
  });
  return done;
}

}  // namespace pinnace::apiserver

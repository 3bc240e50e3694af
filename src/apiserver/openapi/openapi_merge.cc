#include "apiserver/openapi/openapi_merge.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::Value;

constexpr std::string_view kToDefinition = "#/definitions/";

Value without_kinds(Arena& arena, const Value& schema) {
  Value out = Value::object();
  for (const auto& [key, value] : schema.members()) {
    if (key != "x-kubernetes-group-version-kind") out.set_ref(arena, key, value);
  }
  return out;
}

bool is_same(const Value& a, const Value& b) {
  Arena arena;
  return api::equal(without_kinds(arena, a), without_kinds(arena, b));
}

}  // namespace

MergedOpenApi::MergedOpenApi(const RemoteOpenApis& remotes,
                             const std::set<std::string_view>& own_paths,
                             const OwnDefinition& own_definition) {
  for (const RemoteOpenApiRef& remote : remotes) {
    const Names names = new_names(*remote, own_definition);
    for (const auto& [name, schema] : remote->definitions().members()) {
      const auto found = names.find(name);
      const std::string chosen = found == names.end() ? std::string(name) : found->second;
      if (definitions_.contains(chosen) || own_definition(chosen)) continue;
      definitions_.emplace(chosen, renamed(schema, names));
    }
    for (const auto& [path, item] : remote->paths().members()) {
      if (!own_paths.contains(path) && !paths_.contains(path)) {
        paths_.emplace(path, renamed(item, names));
      }
    }
  }
}

// Of the definitions that cannot have their own.
MergedOpenApi::Names MergedOpenApi::new_names(const RemoteOpenApi& remote,
                                              const OwnDefinition& own_definition) {
  Names names;
  const auto taken = [&](const std::string& name) -> std::optional<Value> {
    const auto found = definitions_.find(name);
    if (found != definitions_.end()) return found->second;
    return own_definition(name);
  };
  for (const auto& [name, schema] : remote.definitions().members()) {
    std::string chosen(name);
    auto other = taken(chosen);
    for (int number = 2; other && !is_same(*other, schema); ++number) {
      std::string next = std::string(name) + "_v" + std::to_string(number);
      // Another one of the same document has it.
      if (remote.definitions().find(next) != nullptr) continue;
      chosen = std::move(next);
      other = taken(chosen);
    }
    if (chosen != name) names.emplace(name, chosen);
  }
  return names;
}

// A copy of the nodes in which references follow the new names; the texts are the remote's.
Value MergedOpenApi::renamed(const Value& value, const Names& names) {
  if (names.empty() || (!value.is_object() && !value.is_array())) return value;
  if (value.is_array()) {
    Value out = Value::array();
    for (const Value& item : value.items()) out.append(arena_, renamed(item, names));
    return out;
  }
  Value out = Value::object();
  for (const auto& [key, member] : value.members()) {
    if (key == "$ref" && member.is_string() && member.as_string().starts_with(kToDefinition)) {
      const auto found = names.find(member.as_string().substr(kToDefinition.size()));
      if (found != names.end()) {
        out.set_ref(arena_, key, Value::string(arena_, std::string(kToDefinition) + found->second));
        continue;
      }
    }
    out.set_ref(arena_, key, renamed(member, names));
  }
  return out;
}

}  // namespace pinnace::apiserver

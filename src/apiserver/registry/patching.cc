#include "apiserver/registry/patching.h"

#include <algorithm>

#include "api/go_text.h"
#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/object_codec.h"
#include "api/strategic_merge_patch.h"
#include "api/tree_conversion.h"
#include "apiserver/audit/auditor.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Objects of custom kinds, and their scale: no schema says how to merge their lists.
bool is_custom(const Call& call) {
  return call.resource != nullptr && call.resource->custom != nullptr;
}

constexpr std::size_t kMaxProblems = 100;

// Members of a JSON patch's operations that no operation has.
std::vector<std::string> unknown_members(const api::Value& operations) {
  constexpr std::string_view kMembers[] = {"op", "from", "path", "value"};
  std::vector<std::string> unknown;
  if (!operations.is_array()) return unknown;
  std::size_t at = 0;
  for (const auto& operation : operations.items()) {
    const std::string place = "[" + std::to_string(at++) + "].";
    if (!operation.is_object()) continue;
    for (const auto& [key, value] : operation.members()) {
      if (unknown.size() == kMaxProblems) return unknown;
      if (std::ranges::find(kMembers, key) == std::end(kMembers))
        unknown.push_back(place + std::string(key));
    }
  }
  return unknown;
}

// What Go says of a body that is no patch of its kind; "" of one that is.
std::string shape_problem(const api::Value& body, bool is_json_patch) {
  const auto not_into = [](const api::Value& value, std::string_view type) {
    return "json: cannot unmarshal " + api::go_kind(value) + " into Go " + std::string(type);
  };
  if (!is_json_patch) {
    if (body.is_object() || body.is_null()) return {};
    return not_into(body, "value of type map[string]interface {}");
  }
  if (body.is_null()) return {};
  if (!body.is_array()) return not_into(body, "value of type []handlers.jsonPatchOp");
  for (const auto& operation : body.items()) {
    if (operation.is_null()) continue;
    if (!operation.is_object()) return not_into(operation, "value of type handlers.jsonPatchOp");
    for (const char* key : {"op", "path", "from"}) {
      const auto* text = operation.find(key);
      if (text == nullptr || text->is_string() || text->is_null()) continue;
      return not_into(*text, "struct field jsonPatchOp." + std::string(key) + " of type string");
    }
  }
  return {};
}

Unexpected no_patch() { return errors::bad_request("Invalid JSON Patch"); }

api::Value value_at(const api::Value& object, std::string_view key) {
  const api::Value* value = object.find(key);
  return value == nullptr ? api::Value() : *value;
}

// Go keeps what a patch goes into as maps, whose members it prints in order; what lies beside stays
// as it was.
void sort_patched(api::Value& document, const api::Value& patch) {
  if (!document.is_object() || !patch.is_object()) return;
  std::ranges::sort(document.members(), {}, &api::Member::key);
  for (const auto& [key, change] : patch.members()) {
    if (api::Value* member = document.find(key)) sort_patched(*member, change);
  }
}

}  // namespace

Result<Patch::Kind> Patch::read_kind(const Call& call) {
  const auto is_media = [type = call.request.headers.get("content-type")](std::string_view media) {
    return is_media_type(type, media);
  };
  if (is_media("application/json-patch+json")) return Kind::kJson;
  if (is_media("application/merge-patch+json")) return Kind::kMerge;
  if (is_custom(call)) {
    return errors::unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
  }
  if (is_media("application/strategic-merge-patch+json")) return Kind::kStrategic;
  return errors::unrouted(415, "415: Unsupported Media Type");
}

Result<void> Patch::check_media(const Call& call) {
  if (auto kind = read_kind(call); !kind) return std::unexpected(std::move(kind.error()));
  return {};
}

Result<Patch> Patch::parse(Call& call) {
  Patch patch;
  const auto kind = read_kind(call);
  if (!kind) return std::unexpected(kind.error());
  patch.kind_ = *kind;
  patch.arena_ = std::make_shared<api::Arena>(4096 + call.request.body.size());
  const bool is_json_patch = patch.kind_ == Kind::kJson;
  const bool is_ignoring = call.query.get("fieldValidation") == "Ignore";
  const auto refused = [&](std::string_view problem) {
    const bool is_bare = patch.kind_ == Kind::kStrategic || is_ignoring;
    return errors::bad_request((is_bare ? "" : "error decoding patch: ") + std::string(problem));
  };
  std::vector<std::string> duplicates, unknown;
  // Who ignores fields that nobody knows has a merge patch looked at when it is applied.
  const bool is_looked_at = patch.kind_ != Kind::kMerge || !is_ignoring;
  auto body = api::parse_json(*patch.arena_, call.request.body, {.duplicate_fields = &duplicates});
  if (!body && !is_looked_at) return no_patch();
  if (!body) return refused(api::without_place(body.error().message));
  const std::string problem = is_looked_at ? shape_problem(*body, is_json_patch) : "";
  if (!problem.empty()) return refused(problem);
  patch.body_ = *body;
  audit::take_patch(call, *body);
  if (is_json_patch) unknown = unknown_members(*body);
  for (const auto& wrong : api::field_problems(call.request.body, unknown, duplicates)) {
    patch.problems_.push_back((is_json_patch ? "json patch " : "") + wrong);
  }
  return patch;
}

Result<void> Patch::apply_strategic(api::Arena& arena, api::Value& document,
                                    const api::TypeInfo& type) const {
  // It is about a type's fields, whatever it says to be of.
  const api::Value version = value_at(document, "apiVersion");
  const api::Value kind = value_at(document, "kind");
  // Its values become part of the result, so each attempt gets its own.
  const api::Value body = api::copy_nodes(arena, body_);
  if (auto ok = api::apply_strategic_merge_patch(arena, document, body, type); !ok) return ok;
  const auto restore = [&](std::string_view key, const api::Value& value) {
    const api::Value made = value_at(document, key);
    // What is no text is refused later on.
    if (!value.is_null() && (made.is_null() || made.is_string())) {
      document.set_ref(arena, key, value);
    }
  };
  restore("apiVersion", version);
  restore("kind", kind);
  return {};
}

Result<api::Value> Patch::apply(api::Arena& arena, api::Value document,
                                const api::TypeInfo& type) const {
  Result<void> done;
  switch (kind_) {
    case Kind::kJson:
      done = api::apply_json_patch(arena, document, body_);
      break;
    case Kind::kMerge:
      if (!body_.is_object() && !body_.is_array()) return no_patch();
      // A list takes the object's place, without nulls as where there was none.
      if (body_.is_array()) document = api::Value();
      api::apply_merge_patch(arena, document, body_);
      break;
    case Kind::kStrategic:
      done = apply_strategic(arena, document, type);
      break;
  }
  // Why a JSON patch does not apply is not told.
  const bool is_told =
      done || done.error().code == 413 || (kind_ == Kind::kStrategic && done.error().code != 422);
  if (!is_told) return errors::unrouted(422);
  if (!done) return std::unexpected(std::move(done.error()));
  return document;
}

Unexpected Patch::refusal(api::Arena& arena, const api::Value& object, const api::TypeInfo& type,
                          Error why) const {
  if (why.code != 400) return Unexpected(std::move(why));
  std::string shown, problem;
  const auto patched = apply(arena, api::copy_nodes(arena, object), type);
  if (kind_ == Kind::kStrategic) {
    api::Value sorted = api::deep_copy(arena, body_);
    api::sort_all_members(sorted);  // As Go prints a map.
    shown = api::go_text(sorted, false);
    if (patched) problem = api::conversion_problem(*patched, type);
  } else if (patched) {
    api::Value sorted = *patched;
    sort_patched(sorted, kind_ == Kind::kMerge ? body_ : api::Value::object());
    shown = api::to_json_text(sorted);
  }
  if (problem.empty()) problem = api::decoding_problem(type, why.message);
  return errors::invalid("", "", {cause::invalid("patch", api::go_quoted(shown), problem)});
}

}  // namespace pinnace::apiserver

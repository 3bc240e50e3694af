#include "apiserver/registry/patching.h"

#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/strategic_merge_patch.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Objects of custom kinds, and their scale: no schema says how to merge their lists.
bool is_custom(const Call& call) {
  return call.resource != nullptr && call.resource->custom != nullptr;
}

}  // namespace

Result<Patch> Patch::parse(Call& call) {
  Patch patch;
  const std::string type = to_lower(trim(split(call.request.headers.get("content-type"), ';')[0]));
  if (type == "application/json-patch+json") {
    patch.kind_ = Kind::kJson;
  } else if (type == "application/merge-patch+json") {
    patch.kind_ = Kind::kMerge;
  } else if (type == "application/strategic-merge-patch+json" && !is_custom(call)) {
    patch.kind_ = Kind::kStrategic;
  } else {
    return errors::unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, " +
        std::string(is_custom(call) ? "" : "application/strategic-merge-patch+json, ") +
        "application/apply-patch+yaml");
  }
  patch.arena_ = std::make_shared<api::Arena>(4096 + call.request.body.size());
  auto body = api::parse_json(*patch.arena_, call.request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  patch.body_ = *body;
  return patch;
}

Result<api::Value> Patch::apply(api::Arena& arena, const api::Value& object,
                                const api::TypeInfo& type) const {
  // The patch's values become part of the result, so each attempt gets its own.
  api::Value document = api::deep_copy(arena, object);
  const api::Value body = api::deep_copy(arena, body_);
  Result<void> done;
  switch (kind_) {
    case Kind::kJson:
      done = api::apply_json_patch(arena, document, body);
      break;
    case Kind::kMerge:
      api::apply_merge_patch(arena, document, body);
      break;
    case Kind::kStrategic:
      done = api::apply_strategic_merge_patch(arena, document, body, type);
      break;
  }
  if (!done) return std::unexpected(std::move(done.error()));
  if (!document.is_object()) return errors::bad_request("the patched object is no object");
  return document;
}

}  // namespace pinnace::apiserver

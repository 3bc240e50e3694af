#include "apiserver/subresources/scale.h"

#include "api/json.h"
#include "api/selector.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/patching.h"

namespace pinnace::apiserver {
namespace {

const api::TypeInfo* scale_type() {
  return api::builtin_schema().find_type("autoscaling", "v1", "Scale");
}

std::string selector_text(const api::Value& object) {
  const auto* selector = object.find_path({"spec", "selector"});
  if (selector == nullptr || !selector->is_object()) return {};
  const bool is_modern = selector->find("matchLabels") || selector->find("matchExpressions");
  if (is_modern) {
    const auto parsed = api::label_selector_of(selector);
    return parsed ? parsed->text() : std::string();
  }
  api::LabelMap labels;
  for (const auto& [key, value] : selector->members()) {
    if (value.is_string()) labels.emplace(key, value.as_string());
  }
  return api::LabelSelector::from_map(labels).text();
}

api::Value make_scale(api::Arena& arena, const api::Value& object) {
  api::Value scale = api::Value::object();
  scale.set_ref(arena, "kind", api::Value::string_ref("Scale"));
  scale.set_ref(arena, "apiVersion", api::Value::string_ref("autoscaling/v1"));
  api::Value meta = api::Value::object();
  for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    const std::string_view text = meta_text(object, key);
    if (!text.empty()) meta.set_ref(arena, key, api::Value::string(arena, text));
  }
  scale.set_ref(arena, "metadata", meta);
  const auto* spec = object.find("spec");
  const auto* status = object.find("status");
  scale.ensure_object(arena, "spec")
      .set_ref(arena, "replicas", api::Value::integer(spec ? spec->int_at("replicas") : 0));
  api::Value& out = scale.ensure_object(arena, "status");
  out.set_ref(arena, "replicas", api::Value::integer(status ? status->int_at("replicas") : 0));
  const std::string selector = selector_text(object);
  if (!selector.empty()) out.set_ref(arena, "selector", api::Value::string(arena, selector));
  return scale;
}

void answer_scale(Call& call, const store::ObjectRef& object) {
  api::Arena arena;
  const auto parsed = api::parse_json(arena, object->json);
  if (!parsed) return answer_error(call, parsed.error());
  answer_value(call, 200, scale_type(), make_scale(arena, *parsed));
}

}  // namespace

void get_scale(Backend& backend, const CallRef& call) {
  auto found = backend.store().get(key_of(*call));
  if (!found) {
    return answer_error(*call,
                        errors::not_found(resource_text(*call->resource), call->info.name).error());
  }
  answer_scale(*call, *found);
}

void update_scale(const BackendRef& backend, const CallRef& call) {
  std::shared_ptr<Patch> patch;
  if (call->info.verb == "patch") {
    auto parsed = Patch::parse(*call);
    if (!parsed) return answer_error(*call, parsed.error());
    patch = std::make_shared<Patch>(std::move(*parsed));
  }
  Update update;
  update.subresource = "scale";
  update.answer = answer_scale;
  update.apply = [call, patch](Change& change, api::Value& object,
                               const api::Value& old) -> Result<void> {
    api::Value scale;
    if (patch) {
      auto patched = patch->apply(change.arena, make_scale(change.arena, old), *scale_type());
      if (!patched) return std::unexpected(std::move(patched.error()));
      scale = *patched;
    } else {
      auto media = body_media(call->request.headers.get("content-type"));
      if (!media) return std::unexpected(std::move(media.error()));
      auto body = decode_body(change.arena, *media, call->request.body, *scale_type(), nullptr);
      if (!body) return std::unexpected(std::move(body.error()));
      scale = *body;
    }
    if (auto ok = check_fields(*call, change.arena, scale, *scale_type(), {}); !ok) return ok;
    const std::string_view wanted = meta_text(scale, "resourceVersion");
    if (!wanted.empty() && wanted != meta_text(old, "resourceVersion")) {
      return std::unexpected(write_error(*call, errors::conflict("", "", "").error(), change.name));
    }
    const auto* spec = scale.find("spec");
    const std::int64_t replicas = spec == nullptr ? 0 : spec->int_at("replicas");
    if (replicas < 0) {
      change.causes.push_back(cause::invalid("spec.replicas", std::to_string(replicas),
                                             "must be greater than or equal to 0"));
    }
    object.ensure_object(change.arena, "spec")
        .set_ref(change.arena, "replicas", api::Value::integer(replicas));
    return {};
  };
  run_update(backend, call, key_of(*call), std::move(update));
}

}  // namespace pinnace::apiserver

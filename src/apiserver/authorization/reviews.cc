#include "apiserver/authorization/reviews.h"

#include "api/json.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "apiserver/table/table_output.h"

namespace pinnace::apiserver {
namespace {

// Reads the review in the request; its status is filled in by the caller.
Result<api::Value> read_review(Call& call, api::Arena& arena) {
  auto body = read_object(call, arena, *call.resource);
  if (body) body->erase("status");
  return body;
}

std::vector<std::string> texts(const api::Value* list) {
  std::vector<std::string> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->items()) {
    if (item.is_string()) out.emplace_back(item.as_string());
  }
  return out;
}

api::Value text_list(api::Arena& arena, const std::vector<std::string>& list) {
  api::Value out = api::Value::array();
  for (const auto& item : list) out.append(arena, api::Value::string(arena, item));
  return out;
}

Result<Attributes> read_attributes(const Call& call, const api::Value* spec) {
  Attributes wanted;
  const auto* resource = spec == nullptr ? nullptr : spec->find("resourceAttributes");
  const auto* other = spec == nullptr ? nullptr : spec->find("nonResourceAttributes");
  const bool has_resource = resource != nullptr && resource->is_object();
  const bool has_other = other != nullptr && other->is_object();
  if (has_resource == has_other) {
    return errors::invalid(kind_text(*call.resource), "",
                           {cause::invalid("spec.resourceAttributes", "null",
                                           has_resource ? "cannot be specified in combination with "
                                                          "nonResourceAttributes"
                                                        : "exactly one of nonResourceAttributes or "
                                                          "resourceAttributes must be specified")});
  }
  const api::Value& from = has_resource ? *resource : *other;
  wanted.verb = from.string_at("verb");
  wanted.is_resource = has_resource;
  wanted.path = from.string_at("path");
  wanted.group = from.string_at("group");
  wanted.resource = from.string_at("resource");
  wanted.subresource = from.string_at("subresource");
  wanted.ns = from.string_at("namespace");
  wanted.name = from.string_at("name");
  return wanted;
}

void answer_review(Call& call, api::Arena& arena, api::Value& body, api::Value status) {
  body.set_ref(arena, "status", status);
  answer_value(call, 201, call.resource->type, body);
}

void answer_allowed(Backend& backend, Call& call, api::Arena& arena, api::Value& body,
                    const User& user) {
  auto wanted = read_attributes(call, body.find("spec"));
  if (!wanted) return answer_error(call, wanted.error());
  if (!call.info.ns.empty()) wanted->ns = call.info.ns;
  api::Value status = api::Value::object();
  status.set_ref(arena, "allowed", api::Value::boolean(backend.rbac.allows(user, *wanted)));
  answer_review(call, arena, body, status);
}

api::Value user_value(api::Arena& arena, const User& user) {
  api::Value out = api::Value::object();
  out.set_ref(arena, "username", api::Value::string(arena, user.name));
  if (!user.uid.empty()) out.set_ref(arena, "uid", api::Value::string(arena, user.uid));
  out.set_ref(arena, "groups", text_list(arena, user.groups));
  if (user.extra.empty()) return out;
  api::Value& extra = out.ensure_object(arena, "extra");
  for (const auto& [key, values] : user.extra) extra.set(arena, key, text_list(arena, values));
  return out;
}

}  // namespace

void review_self_access(const BackendRef& backend, const CallRef& call) {
  api::Arena arena;
  auto body = read_review(*call, arena);
  if (!body) return answer_error(*call, body.error());
  answer_allowed(*backend, *call, arena, *body, call->user);
}

void review_access(const BackendRef& backend, const CallRef& call) {
  api::Arena arena;
  auto body = read_review(*call, arena);
  if (!body) return answer_error(*call, body.error());
  const auto* spec = body->find("spec");
  User user;
  if (spec != nullptr) {
    user.name = spec->string_at("user");
    const bool is_old = call->resource->version == "v1beta1";
    user.groups = texts(spec->find(is_old ? "group" : "groups"));
  }
  if (user.name.empty() && user.groups.empty()) {
    return answer_error(
        *call, errors::invalid(kind_text(*call->resource), "",
                               {cause::invalid("spec.user", "\"\"",
                                               "at least one of user or group must be specified")})
                   .error());
  }
  answer_allowed(*backend, *call, arena, *body, user);
}

void review_self_rules(const BackendRef& backend, const CallRef& call) {
  api::Arena arena;
  auto body = read_review(*call, arena);
  if (!body) return answer_error(*call, body.error());
  const auto* spec = body->find("spec");
  const std::string ns(spec == nullptr ? "" : spec->string_at("namespace"));
  if (ns.empty())
    return answer_error(*call, errors::bad_request("no namespace on request").error());
  api::Value resources = api::Value::array(), others = api::Value::array();
  for (const Rule& rule : backend->rbac.rules_for(call->user, ns)) {
    api::Value out = api::Value::object();
    out.set_ref(arena, "verbs", text_list(arena, rule.verbs));
    if (!rule.urls.empty()) {
      out.set_ref(arena, "nonResourceURLs", text_list(arena, rule.urls));
      others.append(arena, out);
      continue;
    }
    out.set_ref(arena, "apiGroups", text_list(arena, rule.groups));
    out.set_ref(arena, "resources", text_list(arena, rule.resources));
    if (!rule.names.empty()) out.set_ref(arena, "resourceNames", text_list(arena, rule.names));
    resources.append(arena, out);
  }
  api::Value status = api::Value::object();
  status.set_ref(arena, "resourceRules", resources);
  status.set_ref(arena, "nonResourceRules", others);
  status.set_ref(arena, "incomplete", api::Value::boolean(false));
  answer_review(*call, arena, *body, status);
}

void review_token(const BackendRef& backend, const CallRef& call) {
  api::Arena arena;
  auto body = read_review(*call, arena);
  if (!body) return answer_error(*call, body.error());
  const auto* spec = body->find("spec");
  const std::string_view token = spec == nullptr ? "" : spec->string_at("token");
  if (token.empty()) {
    return answer_error(
        *call, errors::bad_request("token is required for TokenReview in authentication").error());
  }
  auto audiences = spec == nullptr ? std::vector<std::string>() : texts(spec->find("audiences"));
  if (audiences.empty()) audiences = backend->authenticator->api_audiences();
  const auto verified = backend->authenticator->verify_token(token, audiences);
  api::Value status = api::Value::object();
  if (verified) {
    status.set_ref(arena, "authenticated", api::Value::boolean(true));
    status.set_ref(arena, "user", user_value(arena, verified->user));
    status.set_ref(arena, "audiences", text_list(arena, verified->audiences));
  } else {
    status.set_ref(arena, "user", api::Value::object());
    status.set_ref(arena, "error", api::Value::string_ref("[invalid bearer token]"));
  }
  answer_review(*call, arena, *body, status);
}

void review_self(const BackendRef&, const CallRef& call) {
  api::Arena arena;
  auto body = read_review(*call, arena);
  if (!body) return answer_error(*call, body.error());
  meta_of(arena, *body);
  api::Value status = api::Value::object();
  status.set_ref(arena, "userInfo", user_value(arena, call->user));
  answer_review(*call, arena, *body, status);
}

void component_statuses(const BackendRef&, const CallRef& call) {
  api::Arena arena;
  const auto one = [&](std::string_view name) {
    api::Value object = api::Value::object();
    object.set_ref(arena, "kind", api::Value::string_ref("ComponentStatus"));
    object.set_ref(arena, "apiVersion", api::Value::string_ref("v1"));
    object.ensure_object(arena, "metadata").set_ref(arena, "name", api::Value::string_ref(name));
    api::Value healthy = api::Value::object();
    healthy.set_ref(arena, "type", api::Value::string_ref("Healthy"));
    healthy.set_ref(arena, "status", api::Value::string_ref("True"));
    healthy.set_ref(arena, "message", api::Value::string_ref("ok"));
    object.set_ref(arena, "conditions", api::Value::array()).append(arena, healthy);
    return object;
  };
  const bool is_list = call->info.verb == "list";
  std::vector<api::Value> objects;
  for (const std::string_view name : {"controller-manager", "etcd-0", "scheduler"}) {
    if (is_list || call->info.name == name) objects.push_back(one(name));
  }
  if (objects.empty()) {
    return answer_error(*call, errors::not_found("componentstatuses", call->info.name).error());
  }
  if (call->output.shape == Shape::kTable) {
    auto table = table_json(objects, *call->resource, call->output);
    if (!table) return answer_error(*call, table.error());
    return answer_text(*call, 200, content_type_of(call->output.media, false), std::move(*table));
  }
  if (!is_list) return answer_value(*call, 200, call->resource->type, objects[0]);
  api::Value list = api::Value::object();
  list.set_ref(arena, "kind", api::Value::string_ref("ComponentStatusList"));
  list.set_ref(arena, "apiVersion", api::Value::string_ref("v1"));
  list.set_ref(arena, "metadata", api::Value::object());
  api::Value& items = list.set_ref(arena, "items", api::Value::array());
  for (const api::Value& object : objects) items.append(arena, object);
  answer_value(*call, 200, call->resource->list_type, list);
}

void finalize_namespace(const BackendRef& backend, const CallRef& call) {
  struct Held {
    api::Arena arena;
    api::Value body;
  };
  auto held = std::make_shared<Held>();
  auto body = read_object(*call, held->arena, *call->resource);
  if (!body) return answer_error(*call, body.error());
  held->body = *body;
  Update update;
  update.subresource = "finalize";
  update.apply = [held](Change& change, api::Value& object, const api::Value&) -> Result<void> {
    const auto* wanted = held->body.find_path({"spec", "finalizers"});
    api::Value& spec = object.ensure_object(change.arena, "spec");
    if (wanted == nullptr || wanted->empty())
      spec.erase("finalizers");
    else
      spec.set_ref(change.arena, "finalizers", api::deep_copy(change.arena, *wanted));
    return {};
  };
  run_update(backend, call, key_of(*call), std::move(update));
}

}  // namespace pinnace::apiserver

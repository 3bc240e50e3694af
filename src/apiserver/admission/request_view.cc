#include "apiserver/admission/request_view.h"

#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "apiserver/backend.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/ownership.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

api::Value named(Change& change, std::string_view group, std::string_view version,
                 std::string_view key, std::string_view name) {
  api::Value out = api::Value::object();
  out.set_ref(change.arena, "group", api::Value::string_ref(group));
  out.set_ref(change.arena, "version", api::Value::string_ref(version));
  out.set_ref(change.arena, key, api::Value::string_ref(name));
  return out;
}

api::Value texts(Change& change, const std::vector<std::string>& all) {
  api::Value out = api::Value::array();
  for (const auto& one : all) out.append(change.arena, change.text(one));
  return out;
}

api::Value user_of(Change& change) {
  const User& user = change.call.user;
  api::Value out = api::Value::object();
  out.set_ref(change.arena, "username", change.text(user.name));
  if (!user.uid.empty()) out.set_ref(change.arena, "uid", change.text(user.uid));
  out.set_ref(change.arena, "groups", texts(change, user.groups));
  for (const auto& [key, values] : user.extra) {
    out.ensure_object(change.arena, "extra").set(change.arena, key, texts(change, values));
  }
  return out;
}

// For the webhook, which may answer when nobody but the request holds on to its backend.
BackendRef backend_of(const AdmissionRequestRef& request) {
  return {request, &request->change.backend};
}

}  // namespace

// Those of a subresource with a kind of its own have one version.
bool is_converted_by_webhook(const AdmissionRequest& request, const api::ResourceInfo& version) {
  return request.own_kind == nullptr && &version != &request.change.storage &&
         has_conversion_webhook(request.change.call);
}

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kCreate:
      return "CREATE";
    case Operation::kUpdate:
      return "UPDATE";
    case Operation::kDelete:
      return "DELETE";
    case Operation::kConnect:
      return "CONNECT";
  }
  return "";
}

const api::Value* RequestView::namespace_object() {
  if (!looked_for_namespace_) {
    looked_for_namespace_ = true;
    const Change& change = request_.change;
    const auto found = change.backend.store().get({"namespaces", "", change.ns});
    if (found) {
      if (const auto parsed = parse_stored(change.arena, **found)) namespace_ = *parsed;
    }
  }
  return namespace_.is_null() ? nullptr : &namespace_;
}

const std::vector<const api::ResourceInfo*>& RequestView::equivalents() {
  if (equivalents_) return *equivalents_;
  equivalents_.emplace();
  const api::ResourceInfo& asked = *request_.change.call.resource;
  if (asked.custom != nullptr) {
    for (const auto& version : asked.custom->kind->versions()) {
      const bool is_other = version->is_served && &version->resource != &asked;
      if (is_other) equivalents_->push_back(&version->resource);
    }
    return *equivalents_;
  }
  for (const auto& other : api::builtin_schema().resources) {
    if (other.enabled && &other != &asked && other.storage_resource == asked.storage_resource &&
        !asked.storage_resource.empty()) {
      equivalents_->push_back(&other);
    }
  }
  return *equivalents_;
}

Result<RequestView::Objects> RequestView::objects(const api::ResourceInfo& version) {
  if (const auto found = objects_.find(&version); found != objects_.end()) return found->second;
  if (is_converted_by_webhook(request_, version)) {
    return errors::internal("the objects were not asked for in " +
                            group_version(version.group, version.version));
  }
  const Change& change = request_.change;
  const auto shown = [&](const api::Value* from) -> Result<api::Value> {
    if (from == nullptr) return api::Value();
    if (request_.own_kind != nullptr || &version == &change.storage) return *from;
    api::Value copy = api::deep_copy(change.arena, *from);
    if (auto ok = convert(change.arena, copy, change.storage, version); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    return copy;
  };
  auto object = shown(request_.object);
  if (!object) return std::unexpected(std::move(object.error()));
  auto old = shown(request_.old);
  if (!old) return std::unexpected(std::move(old.error()));
  return objects_[&version] = {*object, *old};
}

bool RequestView::is_provided(const api::ResourceInfo& version) const {
  return objects_.contains(&version) || !is_converted_by_webhook(request_, version);
}

void RequestView::provide(const AdmissionRequestRef& request,
                          std::vector<const api::ResourceInfo*> versions, AdmissionDone done) {
  while (!versions.empty() && is_provided(*versions.back())) versions.pop_back();
  if (versions.empty()) return done({});
  const api::ResourceInfo& version = *versions.back();
  std::vector<api::Value> sent;
  if (request_.object != nullptr) sent.push_back(*request_.object);
  if (request_.old != nullptr) sent.push_back(*request_.old);
  in_version(backend_of(request), request_.change.call.shared_from_this(), request_.change.arena,
             sent, version,
             [this, request, versions = std::move(versions),
              done = std::move(done)](const Result<std::vector<api::Value>>& made) mutable {
               if (!made) {
                 return done(errors::internal("Internal error occurred: " + made.error().message));
               }
               Objects& objects = objects_[versions.back()];
               if (request_.object != nullptr) objects.object = made->front();
               if (request_.old != nullptr) objects.old = made->back();
               provide(request, std::move(versions), std::move(done));
             });
}

api::Value RequestView::options() const {
  Change& change = request_.change;
  if (request_.is(Operation::kConnect)) return {};
  const Call& call = change.call;
  api::Value out = api::Value::object();
  const bool deletes = request_.is(Operation::kDelete);
  // Of a patch, those of what it comes to.
  const char* kind = request_.is(Operation::kCreate) ? "CreateOptions"
                     : deletes                       ? "DeleteOptions"
                                                     : "UpdateOptions";
  out.set_ref(change.arena, "kind", api::Value::string_ref(kind));
  out.set_ref(change.arena, "apiVersion", api::Value::string_ref("meta.k8s.io/v1"));
  const bool has_body = deletes && !call.request.body.empty();
  if (has_body) {
    if (const auto body = api::parse_json(change.arena, call.request.body);
        body && body->is_object()) {
      for (const auto& [key, value] : body->members()) {
        if (key != "kind" && key != "apiVersion") out.set(change.arena, key, value);
      }
    }
  }
  const auto put_text = [&](const char* key) {
    const std::string_view value = call.query.get(key);
    if (!value.empty()) out.set_ref(change.arena, key, change.text(value));
  };
  if (deletes && !has_body) {
    put_text("propagationPolicy");
    if (const auto grace = parse_int(call.query.get("gracePeriodSeconds"))) {
      out.set_ref(change.arena, "gracePeriodSeconds", api::Value::integer(*grace));
    }
    if (call.query.has("orphanDependents")) {
      out.set_ref(change.arena, "orphanDependents",
                  api::Value::boolean(call.query.flag("orphanDependents")));
    }
  }
  if (!deletes) {
    put_text("fieldManager");
    put_text("fieldValidation");
  }
  if (change.dry_run) {
    api::Value all = api::Value::array();
    all.append(change.arena, api::Value::string_ref("All"));
    out.set_ref(change.arena, "dryRun", all);
  }
  return out;
}

api::Value RequestView::describe(const api::ResourceInfo& version) {
  Change& change = request_.change;
  const api::ResourceInfo& asked = *change.call.resource;
  const auto kind_of = [&](const api::ResourceInfo& one) {
    const auto* own = request_.own_kind;
    return own != nullptr ? named(change, own->group, own->version, "kind", own->kind)
                          : named(change, one.group, one.version, "kind", one.kind);
  };
  api::Value out = api::Value::object();
  const auto put = [&](std::string_view key, api::Value value) {
    out.set_ref(change.arena, key, value);
  };
  put("kind", kind_of(version));
  put("resource", named(change, version.group, version.version, "resource", version.name));
  if (!change.subresource.empty()) put("subResource", change.text(change.subresource));
  put("requestKind", kind_of(asked));
  put("requestResource", named(change, asked.group, asked.version, "resource", asked.name));
  if (!change.subresource.empty()) put("requestSubResource", change.text(change.subresource));
  const bool is_one = change.call.info.verb != "deletecollection";
  if (!change.name.empty() && is_one) put("name", change.text(change.name));
  const std::string& ns = request_.resource() == "namespaces" ? change.name : change.ns;
  if (!ns.empty()) put("namespace", change.text(ns));
  put("operation", api::Value::string_ref(operation_name(request_.operation)));
  put("userInfo", user_of(change));
  put("dryRun", api::Value::boolean(change.dry_run));
  put("options", options());
  return out;
}

namespace {

// In the form in which it is stored, with its defaults.
Result<void> settle(Change& change, api::Value& changed, const api::ResourceInfo& version) {
  if (auto ok = settle_object(change.arena, changed, version); !ok) return ok;
  apply_defaults(change.arena, changed, version);
  return convert(change.arena, changed, version, change.storage);
}

// The same of a subresource with a kind of its own.
Result<void> settle_own(Change& change, api::Value& changed, const api::SubresourceInfo& kind) {
  if (kind.type == nullptr) return errors::internal("the kind of the object is not known");
  if (auto ok = api::normalise(change.arena, changed, *kind.type); !ok) return ok;
  api::apply_defaults(change.arena, changed, *kind.type);
  return {};
}

// Who manages what must stay something that can be understood; else it is as it was before.
void keep_valid_managers(Change& change, const api::Value& before, api::Value& changed) {
  const auto* now = managed_fields(changed);
  const auto* then = managed_fields(before);
  if (now == nullptr || (then != nullptr && api::equal(*now, *then))) return;
  const auto managers = api::apply::decode_sent_managers(change.arena, *now);
  if (managers) return;
  change.warn(
      ".metadata.managedFields was in an invalid state after admission; this could be caused by an "
      "outdated mutating admission controller; please fix your requests: " +
      managers.error().message);
  api::Value& meta = meta_of(change.arena, changed);
  meta.erase("managedFields");
  if (then != nullptr) meta.set_ref(change.arena, "managedFields", *then);
}

// "core.Pod": an object's type as Kubernetes holds it.
std::string internal_type(std::string_view group, std::string_view kind) {
  const std::string_view package = group.empty() ? "core" : group.substr(0, group.find('.'));
  return std::string(package) + "." + std::string(kind);
}

// What a changed object cannot have changed.
Result<void> keep_identity(AdmissionRequest& request, api::Value& changed) {
  Change& change = request.change;
  if (!changed.is_object()) return errors::bad_request("the object must stay an object");
  // An object is known by these, whatever its new form says.
  const auto* before = request.object->find("metadata");
  if (before != nullptr) {
    api::Value& meta = meta_of(change.arena, changed);
    for (const char* key : {"name", "namespace", "uid", "resourceVersion"}) {
      const auto* value = before->find(key);
      // What a POST creates, or has no name yet, may be given one.
      const bool is_free = (value == nullptr || change.call.info.verb == "create") &&
                           std::string_view(key) == "name";
      if (is_free) continue;
      if (value == nullptr)
        meta.erase(key);
      else
        meta.set_ref(change.arena, key, *value);
    }
  }
  keep_valid_managers(change, *request.object, changed);
  return {};
}

}  // namespace

Result<void> check_identity(const AdmissionRequest& request, const api::Value& changed,
                            const api::ResourceInfo& version) {
  const api::SubresourceInfo* own = request.own_kind;
  const std::string_view group = own != nullptr ? own->group : version.group;
  const std::string_view kind = own != nullptr ? own->kind : version.kind;
  const std::string wanted = group_version(group, own != nullptr ? own->version : version.version);
  const std::string_view said = changed.string_at("apiVersion");
  if (changed.string_at("kind") != kind || said != wanted) {
    return errors::unexplained("converting (" + std::string(said.substr(said.rfind('/') + 1)) +
                               "." + std::string(changed.string_at("kind")) + ") to (" +
                               internal_type(group, kind) + "): unknown conversion");
  }
  const std::string_view ns = meta_text(*request.object, "namespace");
  return ns.empty() ? Result<void>() : check_namespace(meta_text(changed, "namespace"), ns);
}

Unexpected undecodable(const AdmissionRequest& request, const Error& why) {
  std::string message = why.causes.empty() ? why.message : why.causes[0].message;
  if (const api::TypeInfo* type = request.change.storage.type; type != nullptr) {
    message = api::decoding_problem(*type, message);
  }
  return errors::internal("Internal error occurred: " + message);
}

Result<void> take_changed(AdmissionRequest& request, api::Value changed,
                          const api::ResourceInfo& version) {
  if (auto ok = keep_identity(request, changed); !ok) return ok;
  Change& change = request.change;
  const auto settled = request.own_kind != nullptr ? settle_own(change, changed, *request.own_kind)
                                                   : settle(change, changed, version);
  if (settled) {
    *request.object = changed;
    request.was_changed = true;
  }
  return settled;
}

void take_changed_by_asking(const AdmissionRequestRef& request, api::Value changed,
                            const api::ResourceInfo& version, AdmissionDone done) {
  if (!is_converted_by_webhook(*request, version)) {
    return done(take_changed(*request, changed, version));
  }
  if (auto ok = keep_identity(*request, changed); !ok) return done(std::move(ok));
  Change& change = request->change;
  if (auto ok = settle_object(change.arena, changed, version); !ok) return done(std::move(ok));
  apply_defaults(change.arena, changed, version);
  in_version(backend_of(request), change.call.shared_from_this(), change.arena, {changed},
             change.storage,
             [request, done = std::move(done)](const Result<std::vector<api::Value>>& made) {
               if (!made) return done(std::unexpected(made.error()));
               done(take_changed(*request, made->front(), request->change.storage));
             });
}

}  // namespace pinnace::apiserver

// NamespaceAutoProvision makes the namespace that somebody creates something in.
#include "api/json.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_codec.h"

namespace pinnace::apiserver {
namespace {

api::Value new_namespace(Change& change) {
  api::Arena& arena = change.arena;
  api::Value out = api::Value::object();
  out.set_ref(arena, "kind", api::Value::string_ref("Namespace"));
  out.set_ref(arena, "apiVersion", api::Value::string_ref("v1"));
  api::Value& meta = out.ensure_object(arena, "metadata");
  meta.set_ref(arena, "name", change.text(change.ns));
  meta.set_ref(arena, "uid", change.text(make_uuid(change.backend.options.rng)));
  meta.set_ref(arena, "creationTimestamp", change.text(rfc3339(change.backend.now())));
  meta.ensure_object(arena, "labels")
      .set_ref(arena, "kubernetes.io/metadata.name", change.text(change.ns));
  api::Value finalizers = api::Value::array();
  finalizers.append(arena, api::Value::string_ref("kubernetes"));
  out.ensure_object(arena, "spec").set_ref(arena, "finalizers", finalizers);
  out.ensure_object(arena, "status").set_ref(arena, "phase", api::Value::string_ref("Active"));
  return out;
}

void provide_namespace(const AdmissionRequestRef& request, AdmissionDone done) {
  Change& change = request->change;
  store::Store& store = change.backend.store();
  const bool is_needed = change.storage.namespaced && !change.ns.empty() && !change.dry_run &&
                         !store.get({"namespaces", "", change.ns});
  if (!is_needed) return done({});
  const api::Value object = new_namespace(change);
  SplitJson parts = split_json(object);
  store::Write write;
  write.type = store::Write::Type::kCreate;
  write.key = {"namespaces", "", change.ns};
  write.uid = object.find("metadata")->string_at("uid");
  write.head = std::move(parts.head);
  write.tail = std::move(parts.tail);
  store.commit(std::move(write), [request, done = std::move(done)](Result<store::ObjectRef> made) {
    if (made || made.error().is("AlreadyExists")) return done({});
    done(std::unexpected(std::move(made.error())));
  });
}

}  // namespace

constinit const AdmissionPlugin kNamespaceAutoProvision{.name = "NamespaceAutoProvision",
                                                        .resources = "",
                                                        .subresources = "",
                                                        .operations = kCreates,
                                                        .mutate_by_asking = provide_namespace};

}  // namespace pinnace::apiserver

#include "apiserver/subresources/pod_binding.h"

#include "apiserver/admission/subresource_admission.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/preconditions.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/write_options.h"

namespace pinnace::apiserver {
namespace {

const api::TypeInfo* binding_type() { return api::builtin_schema().find_type("", "v1", "Binding"); }

// Scheduled, and nominated for no node any more.
void set_scheduled(Change& change, api::Value& object) {
  api::Value& status = object.ensure_object(change.arena, "status");
  status.erase("nominatedNodeName");
  api::Value condition = api::Value::object();
  condition.set_ref(change.arena, "type", api::Value::string_ref("PodScheduled"));
  condition.set_ref(change.arena, "status", api::Value::string_ref("True"));
  condition.set_ref(change.arena, "lastProbeTime", api::Value::null());
  condition.set_ref(change.arena, "lastTransitionTime", change.text(rfc3339(change.backend.now())));
  api::Value conditions = api::Value::array();
  bool is_there = false;
  if (const auto* list = status.find("conditions"); list != nullptr && list->is_array()) {
    for (const auto& item : list->items()) {
      const bool is_it = item.string_at("type") == "PodScheduled";
      is_there = is_there || is_it;
      conditions.append(change.arena, is_it ? condition : item);
    }
  }
  if (!is_there) conditions.append(change.arena, condition);
  status.set_ref(change.arena, "conditions", conditions);
}

// What the Binding says of the pod beside its node.
void take_meta(Change& change, api::Value& object, const api::Value& binding) {
  for (const char* key : {"labels", "annotations"}) {
    const auto* map = binding.find_path({"metadata", key});
    if (map == nullptr || !map->is_object()) continue;
    for (const auto& [name, value] : map->members()) {
      meta_of(change.arena, object)
          .ensure_object(change.arena, key)
          .set(change.arena, name, api::deep_copy(change.arena, value));
    }
  }
}

// What is wrong is told without a reason.
Result<void> check_target(const api::Value* target) {
  const std::string_view kind = target == nullptr ? "" : target->string_at("kind");
  std::vector<Cause> causes;
  if (!kind.empty() && kind != "Node") {
    causes.push_back(cause::not_supported("target.kind", quoted(kind), {"Node", "<empty>"}));
  }
  if (target == nullptr || target->string_at("name").empty()) {
    causes.push_back(cause::required("target.name"));
  }
  if (causes.empty()) return {};
  return errors::unexplained(aggregate_text(causes));
}

Result<void> bind(Change& change, api::Value& object, const api::Value& old,
                  const api::Value& binding) {
  const std::string_view uid = meta_text(binding, "uid");
  const auto refuse = [&](std::string why) {
    return errors::conflict("pods/binding", change.name, why);
  };
  if (!uid.empty() && uid != meta_text(old, "uid")) {
    return other_uid(change.call, {"pods", change.ns, change.name}, uid, meta_text(old, "uid"));
  }
  const std::string_view revision = meta_text(binding, "resourceVersion");
  if (!revision.empty() && revision != meta_text(old, "resourceVersion")) {
    return other_revision(change.call, {"pods", change.ns, change.name}, revision,
                          meta_text(old, "resourceVersion"));
  }
  if (is_being_deleted(old)) {
    return refuse("pod " + change.name + " is being deleted, cannot be assigned to a host");
  }
  const auto* spec = old.find("spec");
  const std::string_view current = spec == nullptr ? "" : spec->string_at("nodeName");
  if (!current.empty()) {
    return refuse("pod " + change.name + " is already assigned to node \"" + std::string(current) +
                  "\"");
  }
  const auto* gates = old.find_path({"spec", "schedulingGates"});
  if (gates != nullptr && !gates->empty()) {
    return refuse("pod " + change.name + " has non-empty .spec.schedulingGates");
  }
  object.ensure_object(change.arena, "spec")
      .set_ref(change.arena, "nodeName", change.text(binding.find("target")->string_at("name")));
  take_meta(change, object, binding);
  set_scheduled(change, object);
  return {};
}

}  // namespace

void bind_pod(const BackendRef& backend, const CallRef& call) {
  if (auto ok = check_write_options(*call, WriteKind::kCreate); !ok) {
    return answer_error(*call, ok.error());
  }
  // Of `bindings` there are no subresources: to admission it is a resource like others.
  auto admission =
      std::make_shared<SubresourceAdmission>(backend, call, Operation::kCreate, call->subresource);
  api::Arena& arena = admission->arena;
  auto body = read_message(*call, arena, *binding_type(), {"v1"});
  if (!body) return answer_error(*call, body.error());
  if (auto ok = admission->take(*body); !ok) return answer_error(*call, ok.error());
  const std::string name(meta_text(*body, "name"));
  if (call->info.name.empty() && name.empty()) {
    return answer_error(*call, errors::bad_request("Name parameter required.").error());
  }
  if (!call->info.name.empty() && name != call->info.name) {
    return answer_error(
        *call, errors::bad_request("name in URL does not match name in Binding object").error());
  }
  if (auto ok = check_target(body->find("target")); !ok) return answer_error(*call, ok.error());
  admission->change.name = name;
  admission->change.dry_run = is_dry_run(*call);
  Update update;
  update.subresource = "binding";
  update.ownership = Ownership::kUntouched;
  update.is_admitted = true;
  update.apply = [admission](Change& change, api::Value& object, const api::Value& old) {
    return bind(change, object, old, admission->object);
  };
  update.answer = [](Call& answered, const store::ObjectRef&) {
    answer_status(answered, 201, created_json());
  };
  admit_subresource(admission, [backend, call, name, update = std::move(update)]() mutable {
    // What is changed is the pod, whichever path was taken.
    call->resource = api::builtin_schema().find_resource("", "v1", "pods");
    call->storage = call->resource;
    run_update(backend, call, {"pods", call->info.ns, name}, std::move(update));
  });
}

}  // namespace pinnace::apiserver

#include "apiserver/subresources/deployment_rollback.h"

#include "apiserver/http/status.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kRollbackTo = "deprecated.deployment.rollback.to";

Result<api::Value> read_rollback(const CallRef& call, api::Arena& arena) {
  const api::TypeInfo& type = *call->subresource->type;
  const std::string version = group_version(call->resource->group, call->resource->version);
  auto body = read_message(*call, arena, type, {version});
  if (!body) return body;
  std::vector<Cause> causes;
  const std::string_view name = body->string_at("name");
  const auto* target = body->find("rollbackTo");
  const std::int64_t revision = target == nullptr ? 0 : target->int_at("revision");
  if (name.empty()) causes.push_back(cause::required("name", "name is required"));
  if (revision < 0) {
    causes.push_back(cause::invalid("rollback.rollbackTo.revision", std::to_string(revision),
                                    "must be greater than or equal to 0"));
  }
  if (!causes.empty()) {
    return errors::invalid("DeploymentRollback." + std::string(call->resource->group), name,
                           std::move(causes));
  }
  if (name != call->info.name) {
    return errors::bad_request("name in object (" + std::string(name) +
                               ") does not match name in URL (" + call->info.name + ")");
  }
  return body;
}

}  // namespace

void roll_back_deployment(const BackendRef& backend, const CallRef& call) {
  auto arena = std::make_shared<api::Arena>();
  auto body = read_rollback(call, *arena);
  if (!body) return answer_error(*call, body.error());
  Update update;
  update.subresource = "rollback";
  // The arena keeps what `wanted` refers to.
  update.apply = [arena, wanted = *body](Change& change, api::Value& object,
                                         const api::Value&) -> Result<void> {
    api::Value& annotations =
        meta_of(change.arena, object).ensure_object(change.arena, "annotations");
    if (const auto* updated = wanted.find("updatedAnnotations")) {
      for (const auto& [key, value] : updated->members()) {
        annotations.set(change.arena, key, change.text(value.as_string()));
      }
    }
    const auto* target = wanted.find("rollbackTo");
    const std::int64_t revision = target == nullptr ? 0 : target->int_at("revision");
    annotations.set(change.arena, kRollbackTo, change.text(std::to_string(revision)));
    return {};
  };
  update.answer = [](Call& answered, const store::ObjectRef&) {
    answer_status(answered, 201, success_json("", "", "", ""));
  };
  run_update(backend, call, key_of(*call), std::move(update));
}

}  // namespace pinnace::apiserver

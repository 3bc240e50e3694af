// The parts of the control plane are one process here, and well while it answers.
#include "apiserver/registry/component_statuses.h"

#include <vector>

#include "apiserver/registry/list_options.h"
#include "apiserver/table/table_output.h"

namespace pinnace::apiserver {

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
  const auto options = is_list ? read_list_options(*call) : ListOptions();
  if (!options) return answer_error(*call, options.error());
  std::vector<api::Value> objects;
  for (const std::string_view name : {"controller-manager", "etcd-0", "scheduler"}) {
    const bool is_wanted =
        is_list ? options->selection.matches_name(name) : call->info.name == name;
    if (is_wanted) objects.push_back(one(name));
  }
  if (objects.empty() && !is_list) {
    return answer_error(*call, errors::not_found("componentstatus", call->info.name).error());
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

}  // namespace pinnace::apiserver

#include "apiserver/registry/conditions.h"

#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {

using api::Value;

Value* find_condition(Value& object, std::string_view type) {
  Value* list = object.find_path({"status", "conditions"});
  if (list == nullptr || !list->is_array()) return nullptr;
  for (Value& item : list->items()) {
    if (item.string_at("type") == type) return &item;
  }
  return nullptr;
}

const Value* find_condition(const Value& object, std::string_view type) {
  return find_condition(const_cast<Value&>(object), type);
}

bool is_condition_true(const Value& object, std::string_view type) {
  const Value* found = find_condition(object, type);
  return found != nullptr && found->string_at("status") == "True";
}

bool set_condition(api::Arena& arena, Value& object, const Condition& condition, WallTime now) {
  Value* found = find_condition(object, condition.type);
  const bool turns = found == nullptr || found->string_at("status") != condition.status;
  if (!turns && found->string_at("reason") == condition.reason &&
      found->string_at("message") == condition.message) {
    return false;
  }
  if (found == nullptr) {
    Value& status = object.ensure_object(arena, "status");
    Value* list = status.find("conditions");
    if (list == nullptr || !list->is_array()) {
      list = &status.set_ref(arena, "conditions", Value::array());
    }
    found = &list->append(arena, Value::object());
    found->set_ref(arena, "type", Value::string(arena, condition.type));
  }
  found->set_ref(arena, "status", Value::string(arena, condition.status));
  if (turns) found->set_ref(arena, "lastTransitionTime", Value::string(arena, rfc3339(now)));
  found->set_ref(arena, "reason", Value::string(arena, condition.reason));
  found->set_ref(arena, "message", Value::string(arena, condition.message));
  return true;
}

}  // namespace pinnace::apiserver

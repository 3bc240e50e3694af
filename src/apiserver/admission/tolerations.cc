#include "apiserver/admission/tolerations.h"

#include <algorithm>
#include <vector>

#include "apiserver/admission/pod_fields.h"

namespace pinnace::apiserver {

bool is_superset_toleration(const api::Value& a, const api::Value& b) {
  if (api::equal(a, b)) return true;
  const std::string_view key = a.string_at("key"), effect = a.string_at("effect");
  const std::string_view op = a.string_at("operator");
  if (key != b.string_at("key") && !(key.empty() && op == "Exists")) return false;
  if (!effect.empty() && effect != b.string_at("effect")) return false;
  if (effect == "NoExecute") {
    const auto *own = a.find("tolerationSeconds"), *other = b.find("tolerationSeconds");
    if (own != nullptr && own->is_int()) {
      if (other == nullptr || !other->is_int() || own->as_int() < other->as_int()) return false;
    }
  }
  if (op == "Exists") return true;
  const std::string_view other_op = b.string_at("operator");
  const bool both_equal =
      (op.empty() || op == "Equal") && (other_op.empty() || other_op == "Equal");
  return both_equal && a.string_at("value") == b.string_at("value");
}

void merge_tolerations(api::Arena& arena, api::Value& spec, std::span<const api::Value> more) {
  std::vector<api::Value> all;
  for (const auto& one : items_at(&spec, "tolerations")) all.push_back(one);
  for (const auto& one : more) all.push_back(one);
  std::vector<api::Value> kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const api::Value& one = all[i];
    const auto covers = [&](const api::Value& other) { return is_superset_toleration(other, one); };
    // Of equal ones the first stays, of others that cover each other the last.
    const bool is_covered =
        std::ranges::any_of(kept, covers) ||
        std::ranges::any_of(std::span(all).subspan(i + 1), [&](const api::Value& other) {
          return !api::equal(other, one) && covers(other);
        });
    if (!is_covered) kept.push_back(one);
  }
  api::Value list = api::Value::array();
  for (const api::Value& one : kept) list.append(arena, one);
  spec.set_ref(arena, "tolerations", list);
}

api::Value tolerate_key(api::Arena& arena, std::string_view key, std::string_view effect) {
  api::Value out = api::Value::object();
  out.set_ref(arena, "key", api::Value::string(arena, key));
  out.set_ref(arena, "operator", api::Value::string_ref("Exists"));
  if (!effect.empty()) out.set_ref(arena, "effect", api::Value::string(arena, effect));
  return out;
}

}  // namespace pinnace::apiserver

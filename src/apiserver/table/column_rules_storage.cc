// Cells of volumes, their claims and classes, and of claims on devices.
#include "apiserver/registry/object_meta.h"
#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

std::string phase(const Value& object, WallTime) {
  if (is_being_deleted(object)) return "Terminating";
  return std::string(text_at(object, {"status", "phase"}));
}

std::string default_class_name(const Value& object, WallTime) {
  std::string name(text_at(object, {"metadata", "name"}));
  for (const std::string_view key : {"storageclass.kubernetes.io/is-default-class",
                                     "storageclass.beta.kubernetes.io/is-default-class"}) {
    if (text_at(object, {"metadata", "annotations", key}) == "true") return name + " (default)";
  }
  return name;
}

std::string claim_state(const Value& claim, WallTime) {
  const bool is_deleted = is_being_deleted(claim);
  std::string state = is_deleted ? "deleted" : "";
  const Value* allocation = claim.find_path({"status", "allocation"});
  if (allocation == nullptr || allocation->is_null()) return is_deleted ? state : "pending";
  state += is_deleted ? ",allocated" : "allocated";
  if (!list_at(claim, {"status", "reservedFor"}).empty()) state += ",reserved";
  return state;
}

constexpr ColumnRule kRules[] = {
    {"phase", phase},
    {"default-class-name", default_class_name},
    {"claim-state", claim_state},
};

}  // namespace

std::span<const ColumnRule> storage_column_rules() { return kRules; }

}  // namespace pinnace::apiserver

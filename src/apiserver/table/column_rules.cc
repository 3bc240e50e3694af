#include "apiserver/table/column_rules.h"

#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {

const ColumnRule* find_column_rule(std::string_view name) {
  const std::span<const ColumnRule> all[] = {pod_column_rules(),     workload_column_rules(),
                                             network_column_rules(), storage_column_rules(),
                                             cluster_column_rules(), access_column_rules()};
  for (const auto& rules : all) {
    for (const ColumnRule& rule : rules) {
      if (rule.name == name) return &rule;
    }
  }
  return nullptr;
}

std::string_view row_conditions_json(const api::ResourceInfo& resource, const api::Value& object) {
  if (!resource.group.empty() || resource.kind != "Pod") return {};
  const std::string_view phase = text_at(object, {"status", "phase"});
  if (phase == "Succeeded") {
    return R"([{"type":"Completed","status":"True","reason":"Succeeded",)"
           R"("message":"The pod has completed successfully."}])";
  }
  if (phase == "Failed") {
    return R"([{"type":"Completed","status":"True","reason":"Failed",)"
           R"("message":"The pod failed."}])";
  }
  return {};
}

}  // namespace pinnace::apiserver

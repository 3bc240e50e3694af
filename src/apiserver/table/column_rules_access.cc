// Cells of role bindings, certificates and admission policies.
#include <algorithm>

#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

std::string subjects(const Value& binding, std::string_view kind) {
  std::string text;
  for (const Value& subject : list_at(binding, {"subjects"})) {
    if (subject.string_at("kind") != kind) continue;
    if (!text.empty()) text += ", ";
    if (kind == "ServiceAccount") (text += subject.string_at("namespace")) += '/';
    text += subject.string_at("name");
  }
  return text;
}
std::string subject_users(const Value& binding, WallTime) { return subjects(binding, "User"); }
std::string subject_groups(const Value& binding, WallTime) { return subjects(binding, "Group"); }
std::string subject_service_accounts(const Value& binding, WallTime) {
  return subjects(binding, "ServiceAccount");
}

std::string certificate_condition(const Value& request, WallTime) {
  const auto conditions = list_at(request, {"status", "conditions"});
  const auto has = [&](std::string_view type) {
    return find_condition(conditions, type) != nullptr;
  };
  std::string text = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  if (has("Failed")) text += ",Failed";
  if (!text_at(request, {"status", "certificate"}).empty()) text += ",Issued";
  return text;
}

std::string param_ref(const Value& binding, WallTime) {
  const Value* param = binding.find_path({"spec", "paramRef"});
  if (param == nullptr || !param->is_object()) return "<unset>";
  const std::string name(param->string_at("name"));
  const std::string ns(param->string_at("namespace"));
  // Nothing here says whether what is meant has a namespace.
  if (!name.empty()) return (ns.empty() ? "*" : ns) + "/" + name;
  const Value* selector = param->find("selector");
  return selector == nullptr || selector->is_null() ? "<unset>" : selector_text(selector);
}

constexpr ColumnRule kRules[] = {
    {"subject-users", subject_users},
    {"subject-groups", subject_groups},
    {"subject-service-accounts", subject_service_accounts},
    {"certificate-condition", certificate_condition},
    {"param-ref", param_ref},
};

}  // namespace

std::span<const ColumnRule> access_column_rules() { return kRules; }

}  // namespace pinnace::apiserver

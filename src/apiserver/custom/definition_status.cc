#include "apiserver/custom/definition_status.h"

#include <algorithm>
#include <set>
#include <vector>

#include "api/json.h"
#include "apiserver/custom/validate_structure.h"
#include "apiserver/strategies/webhook_clients.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

constexpr std::string_view kApproval = "api-approved.kubernetes.io";

std::string quoted(std::string_view text) {
  std::string out;
  api::write_json_string(out, text);
  return out;
}

bool has(const Value* list, std::string_view wanted) {
  if (list == nullptr || !list->is_array()) return false;
  for (const Value& item : list->items()) {
    if (item.is_string() && item.as_string() == wanted) return true;
  }
  return false;
}

// Names one after the other; what cannot be had stays as it was.
class Naming {
 public:
  Naming(api::Arena& arena, const Value& wanted, Value& accepted, const ClaimedNames& taken)
      : arena_(arena), wanted_(wanted), accepted_(accepted), taken_(taken) {}

  // The condition that came of it.
  Condition settle() {
    settle_one("plural", taken_.resources, "PluralConflict");
    settle_one("singular", taken_.resources, "SingularConflict");
    settle_short_names();
    settle_one("kind", taken_.kinds, "KindConflict");
    settle_one("listKind", taken_.kinds, "ListKindConflict");
    take_over("categories");
    if (reason_.empty()) return {"NamesAccepted", "True", "NoConflicts", "no conflicts found"};
    return {"NamesAccepted", "False", reason_, message_};
  }

 private:
  void take_over(std::string_view key) {
    const Value* value = wanted_.find(key);
    if (value == nullptr)
      accepted_.erase(key);
    else
      accepted_.set_ref(arena_, key, api::deep_copy(arena_, *value));
  }

  void conflict(std::string_view reason, const std::string& message) {
    reason_ = reason;
    message_ = arena_.copy(message);
  }

  void settle_one(std::string_view key, const std::set<std::string, std::less<>>& taken,
                  std::string_view reason) {
    const std::string_view name = wanted_.string_at(key);
    if (name != accepted_.string_at(key) && taken.contains(name)) {
      return conflict(reason, quoted(name) + " is already in use");
    }
    take_over(key);
  }

  void settle_short_names() {
    const Value* wanted = wanted_.find("shortNames");
    std::vector<std::string> wrong;
    if (wanted != nullptr && wanted->is_array()) {
      for (const Value& item : wanted->items()) {
        if (!item.is_string() || has(accepted_.find("shortNames"), item.as_string())) continue;
        if (!taken_.resources.contains(item.as_string())) continue;
        wrong.push_back(quoted(item.as_string()) + " is already in use");
      }
    }
    if (wrong.empty()) return take_over("shortNames");
    conflict("ShortNamesConflict", aggregate_text(wrong));
  }

  api::Arena& arena_;
  const Value& wanted_;
  Value& accepted_;
  const ClaimedNames& taken_;
  std::string_view reason_, message_;
};

bool is_protected_group(std::string_view group) {
  return group == "k8s.io" || group == "kubernetes.io" || group.ends_with(".k8s.io") ||
         group.ends_with(".kubernetes.io");
}

}  // namespace

void add_claimed_names(ClaimedNames& names, const Value& definition) {
  const Value* accepted = definition.find_path({"status", "acceptedNames"});
  if (accepted == nullptr || !accepted->is_object()) return;
  const auto add = [](auto& to, std::string_view name) {
    if (!name.empty()) to.emplace(name);
  };
  add(names.resources, accepted->string_at("plural"));
  add(names.resources, accepted->string_at("singular"));
  add(names.kinds, accepted->string_at("kind"));
  add(names.kinds, accepted->string_at("listKind"));
  const Value* short_names = accepted->find("shortNames");
  if (short_names == nullptr || !short_names->is_array()) return;
  for (const Value& item : short_names->items()) {
    if (item.is_string()) add(names.resources, item.as_string());
  }
}

Condition approval_of(api::Arena& arena, const Value& definition) {
  const Value* spec = definition.find("spec");
  if (spec == nullptr || !is_protected_group(spec->string_at("group"))) return {};
  constexpr std::string_view kType = "KubernetesAPIApprovalPolicyConformant";
  const Value* annotations = definition.find_path({"metadata", "annotations"});
  const std::string_view said =
      annotations == nullptr ? std::string_view() : annotations->string_at(kApproval);
  if (said.empty()) {
    return {kType, "False", "MissingAnnotation",
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see "
            "https://github.com/kubernetes/enhancements/pull/1111"};
  }
  if (said.starts_with("unapproved")) {
    return {kType, "False", "UnapprovedAnnotation", arena.copy("not approved: " + quoted(said))};
  }
  const auto scheme = said.find("://");
  if (scheme == 0 || scheme == std::string_view::npos ||
      said.substr(scheme + 3).find_first_not_of('/') != 0) {
    return {
        kType, "False", "InvalidAnnotation",
        arena.copy("protected groups must have approval annotation \"" + std::string(kApproval) +
                   "\" with either a URL or a reason starting with "
                   "\"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111")};
  }
  return {kType, "True", "ApprovedAnnotation", arena.copy("approved in " + std::string(said))};
}

namespace {

// Whether the certificates by which a conversion webhook is known can be read.
bool has_readable_bundle(const Value& definition) {
  const Value* bundle =
      definition.find_path({"spec", "conversion", "webhook", "clientConfig", "caBundle"});
  return bundle == nullptr || !bundle->is_string() || bundle->as_string().empty() ||
         problem_of_ca_bundle(bundle->as_string()).empty();
}

Condition established_by(const Value& definition, const Condition& named) {
  if (named.status != "True") {
    return {"Established", "False", "NotAccepted", "not all names are accepted"};
  }
  if (!has_readable_bundle(definition)) {
    return {"Established", "False", "InvalidCABundle",
            "The conversion webhook CABundle is invalid"};
  }
  return {"Established", "True", "InitialNamesAccepted", "the initial names have been accepted"};
}

// What keeps a definition from having only structural schemas. An empty type: nothing.
Condition violations_of(api::Arena& arena, const Value& definition) {
  constexpr std::string_view kType = "NonStructuralSchema";
  const Value* spec = definition.find("spec");
  if (spec == nullptr) return {};
  std::vector<std::string> found;
  if (spec->bool_at("preserveUnknownFields")) {
    found.push_back("spec.preserveUnknownFields: Invalid value: true: must be false");
  }
  const Value* versions = spec->find("versions");
  const std::size_t count = versions != nullptr && versions->is_array() ? versions->size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Value& version = versions->items()[i];
    const Value* schema = version.find_path({"schema", "openAPIV3Schema"});
    if (schema == nullptr || !schema->is_object()) continue;
    if (const std::string why = unsupported_of(*schema); !why.empty()) {
      return {kType, "Unknown", "StructuralError",
              arena.copy("failed to check validation schema for version " +
                         std::string(version.string_at("name")) + ": " + why)};
    }
    const std::string path = "spec.versions[" + std::to_string(i) + "].schema.openAPIV3Schema";
    for (const Cause& cause : structural_complaints(*schema, path)) {
      found.push_back(cause.field + ": " + cause.message);
    }
  }
  if (found.empty()) return {};
  return {kType, "True", "Violations", arena.copy(aggregate_text(found))};
}

// False if there was none.
bool remove_condition(Value& definition, std::string_view type) {
  Value* list = definition.find_path({"status", "conditions"});
  if (list == nullptr || !list->is_array()) return false;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (list->items()[i].string_at("type") != type) continue;
    list->remove_item(i);
    return true;
  }
  return false;
}

}  // namespace

bool settle_status(api::Arena& arena, Value& definition, const ClaimedNames& taken, WallTime now) {
  const Value* wanted = definition.find_path({"spec", "names"});
  if (wanted == nullptr) return false;
  Value& status = definition.ensure_object(arena, "status");
  Value& accepted = status.ensure_object(arena, "acceptedNames");
  const Value before = api::deep_copy(arena, accepted);
  const Condition named = Naming(arena, *wanted, accepted, taken).settle();
  bool changed = !api::equal(before, accepted);
  changed = set_condition(arena, definition, named, now) || changed;
  if (!is_condition_true(definition, "Established")) {
    const Condition established = established_by(definition, named);
    changed = set_condition(arena, definition, established, now) || changed;
  }
  const Condition approval = approval_of(arena, definition);
  if (!approval.type.empty()) changed = set_condition(arena, definition, approval, now) || changed;
  const Condition violations = violations_of(arena, definition);
  const bool differs = violations.type.empty() ? remove_condition(definition, "NonStructuralSchema")
                                               : set_condition(arena, definition, violations, now);
  changed = changed || differs;
  return changed;
}

}  // namespace pinnace::apiserver

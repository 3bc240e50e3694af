#include "apiserver/registry/owner_references.h"

#include <string>
#include <unordered_set>

#include "api/json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAfterAdmission = " after mutating admission happens";
constexpr std::string_view kAdvice =
    "; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; "
    "please fix your requests; duplicate UID(s) observed: ";

// Of two references that say the same.
std::string text_of(const api::Value& owner) {
  static constexpr std::string_view kMembers[] = {"apiVersion", "kind",       "name",
                                                  "uid",        "controller", "blockOwnerDeletion"};
  std::string text;
  for (const std::string_view key : kMembers) {
    if (const auto* member = owner.find(key)) api::write_json(text, *member);
    text += ',';
  }
  return text;
}

}  // namespace

void drop_repeated_owners(Change& change, api::Value& object, OwnersFrom from) {
  const auto* owners = object.find_path({"metadata", "ownerReferences"});
  if (owners == nullptr || !owners->is_array() || owners->size() < 2) return;
  api::Value kept = api::Value::array();
  std::unordered_set<std::string> seen;
  std::string repeated;
  for (const api::Value& owner : owners->items()) {
    if (seen.insert(text_of(owner)).second) {
      kept.append(change.arena, owner);
    } else {
      (repeated += repeated.empty() ? "" : ", ") += owner.string_at("uid");
    }
  }
  if (kept.size() == owners->size()) return;
  change.warn(".metadata.ownerReferences contains duplicate entries" +
              std::string(from == OwnersFrom::kAdmission ? kAfterAdmission : "") +
              std::string(kAdvice) + repeated);
  object.find("metadata")->set_ref(change.arena, "ownerReferences", kept);
}

}  // namespace pinnace::apiserver

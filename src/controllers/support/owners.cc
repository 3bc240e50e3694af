#include "controllers/support/owners.h"

#include "controllers/support/patches.h"

namespace pinnace::controllers {

const meta_v1::OwnerReference* controller_of(const meta_v1::ObjectMeta& meta) {
  for (const auto& reference : meta.owner_references) {
    if (reference.controller.value_or(false)) return &reference;
  }
  return nullptr;
}

std::string_view controller_uid(const meta_v1::ObjectMeta& meta) {
  const auto* reference = controller_of(meta);
  return reference == nullptr ? std::string_view() : std::string_view(reference->uid);
}

std::string adopt_patch(const meta_v1::OwnerReference& owner, std::string_view object_uid) {
  return R"({"metadata":{"ownerReferences":[)" + api::to_json(owner) + R"(],"uid":)" +
         quoted(object_uid) + "}}";
}

std::string release_patch(std::string_view owner_uid, std::string_view object_uid) {
  return R"({"metadata":{"ownerReferences":[{"$patch":"delete","uid":)" + quoted(owner_uid) +
         R"(}],"uid":)" + quoted(object_uid) + "}}";
}

}  // namespace pinnace::controllers

#include "controllers/support/patches.h"

#include "api/json.h"

namespace pinnace::controllers {

std::string quoted(std::string_view text) {
  return api::to_json_text(api::Value::string_ref(text));
}

std::string finalizers_patch(std::string_view uid, std::string_view resource_version,
                             const std::vector<std::string>& finalizers) {
  std::string list;
  for (const auto& finalizer : finalizers) {
    if (!list.empty()) list += ',';
    list += quoted(finalizer);
  }
  return R"({"metadata":{"uid":)" + quoted(uid) + R"(,"resourceVersion":)" +
         quoted(resource_version) + R"(,"finalizers":[)" + list + "]}}";
}

}  // namespace pinnace::controllers

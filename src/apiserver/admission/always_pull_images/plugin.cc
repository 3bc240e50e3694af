// AlwaysPullImages: whoever runs an image shows that he may pull it.
#include <algorithm>
#include <set>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

std::set<std::string_view> images_of(const api::Value& pod) {
  std::set<std::string_view> images;
  for (const auto& list : kContainerLists) {
    for (const auto& container : items_at(pod.find("spec"), list.field)) {
      images.insert(container.string_at("image"));
    }
  }
  return images;
}

bool has_no_new_image(const AdmissionRequest& request) {
  return request.is(Operation::kUpdate) &&
         std::ranges::includes(images_of(*request.old), images_of(*request.object));
}

Result<void> set_policy(AdmissionRequest& request) {
  if (has_no_new_image(request)) return {};
  api::Arena& arena = request.change.arena;
  for (const auto& list : kContainerLists) {
    for (auto& container : items_at(request.object->find("spec"), list.field)) {
      container.set_ref(arena, "imagePullPolicy", api::Value::string_ref("Always"));
    }
  }
  for (auto& volume : items_at(request.object->find("spec"), "volumes")) {
    if (auto* image = volume.find("image")) {
      image->set_ref(arena, "pullPolicy", api::Value::string_ref("Always"));
    }
  }
  return {};
}

Result<void> check_policy(AdmissionRequest& request) {
  if (has_no_new_image(request)) return {};
  for (const auto& list : kContainerLists) {
    std::size_t at = 0;
    for (const auto& container : items_at(request.object->find("spec"), list.field)) {
      const std::string field =
          "spec." + std::string(list.field) + "[" + std::to_string(at++) + "].imagePullPolicy";
      const std::string_view policy = container.string_at("imagePullPolicy");
      if (policy == "Always") continue;
      const Cause wrong = cause::not_supported(field, quoted(policy), {"Always"});
      return admission_refusal(request.change, wrong.field + ": " + wrong.message);
    }
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kAlwaysPullImages{.name = "AlwaysPullImages",
                                                  .resources = "pods",
                                                  .subresources = "",
                                                  .operations = kWrites,
                                                  .mutate = set_policy,
                                                  .validate = check_policy};

}  // namespace pinnace::apiserver

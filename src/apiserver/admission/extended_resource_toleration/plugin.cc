// ExtendedResourceToleration: nodes with special devices are tainted with the device's name; pods
// that ask for the device may go there.
#include <set>

#include "api/quota.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/tolerations.h"

namespace pinnace::apiserver {
namespace {

Result<void> tolerate_devices(AdmissionRequest& request) {
  api::Arena& arena = request.change.arena;
  std::set<std::string_view> names;
  for (const auto& list : {kContainerLists[0], kContainerLists[1]}) {
    for (const auto& container : items_at(request.object->find("spec"), list.field)) {
      for (const auto& member : members_at(container.find("resources"), "requests")) {
        if (api::is_extended_resource(member.key)) names.insert(member.key);
      }
    }
  }
  if (names.empty()) return {};
  api::Value& spec = request.object->ensure_object(arena, "spec");
  for (const auto& own : items_at(&spec, "tolerations")) {
    const auto tolerated = names.find(own.string_at("key"));
    const bool is_there =
        tolerated != names.end() && api::equal(own, tolerate_key(arena, *tolerated, ""));
    if (is_there) names.erase(tolerated);
  }
  for (const auto name : names) {
    ensure_array(arena, spec, "tolerations").append(arena, tolerate_key(arena, name, ""));
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kExtendedResourceToleration{.name = "ExtendedResourceToleration",
                                                            .resources = "pods",
                                                            .subresources = "",
                                                            .operations = kWrites,
                                                            .mutate = tolerate_devices};

}  // namespace pinnace::apiserver

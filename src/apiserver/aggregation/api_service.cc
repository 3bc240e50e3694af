#include "apiserver/aggregation/api_service.h"

#include <algorithm>
#include <array>

#include "api/json.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

struct GroupPriority {
  std::string_view group;
  std::int64_t priority;
};
constexpr std::array kGroupPriorities = {
    GroupPriority{"", 18000},
    GroupPriority{"apps", 17800},
    GroupPriority{"events.k8s.io", 17750},
    GroupPriority{"authentication.k8s.io", 17700},
    GroupPriority{"authorization.k8s.io", 17600},
    GroupPriority{"autoscaling", 17500},
    GroupPriority{"batch", 17400},
    GroupPriority{"certificates.k8s.io", 17300},
    GroupPriority{"networking.k8s.io", 17200},
    GroupPriority{"extensions", 17150},
    GroupPriority{"policy", 17100},
    GroupPriority{"rbac.authorization.k8s.io", 17000},
    GroupPriority{"settings.k8s.io", 16900},
    GroupPriority{"storage.k8s.io", 16800},
    GroupPriority{"apiextensions.k8s.io", 16700},
    GroupPriority{"admissionregistration.k8s.io", 16700},
    GroupPriority{"scheduling.k8s.io", 16600},
    GroupPriority{"coordination.k8s.io", 16500},
    GroupPriority{"node.k8s.io", 16300},
    GroupPriority{"discovery.k8s.io", 16200},
    GroupPriority{"flowcontrol.apiserver.k8s.io", 16100},
    GroupPriority{"internal.apiserver.k8s.io", 16000},
    GroupPriority{"resource.k8s.io", 16200},
    GroupPriority{"storagemigration.k8s.io", 15800},
};

struct VersionPriority {
  std::string_view group, version;
  std::int64_t priority;
};
// Those that do not follow from how mature their names say they are.
constexpr std::array kVersionPriorities = {
    VersionPriority{"admissionregistration.k8s.io", "v1beta1", 12},
    VersionPriority{"admissionregistration.k8s.io", "v1alpha1", 9},
    VersionPriority{"autoscaling", "v2beta2", 1},
    VersionPriority{"coordination.k8s.io", "v1beta1", 13},
    VersionPriority{"coordination.k8s.io", "v1alpha2", 12},
    VersionPriority{"discovery.k8s.io", "v1beta1", 12},
    VersionPriority{"events.k8s.io", "v1beta1", 5},
    VersionPriority{"flowcontrol.apiserver.k8s.io", "v1", 21},
    VersionPriority{"flowcontrol.apiserver.k8s.io", "v1beta3", 18},
    VersionPriority{"flowcontrol.apiserver.k8s.io", "v1beta2", 15},
    VersionPriority{"flowcontrol.apiserver.k8s.io", "v1beta1", 12},
    VersionPriority{"internal.apiserver.k8s.io", "v1alpha1", 9},
    VersionPriority{"resource.k8s.io", "v1", 21},
    VersionPriority{"resource.k8s.io", "v1beta2", 15},
    VersionPriority{"storagemigration.k8s.io", "v1alpha1", 9},
};
constexpr std::int64_t kOtherGroup = 15000, kCustomGroup = 1000, kCustomVersion = 100;
constexpr int kDefaultPort = 443;

// Stable versions come first, the newest of them before the others.
std::int64_t version_priority(std::string_view group, std::string_view version) {
  for (const VersionPriority& known : kVersionPriorities) {
    if (known.group == group && known.version == version) return known.priority;
  }
  if (version.find("alpha") != std::string_view::npos) return 1;
  if (version.find("beta") != std::string_view::npos) return 9;
  const auto number = parse_int(version.substr(1));
  return 15 * number.value_or(1);
}

}  // namespace

Result<ApiService> read_api_service(const store::Object& object) {
  api::Arena arena;
  const auto tree = parse_stored(arena, object);
  if (!tree) return std::unexpected(tree.error());
  ApiService out;
  out.name = object.key.name;
  if (const auto* labels = tree->find_path({"metadata", "labels"})) {
    out.is_auto_managed = labels->find(kAutoManaged) != nullptr;
  }
  const auto* spec = tree->find("spec");
  if (spec == nullptr) return out;
  out.group = spec->string_at("group");
  out.version = spec->string_at("version");
  out.group_priority = spec->int_at("groupPriorityMinimum");
  out.version_priority = spec->int_at("versionPriority");
  out.skip_verification = spec->bool_at("insecureSkipTLSVerify");
  out.ca_pem = base64_decode(spec->string_at("caBundle")).value_or("");
  if (const auto* service = spec->find("service"); service != nullptr && service->is_object()) {
    out.ns = service->string_at("namespace");
    out.service = service->string_at("name");
    out.port = static_cast<int>(service->int_at("port", kDefaultPort));
  }
  return out;
}

std::string api_service_name(std::string_view group, std::string_view version) {
  return std::string(version) + '.' + std::string(group);
}

ApiPriorities api_priorities(std::string_view group, std::string_view version, bool is_custom) {
  if (is_custom) return {kCustomGroup, kCustomVersion};
  const auto known = std::ranges::find(kGroupPriorities, group, &GroupPriority::group);
  return {known == kGroupPriorities.end() ? kOtherGroup : known->priority,
          group.empty() ? 1 : version_priority(group, version)};
}

std::string local_api_service_json(std::string_view group, std::string_view version, bool is_custom,
                                   std::string_view now) {
  const ApiPriorities priorities = api_priorities(group, version, is_custom);
  std::string out = "{\"metadata\":{\"name\":";
  api::write_json_string(out, api_service_name(group, version));
  out += ",\"labels\":{";
  api::write_json_string(out, kAutoManaged);
  // What is built in is made at the start; the rest comes and goes.
  out += is_custom ? ":\"true\"}},\"spec\":{" : ":\"onstart\"}},\"spec\":{";
  if (!group.empty()) {
    out += "\"group\":";
    api::write_json_string(out, group);
    out += ',';
  }
  out += "\"version\":";
  api::write_json_string(out, version);
  out += ",\"groupPriorityMinimum\":" + std::to_string(priorities.group) +
         ",\"versionPriority\":" + std::to_string(priorities.version) +
         R"(},"status":{"conditions":[{"type":"Available","status":"True","lastTransitionTime":")";
  (out += now) += R"(","reason":"Local","message":"Local APIServices are always available"}]}})";
  return out;
}

}  // namespace pinnace::apiserver

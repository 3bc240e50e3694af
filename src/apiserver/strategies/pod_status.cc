// What a status of a pod may say, and what it may not take back.
#include <set>

#include "api/addresses.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/pod_update.h"

namespace pinnace::apiserver {
namespace {

// A container that ended for good does not run again.
void validate_transitions(const Field& statuses, const api::Value* old, const Field& spec,
                          const char* list) {
  const bool is_ephemeral = list == nullptr;
  const std::string_view policy = is_ephemeral ? "Never" : spec["restartPolicy"].text();
  if (policy == "Always" || old == nullptr || !old->is_array()) return;
  for (std::size_t i = 0; i < old->size(); ++i) {
    const api::Value& before = old->items()[i];
    const auto* ended = before.find_path({"state", "terminated"});
    if (ended == nullptr || ended->is_null()) continue;
    if (ended->int_at("exitCode") != 0 && policy == "OnFailure") continue;
    bool may_restart = false;
    for (const Field& container : spec[is_ephemeral ? "ephemeralContainers" : list].items()) {
      if (!container["name"].is(before.string_at("name"))) continue;
      may_restart = container["restartPolicy"].is("Always") ||
                    !container["restartPolicyRules"].empty() ||
                    container["restartPolicy"].is("OnFailure");
    }
    if (may_restart) continue;
    for (const Field& status : statuses.items()) {
      if (!status["name"].is(before.string_at("name"))) continue;
      if (status["state"]["terminated"].is_set()) continue;
      statuses.as(statuses.path() + "[" + std::to_string(i) + "].state")
          .forbidden("may not be transitioned to non-terminated state");
    }
  }
}

// At most one address of each family.
void validate_addresses(const Field& list) {
  std::set<std::string, std::less<>> seen;
  std::set<int> families;
  for (const Field& item : list.items()) {
    const std::string_view ip = item["ip"].text();
    for (const auto& text : api::check_ip(ip)) item.invalid_value(quoted(ip), text);
    if (const auto address = api::parse_address(ip)) families.insert(address->family);
  }
  if (list.size() < 2) return;
  if (families.size() != 2 || list.size() > 2) {
    list.invalid("may specify no more than one IP for each IP family");
  }
  for (const Field& item : list.items()) {
    if (!seen.emplace(item["ip"].text()).second) item.duplicate();
  }
}

void validate_conditions(const Field& conditions) {
  for (const Field& condition : conditions.items()) {
    const Field type = condition["type"];
    if (type.is_among({"PodScheduled", "Ready", "Initialized"})) continue;
    type.as(condition["Type"]).each(api::check_qualified_name(type.text()));
  }
}

void validate_claim_statuses(const Field& statuses, const Field& claims) {
  std::set<std::string, std::less<>> names;
  const auto known = claims.texts_of_items("name");
  for (const Field& status : statuses.items()) {
    const Field name = status["name"];
    if (!known.contains(name.text()))
      name.invalid("must match the name of an entry in `spec.resourceClaims`");
    if (!names.emplace(name.text()).second) name.duplicate();
    const Field claim = status["resourceClaimName"];
    if (claim.is_set()) claim.as(name).each(api::check_dns1123_subdomain(claim.text()));
  }
}

}  // namespace

void validate_pod_status(Change& change, const api::Value& object, const api::Value& old) {
  const Field pod = root(change, object);
  const Field status = pod["status"];
  const Field spec = pod["spec"];
  validate_conditions(status["conditions"].as("metadata.conditions"));
  const Field nominated = status["nominatedNodeName"];
  if (!nominated.empty() && !nominated.same_as(old.find_path({"status", "nominatedNodeName"}))) {
    nominated.each(api::check_dns1123_subdomain(nominated.text()));
  }
  const Field quality = status["qosClass"];
  if (!quality.same_as(old.find_path({"status", "qosClass"}))) {
    quality.invalid("field is immutable");
  }
  struct List {
    const char* statuses;
    const char* containers;  // nullptr: ephemeral
  };
  for (const List& list :
       {List{"containerStatuses", "containers"}, List{"initContainerStatuses", "initContainers"},
        List{"ephemeralContainerStatuses", nullptr}}) {
    validate_transitions(status[list.statuses], old.find_path({"status", list.statuses}), spec,
                         list.containers);
  }
  validate_claim_statuses(status["resourceClaimStatuses"], spec["resourceClaims"]);
  validate_addresses(status["podIPs"]);
  const Field host_ips = status["hostIPs"];
  if (!host_ips.empty() && !host_ips.at(0)["ip"].is(status["hostIP"].text())) {
    host_ips.at(0)["ip"].invalid("must be equal to `hostIP`");
  }
  validate_addresses(host_ips);
}

}  // namespace pinnace::apiserver

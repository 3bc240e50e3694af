// What a status of a pod may say, and what it may not take back.
#include <array>
#include <map>
#include <set>

#include "api/addresses.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/pod_update.h"

namespace pinnace::apiserver {
namespace {

// Whether a rule of the container tells the exit code to start it again.
bool has_rule_for(const Field& container, std::int64_t exit_code) {
  for (const Field& rule : container["restartPolicyRules"].items()) {
    const Field codes = rule["exitCodes"];
    bool is_listed = false;
    for (const Field& code : codes["values"].items()) {
      is_listed = is_listed || code.number() == exit_code;
    }
    if (codes["operator"].is("In") ? is_listed : codes["operator"].is("NotIn") && !is_listed) {
      return rule["action"].is("Restart");
    }
  }
  return false;
}

bool may_restart(const Field& container, std::string_view policy_of_pod, std::int64_t exit_code) {
  const Field own = container["restartPolicy"];
  if (own.is_set() && has_rule_for(container, exit_code)) return true;
  const std::string_view policy = own.is_set() ? own.text() : policy_of_pod;
  return policy == "Always" || (policy == "OnFailure" && exit_code != 0);
}

// A container that ended for good does not run again.
void validate_transitions(const Field& statuses, const api::Value* old, const Field& spec,
                          const char* list) {
  if (old == nullptr || !old->is_array()) return;
  std::map<std::string_view, Field> containers, now;
  if (list != nullptr) {
    for (const Field& one : spec[list].items()) containers.emplace(one["name"].text(), one);
  }
  for (const Field& status : statuses.items()) now.emplace(status["name"].text(), status);
  for (std::size_t i = 0; i < old->size(); ++i) {
    const api::Value& before = old->items()[i];
    const auto* ended = before.find_path({"state", "terminated"});
    const auto status = now.find(before.string_at("name"));
    if (ended == nullptr || ended->is_null() || status == now.end()) continue;
    if (status->second["state"]["terminated"].is_set()) continue;
    const auto container = containers.find(before.string_at("name"));
    if (container != containers.end() &&
        may_restart(container->second, spec["restartPolicy"].text(), ended->int_at("exitCode"))) {
      continue;
    }
    statuses.at(i)["state"].forbidden("may not be transitioned to non-terminated state");
  }
}

// At most one address of each family.
void validate_addresses(const Field& list) {
  std::set<int> families;
  std::string fault;  // What keeps the families from being told apart.
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string_view ip = list.at(i)["ip"].text();
    for (const auto& text : api::check_ip(ip)) list.at(i).invalid_value(quoted(ip), text);
    if (const auto address = api::parse_address(ip)) {
      families.insert(address->family);
    } else if (fault.empty()) {
      fault = "invalid IP[" + std::to_string(i) + "]: " + std::string(ip);
    }
  }
  if (list.size() < 2) return;
  if (!fault.empty()) {
    list.causes().push_back({"InternalError",
                             "Internal error: failed to check for dual stack with error:" + fault,
                             list.path()});
    families.clear();
  }
  if (families.size() != 2 || list.size() > 2) {
    list.invalid_value(internal_form(list, "", "PodIP"),
                       "may specify no more than one IP for each IP family");
  }
}

void validate_pod_conditions(const Field& conditions) {
  for (const Field& condition : conditions.items()) {
    const Field type = condition["type"];
    const Field generation = condition["observedGeneration"];
    if (generation.number() < 0) generation.invalid("must be a non-negative integer");
    if (type.is_among({"PodScheduled", "Ready", "Initialized"})) continue;
    type.as(condition["Type"]).each(api::check_qualified_name(type.text()));
  }
}

constexpr const char* kStatusLists[] = {"containerStatuses", "initContainerStatuses",
                                        "ephemeralContainerStatuses"};

// Who a container runs as.
void validate_users(const Field& statuses, const Field& os) {
  constexpr std::int64_t kMaxId = 2147483647;
  for (const Field& status : statuses.items()) {
    const Field user = status["user"]["linux"];
    if (!user.is_set()) continue;
    if (os.is("windows")) {
      user.forbidden("cannot be set for a windows pod");
      continue;
    }
    user["uid"].between(0, kMaxId);
    user["gid"].between(0, kMaxId);
    for (const Field& group : user["supplementalGroups"].items()) group.between(0, kMaxId);
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
  validate_pod_conditions(status["conditions"]);
  const Field nominated = status["nominatedNodeName"];
  if (!nominated.empty() && !nominated.same_as(old.find_path({"status", "nominatedNodeName"}))) {
    nominated.each(api::check_dns1123_subdomain(nominated.text()));
    if (!spec["nodeName"].empty()) {
      nominated.forbidden("may not be set on pods that are already bound to a node");
    }
  }
  const Field generation = status["observedGeneration"];
  if (generation.number() < 0) generation.invalid("must be a non-negative integer");
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
  for (const char* list : kStatusLists) validate_users(status[list], spec["os"]["name"]);
}

}  // namespace pinnace::apiserver

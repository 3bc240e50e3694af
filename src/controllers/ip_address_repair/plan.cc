#include "controllers/ip_address_repair/plan.h"

#include <algorithm>

#include "api/addresses.h"
#include "controllers/service_cidr/plan.h"

namespace pinnace::controllers::ip_address_repair {
namespace {

constexpr std::string_view kFamily = "ipaddress.kubernetes.io/ip-family";
// A Service may still be on its way into the store: as long as a request may take...
constexpr Duration kNewService = std::chrono::seconds(60);
// ...or its change, which ends sooner.
constexpr Duration kChangedService = std::chrono::seconds(5);

std::string family_of(const std::string& address) {
  return address.find(':') == std::string::npos ? "IPv4" : "IPv6";
}

bool has_labels(const IPAddress& address) {
  const auto family = address.metadata.labels.find(std::string(kFamily));
  return family != address.metadata.labels.end() &&
         family->second == family_of(address.metadata.name) && service_cidr::is_of_service(address);
}

std::vector<std::string> addresses_of(const core_v1::Service& service) {
  const auto& spec = service.spec;
  if (spec.type == "ExternalName" || spec.cluster_ip.empty() || spec.cluster_ip == "None")
    return {};
  std::vector<std::string> addresses;
  for (const auto& ip : spec.cluster_ips) {
    if (const auto parsed = api::parse_address(ip)) addresses.push_back(parsed->text());
  }
  return addresses;
}

// What an event calls it.
std::string shown(const std::string& address) { return "[" + family_of(address) + "]: " + address; }

Repair repair_of(const core_v1::Service& service, const std::string& address, const View& view) {
  using Action = Repair::Action;
  const std::string key = key_of(service.metadata);
  if (!view.in_some_range(address)) {
    return {address,
            Action::kNone,
            {"ClusterIPOutOfRange",
             "Cluster IP " + shown(address) +
                 " is not within any configured Service CIDR; please recreate service"}};
  }
  const auto found = view.address(address);
  if (!found) {
    return {
        address,
        Action::kCreate,
        {"ClusterIPNotAllocated", "Cluster IP " + shown(address) + " is not allocated; repairing"}};
  }
  const std::string named = service_of(*found);
  const auto other = named.empty() || named == key ? nullptr : view.service(named);
  if (named != key && !other) {
    return {address,
            Action::kRecreate,
            {"ClusterIPNotAllocated", "the ClusterIP " + shown(address) + " for Service " + key +
                                          " has a wrong reference; repairing"}};
  }
  if (other && has(*other, address)) {
    return {address,
            Action::kNone,
            {"ClusterIPAlreadyAllocated",
             "Cluster IP [" + family_of(address) + "]:" + address +
                 " was assigned to multiple services; please recreate service"}};
  }
  return {address, has_labels(*found) ? Action::kNone : Action::kRecreate, {}};
}

}  // namespace

bool has(const core_v1::Service& service, const std::string& address) {
  const auto addresses = addresses_of(service);
  return std::ranges::find(addresses, address) != addresses.end();
}

std::string service_of(const IPAddress& address) {
  const auto* parent = address.spec.parent_ref.get();
  if (parent == nullptr || !parent->group.empty() || parent->resource != "services") return {};
  return parent->namespace_ + '/' + parent->name;
}

IPAddress address_of(const std::string& address, const core_v1::Service& service) {
  IPAddress made;
  made.metadata.name = address;
  made.metadata.labels[std::string(kFamily)] = family_of(address);
  made.metadata.labels[std::string(service_cidr::kManagedBy)] = service_cidr::kManager;
  auto& parent = made.spec.parent_ref.emplace();
  parent.resource = "services";
  parent.namespace_ = service.metadata.namespace_;
  parent.name = service.metadata.name;
  return made;
}

std::vector<Repair> repairs_of(const core_v1::Service& service, const View& view) {
  std::vector<Repair> repairs;
  for (const auto& address : addresses_of(service)) {
    Repair repair = repair_of(service, address, view);
    if (repair.action == Repair::Action::kNone && repair.event.reason.empty()) continue;
    repairs.push_back(std::move(repair));
  }
  return repairs;
}

Verdict verdict_on(const IPAddress& address, const View& view, WallTime now) {
  if (!service_cidr::is_of_service(address)) return {};
  const std::string& name = address.metadata.name;
  const std::string key = service_of(address);
  if (key.empty()) {
    return {
        .is_left_over = true,
        .event = {"IPAddressNotAllocated",
                  "IPAddress " + name +
                      " appears to have been modified, not referencing a Service: cleaning up"}};
  }
  const auto service = view.service(key);
  const WallTime created = address.metadata.creation_timestamp.value;
  const Duration age = now - created;
  if (!service) {
    if (age <= kNewService) {
      return {.again = kNewService - age + std::chrono::seconds(1)};
    }
    return {.is_left_over = true,
            .event = {"IPAddressNotAllocated", "IPAddress: " + name + " for Service " + key +
                                                   " appears to have leaked: cleaning up"}};
  }
  if (has(*service, name)) return {};
  if (created > service->metadata.creation_timestamp.value && age < kChangedService) {
    return {.again = kChangedService};
  }
  return {.is_left_over = true,
          .event = {"IPAddressWrongReference", "IPAddress: " + name + " for Service " + key +
                                                   " has a wrong reference; cleaning up"}};
}

}  // namespace pinnace::controllers::ip_address_repair

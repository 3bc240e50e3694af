#include "apiserver/bootstrap/api_service.h"

#include <algorithm>
#include <set>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/strategies/ip_address.h"
#include "base/log.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kKeepPeriod = std::chrono::seconds(10);
// A server that did not renew its Lease for so long is gone.
constexpr Duration kIdentityKept = std::chrono::seconds(30);
constexpr std::string_view kNamespace = "default";
constexpr std::string_view kName = "kubernetes";
constexpr std::string_view kIdentityLabel = "apiserver.kubernetes.io/identity";
constexpr std::string_view kIdentityValue = "kube-apiserver";

void renew_identity(Seeder& seeder, Backend& backend) {
  const Options& options = backend.options;
  const std::string place =
      options.advertise_address + ':' + std::to_string(options.advertise_port);
  const std::string name = "apiserver-" + safe_encode(std::to_string(fnv1a_64(place)));
  const std::string label = json_quoted(kIdentityLabel) + ':' + json_quoted(kIdentityValue);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kIdentityKept).count();
  seeder.add("coordination.k8s.io", "v1", "leases",
             "{" + meta_json("kube-system", name, label) + ",\"spec\":{\"holderIdentity\":" +
                 json_quoted(place) + ",\"leaseDurationSeconds\":" + std::to_string(seconds) +
                 ",\"renewTime\":" + json_quoted(rfc3339_micro(backend.now())) + "}}",
             Existing::kFollow);
}

// The address in a server's Lease, if it serves the same port and renewed it lately.
std::string address_in(const store::Object& lease, const Backend& backend) {
  api::Arena arena;
  const auto parsed = parse_stored(arena, lease);
  const auto* label = parsed ? parsed->find_path({"metadata", "labels", kIdentityLabel}) : nullptr;
  const auto* spec = parsed ? parsed->find("spec") : nullptr;
  if (label == nullptr || !label->is_string() || label->as_string() != kIdentityValue ||
      spec == nullptr) {
    return {};
  }
  WallTime renewed{};
  const std::string_view place = spec->string_at("holderIdentity");
  const auto colon = place.rfind(':');
  const bool is_fresh = parse_rfc3339(spec->string_at("renewTime"), renewed) &&
                        backend.now() - renewed < kIdentityKept;
  if (!is_fresh || colon == place.npos ||
      place.substr(colon + 1) != std::to_string(backend.options.advertise_port)) {
    return {};
  }
  return std::string(place.substr(0, colon));
}

std::set<std::string> addresses_of_servers(Seeder& seeder, Backend& backend) {
  std::set<std::string> addresses{backend.options.advertise_address};
  if (backend.store().is_always_current()) return addresses;
  renew_identity(seeder, backend);
  const auto leases = backend.store().list("coordination.k8s.io/leases", "kube-system");
  if (!leases) return addresses;
  for (const auto& lease : leases->objects) {
    if (auto address = address_in(*lease, backend); !address.empty()) {
      addresses.insert(std::move(address));
    }
  }
  return addresses;
}

std::string family_json(int family) { return family == 4 ? "\"IPv4\"" : "\"IPv6\""; }

// Whether an IPAddress says that the Service may have the address, or one was made to say so.
bool has_address(Seeder& seeder, Backend& backend, const api::Address& address) {
  const auto found = backend.store().get(ip_address_key(address.text()));
  if (found) {
    api::Arena arena;
    const auto parsed = parse_stored(arena, **found);
    const auto* parent = parsed ? parsed->find_path({"spec", "parentRef"}) : nullptr;
    return parent != nullptr && parent->string_at("resource") == "services" &&
           parent->string_at("namespace") == kNamespace && parent->string_at("name") == kName;
  }
  // At the first start there is no range yet.
  const bool has_ranges = backend.store().count("networking.k8s.io/servicecidrs") != 0;
  if (has_ranges && !backend.service_addresses->refusal_of(address).empty()) return false;
  seeder.write(
      ip_address_of_service(address.text(), kNamespace, kName, backend.now(), backend.options.rng));
  return true;
}

// It has the first address of the first range, if that can be had.
void seed_service(Seeder& seeder, Backend& backend) {
  if (backend.store().get({"services", std::string(kNamespace), std::string(kName)})) return;
  const ServiceRange& range = backend.service_addresses->own_ranges().front();
  const api::Address address = range.base().after(1);
  if (!has_address(seeder, backend, address)) {
    return log::warning("the Service of the API cannot have its address",
                        {{"address", address.text()}});
  }
  const std::string ip = json_quoted(address.text());
  seeder.add(
      "", "v1", "services",
      "{" + meta_json(kNamespace, kName, R"("component":"apiserver","provider":"kubernetes")") +
          R"(,"spec":{"type":"ClusterIP","ipFamilyPolicy":"SingleStack","ipFamilies":[)" +
          family_json(range.family()) +
          R"(],"ports":[{"name":"https","protocol":"TCP","port":443,"targetPort":)" +
          std::to_string(backend.options.advertise_port) + R"(}],"clusterIP":)" + ip +
          R"(,"clusterIPs":[)" + ip + "]}}");
}

// A second range may come to the first; otherwise what there is stays.
Existing treatment_of_ranges(Backend& backend) {
  const auto found =
      backend.store().get({"networking.k8s.io/servicecidrs", "", std::string(kName)});
  api::Arena arena;
  const auto parsed = found ? parse_stored(arena, **found) : api::Value::null();
  const auto* list = parsed ? parsed->find_path({"spec", "cidrs"}) : nullptr;
  const auto& own = backend.service_addresses->own_ranges();
  const bool gains_one = list != nullptr && list->size() == 1 && own.size() == 2 &&
                         list->items()[0].is_string() &&
                         list->items()[0].as_string() == own.front().text();
  return gains_one ? Existing::kFollow : Existing::kKeep;
}

void seed_ranges(Seeder& seeder, Backend& backend) {
  std::vector<std::string> ranges;
  for (const auto& range : backend.service_addresses->own_ranges()) {
    ranges.push_back(json_quoted(range.text()));
  }
  seeder.add("networking.k8s.io", "v1", "servicecidrs",
             "{" + meta_json("", kName, "") + R"(,"spec":{"cidrs":[)" + join(ranges, ",") +
                 R"(]},"status":{"conditions":[{"type":"Ready","status":"True","reason":"",)"
                 R"("message":"Kubernetes default Service CIDR is ready","lastTransitionTime":")" +
                 rfc3339(backend.now()) + R"("}]}})",
             treatment_of_ranges(backend));
}

}  // namespace

void seed_api_service(Seeder& seeder, Backend& backend) {
  seed_ranges(seeder, backend);
  seed_service(seeder, backend);
  const Options& options = backend.options;
  const std::string ports = R"("ports":[{"name":"https","port":)" +
                            std::to_string(options.advertise_port) + R"(,"protocol":"TCP"}])";
  const auto advertised = api::parse_address(options.advertise_address);
  std::vector<std::string> hosts, endpoints;
  for (const std::string& address : addresses_of_servers(seeder, backend)) {
    hosts.push_back("{\"ip\":" + json_quoted(address) + "}");
    endpoints.push_back("{\"addresses\":[" + json_quoted(address) +
                        R"(],"conditions":{"ready":true}})");
  }
  seeder.add(
      "", "v1", "endpoints",
      "{" + meta_json(kNamespace, kName, R"("endpointslice.kubernetes.io/skip-mirror":"true")") +
          R"(,"subsets":[{"addresses":[)" + join(hosts, ",") + "]," + ports + "}]}",
      Existing::kFollow);
  seeder.add("discovery.k8s.io", "v1", "endpointslices",
             "{" + meta_json(kNamespace, kName, R"("kubernetes.io/service-name":"kubernetes")") +
                 R"(,"addressType":)" + family_json(advertised ? advertised->family : 4) +
                 ",\"endpoints\":[" + join(endpoints, ",") + "]," + ports + "}",
             Existing::kFollow);
}

void keep_api_service(const BackendRef& backend) {
  backend->options.executor.schedule_after(kKeepPeriod, [weak = std::weak_ptr(backend)] {
    const auto open = weak.lock();
    if (!open || open->is_shutting_down) return;
    const auto seeder = std::make_shared<Seeder>(open);
    seed_api_service(*seeder, *open);
    seeder->when_done([weak](const Result<void>& kept) {
      const auto still_open = weak.lock();
      if (!still_open || still_open->is_shutting_down) return;
      if (!kept) {
        log::warning("the Service of the API cannot be kept", {{"error", kept.error().message}});
      }
      keep_api_service(still_open);
    });
  });
}

}  // namespace pinnace::apiserver

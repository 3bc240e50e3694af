#include "apiserver/proxy/service_proxy.h"

#include "api/json.h"
#include "apiserver/proxy/forward.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"
#include "io/ip.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kServiceName = "kubernetes.io/service-name";

bool is_allowed(std::string_view host) {
  const auto ip = io::Ipv4::parse(host);
  if (!ip) return false;
  const bool is_link_local = ip->value >> 16 == 0xa9fe,
             is_multicast_or_above = ip->value >> 28 >= 14;
  return !ip->is_any() && !ip->is_loopback() && !is_link_local && !is_multicast_or_above;
}

// The first port that any of the pod's containers declares; "" if none does.
std::string first_port(const api::Value& pod) {
  const auto* containers = pod.find_path({"spec", "containers"});
  if (containers == nullptr || !containers->is_array()) return {};
  for (const auto& container : containers->items()) {
    const auto* ports = container.find("ports");
    if (ports == nullptr || !ports->is_array() || ports->empty()) continue;
    return std::to_string(ports->items()[0].int_at("containerPort"));
  }
  return {};
}

Unexpected no_endpoints(const std::string& service) {
  return errors::unavailable("no endpoints available for service \"" + service + "\"");
}

// The name of the Service's port with this number; nothing when it has none.
std::optional<std::string> port_name(const api::Value& service, std::int64_t number) {
  const auto* ports = service.find_path({"spec", "ports"});
  if (ports == nullptr || !ports->is_array()) return std::nullopt;
  for (const auto& port : ports->items()) {
    if (port.int_at("port") == number) return std::string(port.string_at("name"));
  }
  return std::nullopt;
}

void add_addresses(const api::Value& slice, std::string_view port_name,
                   std::vector<ServiceAddress>& out) {
  const auto *ports = slice.find("ports"), *endpoints = slice.find("endpoints");
  if (ports == nullptr || !ports->is_array() || endpoints == nullptr || !endpoints->is_array()) {
    return;
  }
  for (const auto& port : ports->items()) {
    if (port.string_at("name") != port_name) continue;
    for (const auto& endpoint : endpoints->items()) {
      const auto* conditions = endpoint.find("conditions");
      const auto* addresses = endpoint.find("addresses");
      if (conditions != nullptr && !conditions->bool_at("ready", true)) continue;
      if (addresses == nullptr || !addresses->is_array() || addresses->empty()) continue;
      if (!addresses->items()[0].is_string()) continue;
      out.push_back(
          {std::string(addresses->items()[0].as_string()), static_cast<int>(port.int_at("port"))});
    }
  }
}

Result<void> enter_pod(const BackendRef& backend, const CallRef& call) {
  auto name = parse_proxy_name("pod", call->info.name);
  if (!name) return std::unexpected(std::move(name.error()));
  const auto stored = backend->store().get({"pods", call->info.ns, name->name});
  if (!stored) return errors::not_found("pods", name->name);
  api::Arena arena;
  const auto pod = parse_stored(arena, **stored);
  if (!pod) return std::unexpected(pod.error());
  if (name->port.empty()) name->port = first_port(*pod);
  const auto* status = pod->find("status");
  auto endpoint =
      proxied_endpoint(*backend, status == nullptr ? "" : status->string_at("podIP"), *name);
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  forward(call, {std::move(*endpoint), proxied_target(*call), Upstream::kService});
  return {};
}

Result<void> enter_service(const BackendRef& backend, const CallRef& call) {
  auto name = parse_proxy_name("service", call->info.name);
  if (!name) return std::unexpected(std::move(name.error()));
  const auto addresses = service_addresses(backend->store(), call->info.ns, *name);
  if (!addresses) return std::unexpected(addresses.error());
  if (addresses->empty()) return no_endpoints(call->info.name);
  const ServiceAddress& chosen = (*addresses)[backend->options.rng.below(addresses->size())];
  name->port = std::to_string(chosen.port);
  auto endpoint = proxied_endpoint(*backend, chosen.host, *name);
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  forward(call, {std::move(*endpoint), proxied_target(*call), Upstream::kService});
  return {};
}

}  // namespace

Result<net::Endpoint> proxied_endpoint(Backend& backend, std::string_view host,
                                       const ProxyName& name) {
  if (!is_allowed(host)) return errors::bad_request("address not allowed");
  net::Endpoint endpoint;
  endpoint.host = std::string(host);
  const bool is_https = name.scheme == "https";
  const auto port =
      name.port.empty() ? std::optional<std::int64_t>(is_https ? 443 : 80) : parse_int(name.port);
  if (!port || *port < 1 || *port > 65535) {
    return errors::bad_request("invalid port \"" + name.port + "\"");
  }
  endpoint.port = static_cast<int>(*port);
  if (!is_https) return endpoint;
  auto tls = backend.kubelets->stranger_tls();
  if (!tls) return std::unexpected(std::move(tls.error()));
  endpoint.tls = *tls;
  return endpoint;
}

std::string proxied_target(const Call& call) {
  std::string target = call.info.rest.empty() ? "/" : call.info.rest.back();
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  if (!call.request.query.empty()) target += "?" + call.request.query;
  return target;
}

Result<std::vector<ServiceAddress>> service_addresses(const store::Store& store,
                                                      const std::string& ns,
                                                      const ProxyName& name) {
  api::Arena arena;
  const auto stored = store.get({"services", ns, name.name});
  if (!stored) return errors::not_found("services", name.name);
  std::string wanted = name.port;
  if (const auto number = parse_int(name.port)) {
    const auto service = parse_stored(arena, **stored);
    if (!service) return std::unexpected(service.error());
    const auto named = port_name(*service, *number);
    if (!named) {
      return errors::unavailable("no service port " + name.port + " found for service \"" +
                                 name.name + "\"");
    }
    wanted = *named;
  }
  std::vector<ServiceAddress> addresses;
  const auto slices = store.list("discovery.k8s.io/endpointslices", ns);
  if (!slices) return std::unexpected(slices.error());
  for (const auto& object : slices->objects) {
    if (!mentions(*object, name.name)) continue;  // Cheaper than to parse it.
    const auto slice = parse_stored(arena, *object);
    if (!slice) continue;
    const auto* labels = slice->find_path({"metadata", "labels"});
    if (labels == nullptr || labels->string_at(kServiceName) != name.name) continue;
    add_addresses(*slice, wanted, addresses);
  }
  return addresses;
}

void proxy_to_pod(const BackendRef& backend, const CallRef& call) {
  if (auto ok = enter_pod(backend, call); !ok) answer_error(*call, ok.error());
}

void proxy_to_service(const BackendRef& backend, const CallRef& call) {
  if (auto ok = enter_service(backend, call); !ok) answer_error(*call, ok.error());
}

}  // namespace pinnace::apiserver

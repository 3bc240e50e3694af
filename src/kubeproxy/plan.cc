#include "kubeproxy/plan.h"

#include "base/strings.h"

namespace pinnace::kubeproxy {
namespace {

using api::core_v1::Pod;
using api::core_v1::Service;
using api::core_v1::ServicePort;

constexpr std::int32_t kDefaultAffinitySeconds = 10800;

struct Endpoint {
  io::InetAddress address;
  bool local = false;
  auto operator<=>(const Endpoint&) const = default;
};

// All that one port of a Service needs, while its chains are made.
class PortPlan {
 public:
  PortPlan(const Facts& facts, const Service& service, const ServicePort& port,
           std::vector<Endpoint> endpoints, Fragment& out)
      : facts_(facts), service_(service), port_(port), all_(std::move(endpoints)), out_(out) {
    protocol_ = to_lower(port.protocol.empty() ? "TCP" : port.protocol);
    id_ = service.metadata.namespace_ + '/' + service.metadata.name + '/' + protocol_ + '/' +
          std::to_string(port.port);
    for (const auto& endpoint : all_) {
      if (endpoint.local) local_.push_back(endpoint);
    }
  }

  void make() {
    const auto addresses = external_addresses();
    if (all_.empty()) return refuse(addresses);
    const bool internal_local = service_.spec.internal_traffic_policy.value_or("") == "Local";
    const bool external = port_.node_port > 0 || !addresses.empty();
    const bool external_local = external && service_.spec.external_traffic_policy == "Local";
    if (!internal_local || external) backends("cluster/" + id_, all_);
    if ((internal_local || external_local) && !local_.empty()) backends("local/" + id_, local_);
    const std::string verdict = !internal_local  ? "goto cluster/" + id_
                                : local_.empty() ? "drop"
                                                 : "goto local/" + id_;
    for (const auto ip : cluster_addresses()) serve(ip, verdict);
    if (external) external_chain(external_local);
    for (const auto ip : addresses) serve(ip, "goto external/" + id_);
    if (port_.node_port > 0) {
      out_.elements[{"node-ports", node_port_key()}] = "goto external/" + id_;
    }
    local_port();
    hairpins();
    udp_targets(addresses);
  }

 private:
  std::vector<io::Ipv4> cluster_addresses() const {
    std::vector<io::Ipv4> found;
    for (const auto& text : service_.spec.cluster_ips) {
      if (const auto ip = io::Ipv4::parse(text)) found.push_back(*ip);
    }
    if (found.empty()) {
      if (const auto ip = io::Ipv4::parse(service_.spec.cluster_ip)) found.push_back(*ip);
    }
    return found;
  }

  std::vector<io::Ipv4> external_addresses() const {
    std::vector<io::Ipv4> found;
    for (const auto& text : service_.spec.external_ips) {
      if (const auto ip = io::Ipv4::parse(text)) found.push_back(*ip);
    }
    if (service_.spec.type != "LoadBalancer") return found;
    for (const auto& ingress : service_.status.load_balancer.ingress) {
      if (ingress.ip_mode.value_or("VIP") == "Proxy") continue;
      if (const auto ip = io::Ipv4::parse(ingress.ip)) found.push_back(*ip);
    }
    return found;
  }

  std::string address_key(io::Ipv4 ip) const {
    return ip.text() + " . " + protocol_ + " . " + std::to_string(port_.port);
  }
  std::string node_port_key() const { return protocol_ + " . " + std::to_string(port_.node_port); }
  void serve(io::Ipv4 ip, const std::string& verdict) {
    out_.elements[{"services", address_key(ip)}] = verdict;
  }

  // Without endpoints a caller is told at once; cluster addresses are refused by their range.
  void refuse(const std::vector<io::Ipv4>& addresses) {
    for (const auto ip : addresses) out_.elements[{"refused", address_key(ip)}] = "";
    if (port_.node_port > 0) out_.elements[{"refused-node-ports", node_port_key()}] = "";
  }

  // A chain that sends a new connection to one of the endpoints, each as likely as another.
  void backends(const std::string& chain, const std::vector<Endpoint>& endpoints) {
    auto& rules = out_.chains[chain];
    const std::string count = std::to_string(endpoints.size());
    if (service_.spec.session_affinity == "ClientIP") {
      std::string choices;
      for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const auto [set, next] = affine_endpoint(endpoints[i].address);
        rules.push_back("ip saddr @" + set + " goto " + next);
        choices += (i > 0 ? ", " : "") + std::to_string(i) + " : goto " + next;
      }
      rules.push_back("numgen random mod " + count + " vmap { " + choices + " }");
      return;
    }
    const std::string start = "meta l4proto " + protocol_ + " dnat ip to ";
    if (endpoints.size() == 1) {
      rules.push_back(start + endpoints[0].address.text());
      return;
    }
    std::string choices;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const auto& to = endpoints[i].address;
      choices += (i > 0 ? ", " : "") + std::to_string(i) + " : " + to.ip.text() + " . " +
                 std::to_string(to.port);
    }
    rules.push_back(start + "numgen random mod " + count + " map { " + choices + " }");
  }

  // The set of clients that belong to an endpoint, and the chain that renews that and goes there.
  std::pair<std::string, std::string> affine_endpoint(io::InetAddress to) {
    const std::string end = id_ + '/' + to.ip.text() + '/' + std::to_string(to.port);
    const std::string set = "clients/" + end;
    const std::string chain = "endpoint/" + end;
    std::int32_t seconds = kDefaultAffinitySeconds;
    if (service_.spec.session_affinity_config && service_.spec.session_affinity_config->client_ip) {
      seconds = service_.spec.session_affinity_config->client_ip->timeout_seconds.value_or(seconds);
    }
    out_.affinity_sets[set] = seconds;
    out_.chains[chain] = {"update @" + set + " { ip saddr }",
                          "meta l4proto " + protocol_ + " dnat ip to " + to.text()};
    return {set, chain};
  }

  void external_chain(bool only_local) {
    auto& rules = out_.chains["external/" + id_];
    const bool restricted =
        !service_.spec.load_balancer_source_ranges.empty() && service_.spec.type == "LoadBalancer";
    if (restricted) {
      std::string ranges;
      for (const auto& text : service_.spec.load_balancer_source_ranges) {
        if (const auto range = io::Cidr::parse(trim(text))) {
          ranges += (ranges.empty() ? "" : ", ") + range->text();
        }
      }
      if (!ranges.empty()) rules.push_back("ip saddr != { " + ranges + " } drop");
    }
    if (only_local) {
      // From inside, an address from outside means the whole Service.
      rules.push_back("ip saddr " + facts_.pod_cidr.text() + " goto cluster/" + id_);
      rules.push_back("fib saddr type local jump mark-masquerade");
      rules.push_back("fib saddr type local goto cluster/" + id_);
      rules.push_back(local_.empty() ? "drop" : "goto local/" + id_);
      return;
    }
    rules.push_back("jump mark-masquerade");
    rules.push_back("goto cluster/" + id_);
  }

  void local_port() {
    const auto addresses = cluster_addresses();
    if (port_.node_port <= 0 || addresses.empty()) return;
    out_.local_ports[{protocol_, static_cast<std::uint16_t>(port_.node_port)}] = {
        addresses[0], static_cast<std::uint16_t>(port_.port)};
  }

  // A pod that reaches itself must not see its own address as the source.
  void hairpins() {
    for (const auto& endpoint : local_) {
      const std::string ip = endpoint.address.ip.text();
      out_.elements[{"hairpin", ip + " . " + ip}] = "";
    }
  }

  void udp_targets(const std::vector<io::Ipv4>& external) {
    if (protocol_ != "udp") return;
    auto originals = cluster_addresses();
    originals.insert(originals.end(), external.begin(), external.end());
    for (const auto& endpoint : all_) {
      for (const auto original : originals) {
        out_.udp_targets.insert(
            {original, static_cast<std::uint16_t>(port_.port), endpoint.address.ip});
      }
      if (port_.node_port > 0) {
        out_.udp_targets.insert(
            {{}, static_cast<std::uint16_t>(port_.node_port), endpoint.address.ip});
      }
    }
  }

  const Facts& facts_;
  const Service& service_;
  const ServicePort& port_;
  const std::vector<Endpoint> all_;
  std::vector<Endpoint> local_;
  Fragment& out_;
  std::string protocol_, id_;
};

// Ready endpoints; if there is none, those that still serve while they end.
std::vector<Endpoint> endpoints_of(const Facts& facts, const ServicePort& port,
                                   const std::vector<SliceRef>& slices) {
  std::set<Endpoint> ready, ending;
  for (const auto& slice : slices) {
    if (slice->address_type != "IPv4") continue;
    for (const auto& offered : slice->ports) {
      if (!offered.port || offered.name.value_or("") != port.name) continue;
      if (offered.protocol.value_or("TCP") != (port.protocol.empty() ? "TCP" : port.protocol)) {
        continue;
      }
      for (const auto& endpoint : slice->endpoints) {
        if (endpoint.addresses.empty()) continue;
        const auto ip = io::Ipv4::parse(endpoint.addresses[0]);
        if (!ip || ip->is_loopback()) continue;
        const Endpoint found{{*ip, static_cast<std::uint16_t>(*offered.port)},
                             endpoint.node_name.value_or("") == facts.node_name};
        const auto& is = endpoint.conditions;
        if (is.ready.value_or(true))
          ready.insert(found);
        else if (is.serving.value_or(false) && is.terminating.value_or(false))
          ending.insert(found);
      }
    }
  }
  const auto& chosen = ready.empty() ? ending : ready;
  return {chosen.begin(), chosen.end()};
}

}  // namespace

Fragment plan_service(const Facts& facts, const Service& service,
                      const std::vector<SliceRef>& slices) {
  Fragment fragment;
  const auto& spec = service.spec;
  const auto proxy = service.metadata.labels.find("service.kubernetes.io/service-proxy-name");
  if (spec.type == "ExternalName" || spec.cluster_ip == "None" || spec.cluster_ip.empty() ||
      proxy != service.metadata.labels.end()) {
    return fragment;
  }
  for (const auto& port : spec.ports) {
    PortPlan(facts, service, port, endpoints_of(facts, port, slices), fragment).make();
  }
  return fragment;
}

Fragment plan_host_ports(const Facts& facts, const Pod& pod) {
  Fragment fragment;
  const auto ip = io::Ipv4::parse(pod.status.pod_ip);
  const bool ended = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
  if (!ip || ended || pod.spec.host_network || pod.spec.node_name != facts.node_name) {
    return fragment;
  }
  const auto add = [&](const auto& container) {
    for (const auto& port : container.ports) {
      if (port.host_port <= 0) continue;
      const std::string protocol = to_lower(port.protocol.empty() ? "TCP" : port.protocol);
      const io::InetAddress target{*ip, static_cast<std::uint16_t>(port.container_port)};
      const auto number = static_cast<std::uint16_t>(port.host_port);
      const auto host = io::Ipv4::parse(port.host_ip.empty() ? "0.0.0.0" : port.host_ip);
      if (!host) continue;
      if (host->is_any() || host->is_loopback()) {
        fragment.local_ports[{protocol, number}] = target;
      }
      if (host->is_loopback()) continue;
      const std::string chain = "host/" + pod.metadata.namespace_ + '/' + pod.metadata.name + '/' +
                                protocol + '/' + std::to_string(number);
      fragment.chains[chain] = {"ip saddr " + facts.pod_cidr.text() + " jump mark-masquerade",
                                "meta l4proto " + protocol + " dnat ip to " + target.text()};
      const std::string key = protocol + " . " + std::to_string(number);
      if (host->is_any())
        fragment.elements[{"node-ports", key}] = "goto " + chain;
      else
        fragment.elements[{"services", host->text() + " . " + key}] = "goto " + chain;
      if (protocol == "udp") fragment.udp_targets.insert({*host, number, *ip});
    }
  };
  for (const auto& container : pod.spec.containers) add(container);
  for (const auto& container : pod.spec.init_containers) add(container);
  return fragment;
}

}  // namespace pinnace::kubeproxy

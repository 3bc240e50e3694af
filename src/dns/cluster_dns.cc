#include "dns/cluster_dns.h"

#include "api/types/core_v1.h"
#include "api/types/discovery_v1.h"
#include "base/log.h"
#include "client/informer.h"
#include "dns/directory.h"
#include "dns/resolv_conf.h"
#include "dns/server.h"
#include "io/files.h"
#include "io/netlink.h"

namespace pinnace::dns {
namespace {

using api::core_v1::Service;
using api::discovery_v1::EndpointSlice;

constexpr Duration kServiceRetry = std::chrono::seconds(2);

// A bridge without ports carries the address: every kernel that runs pods has bridges, not every
// one has dummy links.
Result<void> carry_address(const ClusterDns::Options& options) {
  if (options.link.empty()) return {};
  auto netlink = io::Netlink::create();
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  if (auto done = netlink->add_link(options.link, "bridge"); !done) return done;
  if (auto done = netlink->add_address(options.link, options.listen.ip, 32); !done) return done;
  if (auto done = netlink->set_up(options.link); !done) return done;
  if (!options.service_cidr) return {};
  return netlink->set_route({*options.service_cidr, {}, options.link, options.node_address});
}

Service kube_dns(io::Ipv4 address) {
  Service service;
  service.metadata.name = "kube-dns";
  service.metadata.namespace_ = "kube-system";
  service.metadata.labels = {{"k8s-app", "kube-dns"},
                             {"kubernetes.io/cluster-service", "true"},
                             {"kubernetes.io/name", "CoreDNS"}};
  service.spec.type = "ClusterIP";
  service.spec.cluster_ip = address.text();
  for (const char* protocol : {"UDP", "TCP"}) {
    auto& port = service.spec.ports.emplace_back();
    port.name = protocol == std::string_view("UDP") ? "dns" : "dns-tcp";
    port.protocol = protocol;
    port.port = 53;
    port.target_port = api::IntOrString(53);
  }
  return service;
}

class RunningDns : public ClusterDns {
 public:
  explicit RunningDns(Options options)
      : options_(std::move(options)),
        directory_(options_.zone),
        services_(options_.client, options_.loop),
        slices_(options_.client, options_.loop) {}
  ~RunningDns() override { stop(); }

  Result<void> open() {
    if (auto carried = carry_address(options_); !carried) return carried;
    DnsServer::Options server{.listen = options_.listen, .forward = {}};
    if (const auto text = io::read_file(options_.resolv_conf, 64 * 1024)) {
      server.forward.servers = parse_resolv_conf(*text, {options_.listen.ip});
    } else {
      log::warning("no resolvers for names outside the cluster",
                   {{"file", options_.resolv_conf}, {"error", text.error().message}});
    }
    auto opened = DnsServer::create(options_.loop, options_.rng, directory_, std::move(server));
    if (!opened) return std::unexpected(std::move(opened.error()));
    server_ = std::move(*opened);
    return {};
  }

  void start() override {
    services_.on_change(
        [this](const std::string& key) { directory_.set_service(key, services_.get(key)); });
    slices_.on_change(
        [this](const std::string& key) { directory_.set_slice(key, slices_.get(key)); });
    const auto synced = [this] {
      if (services_.synced() && slices_.synced()) server_->set_ready();
    };
    services_.on_synced(synced);
    slices_.on_synced(synced);
    services_.start();
    slices_.start();
    if (options_.create_service) create_service();
  }

  void stop() override {
    if (retry_ != 0) options_.loop.cancel(retry_);
    retry_ = 0;
    services_.stop();
    slices_.stop();
    server_.reset();
  }

  io::InetAddress address() const override { return server_->address(); }

 private:
  void create_service() {
    retry_ = 0;
    const auto created = options_.client.create(kube_dns(options_.listen.ip));
    if (created || created.error().is("AlreadyExists")) return;
    // Its namespace may not be there yet, or the address held by a Service of the same name.
    if (options_.client.get<Service>("kube-system", "kube-dns")) return;
    log::debug("kube-dns Service not created yet", {{"error", created.error().message}});
    retry_ = options_.loop.schedule_after(kServiceRetry, [this] { create_service(); });
  }

  const Options options_;
  Directory directory_;
  client::Informer<Service> services_;
  client::Informer<EndpointSlice> slices_;
  std::unique_ptr<DnsServer> server_;
  Executor::TimerId retry_ = 0;
};

}  // namespace

Result<std::unique_ptr<ClusterDns>> ClusterDns::create(Options options) {
  auto dns = std::make_unique<RunningDns>(std::move(options));
  if (auto opened = dns->open(); !opened) return std::unexpected(std::move(opened.error()));
  return dns;
}

Result<void> ClusterDns::remove_link(const std::string& link) {
  auto netlink = io::Netlink::create();
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  return netlink->remove_link(link);
}

}  // namespace pinnace::dns

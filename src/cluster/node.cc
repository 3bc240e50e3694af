#include "cluster/node.h"

#include <optional>

#include "apiserver/server.h"
#include "base/metrics.h"
#include "client/client.h"
#include "cluster/containerd_keeper.h"
#include "cluster/host_setup.h"
#include "cluster/image_preloader.h"
#include "dns/cluster_dns.h"
#include "io/ip.h"
#include "io/loop.h"
#include "kubelet/agent.h"
#include "kubelet/cri/runtime.h"
#include "kubeproxy/proxy.h"
#include "net/server.h"
#include "registry/image_store.h"
#include "registry/mirror.h"

namespace pinnace::cluster {

namespace {

constexpr auto kServerGrace = std::chrono::milliseconds(200);
constexpr char kPauseImage[] = "docker.io/pinnace/pause:1";

// A component's own way to the API.
struct Access {
  explicit Access(std::unique_ptr<client::Transport> carrier)
      : transport(std::move(carrier)), api(*transport) {}
  std::unique_ptr<client::Transport> transport;
  client::Client api;
};

class NodeImpl final : public Node {
 public:
  explicit NodeImpl(Options options) : options_(std::move(options)) {}
  ~NodeImpl() override { stop(); }

  Result<void> start() {
    auto prepared = prepare_host(options_.settings);
    if (!prepared) return prepared;
    auto runtime = start_runtime();
    if (!runtime) return runtime;
    loop_.emplace("node-loop");
    const std::string node_user = "system:node:" + options_.settings.node_name;
    node_access_.emplace(options_.make_transport({node_user, {"system:nodes"}}));
    proxy_access_.emplace(options_.make_transport({"system:kube-proxy", {}}));
    dns_access_.emplace(options_.make_transport({"system:kube-dns", {}}));
    // The rest belongs to the loop's thread.
    Result<void> started;
    loop_->run_and_wait([&] { started = start_network(); });
    if (!started) return started;
    return start_agent();
  }

 private:
  Result<void> start_runtime();
  Result<void> start_network();
  Result<void> start_agent();
  void stop();

  const Options options_;
  std::unique_ptr<registry::ImageStore> images_;
  std::optional<registry::Mirror> mirror_;
  std::unique_ptr<net::Server> mirror_server_;
  std::unique_ptr<ContainerdKeeper> keeper_;
  std::unique_ptr<kubelet::cri::Runtime> runtime_;
  // Before the ways to the API, whose answers go to it.
  std::optional<io::LoopThread> loop_;
  std::optional<Access> node_access_, proxy_access_, dns_access_;
  metrics::Registry metrics_;
  std::unique_ptr<kubeproxy::ServiceProxy> proxy_;
  std::unique_ptr<dns::ClusterDns> dns_;
  std::unique_ptr<kubelet::Agent> agent_;
};

Result<void> NodeImpl::start_runtime() {
  const Settings& settings = options_.settings;
  if (settings.owns_runtime()) {
    auto images = registry::ImageStore::open(settings.images_dir());
    if (!images) return std::unexpected(std::move(images.error()));
    images_ = std::move(*images);
    mirror_.emplace(*images_);
    net::ServerOptions server;
    server.handler = &*mirror_;
    server.threads = 1;
    server.thread_name = "images";
    auto made = net::Server::create(std::move(server));
    if (!made) return std::unexpected(std::move(made.error()));
    mirror_server_ = std::move(*made);
    auto keeper =
        ContainerdKeeper::start(settings, {.mirror_port = mirror_server_->port()}, options_.clock);
    if (!keeper) return std::unexpected(std::move(keeper.error()));
    keeper_ = std::move(*keeper);
  }
  auto runtime = kubelet::cri::connect(settings.runtime_socket());
  if (!runtime) return std::unexpected(std::move(runtime.error()));
  runtime_ = std::move(*runtime);
  if (keeper_) {
    keeper_->executor().post([this] { preload_images(*images_, *runtime_, kPauseImage); });
  }
  return {};
}

Result<void> NodeImpl::start_network() {
  const Settings& settings = options_.settings;
  const auto node_address = io::Ipv4::parse(options_.node_ip);
  const auto dns_address = io::Ipv4::parse(settings.cluster_dns_ip());
  const auto pod_cidr = io::Cidr::parse(settings.pod_cidr);
  const auto service_cidr = io::Cidr::parse(settings.node_service_cidr());
  if (!node_address) {
    return errors::bad_request("--node-ip must be an IPv4 address, not \"" + options_.node_ip +
                               '"');
  }
  if (!service_cidr) {
    return errors::bad_request(
        "a node serves Services in IPv4: --service-cidr must have a network of at least 16 such "
        "addresses, not \"" +
        settings.service_cidr + '"');
  }
  kubeproxy::Facts facts;
  facts.table = settings.nft_table();
  facts.node_name = settings.node_name;
  facts.pod_cidr = *pod_cidr;
  facts.service_cidr = *service_cidr;
  proxy_ = kubeproxy::ServiceProxy::create(
      {.client = proxy_access_->api, .loop = loop_->loop(), .facts = facts});
  proxy_->start();
  auto dns = dns::ClusterDns::create({.client = dns_access_->api,
                                      .loop = loop_->loop(),
                                      .rng = options_.rng,
                                      .listen = {*dns_address, 53},
                                      .link = settings.dns_link(),
                                      .service_cidr = service_cidr,
                                      .node_address = node_address});
  if (!dns) return std::unexpected(std::move(dns.error()));
  dns_ = std::move(*dns);
  dns_->start();
  return {};
}

Result<void> NodeImpl::start_agent() {
  const Settings& settings = options_.settings;
  auto agent = kubelet::Agent::start({.api = node_access_->api,
                                      .runtime = *runtime_,
                                      .loop = loop_->loop(),
                                      .clock = options_.clock,
                                      .rng = options_.rng,
                                      .metrics = metrics_,
                                      .node_name = settings.node_name,
                                      .node_ip = options_.node_ip,
                                      .node_pod_cidr = settings.node_pod_cidr(),
                                      .version = apiserver::kGitVersion,
                                      .root_dir = settings.kubelet_dir(),
                                      .volatile_dir = settings.volatile_dir(),
                                      .log_root = settings.pod_log_dir(),
                                      .cgroup_root = settings.cgroup_root(),
                                      .cluster_dns = settings.cluster_dns_ip(),
                                      .pause_image = kPauseImage,
                                      .port = settings.kubelet_port(),
                                      .serving = options_.serving,
                                      .rotate_serving = options_.rotate_serving,
                                      .client_ca_pem = options_.client_ca_pem});
  if (!agent) return std::unexpected(std::move(agent.error()));
  agent_ = std::move(*agent);
  return {};
}

void NodeImpl::stop() {
  if (agent_) agent_->stop();
  if (loop_) {
    loop_->run_and_wait([&] {
      if (dns_) dns_->stop();
      if (proxy_) proxy_->stop();
      dns_.reset();
      proxy_.reset();
    });
  }
  agent_.reset();
  keeper_.reset();
  if (mirror_server_) mirror_server_->stop(kServerGrace);
}

}  // namespace

Result<std::unique_ptr<Node>> Node::start(Options options) {
  auto node = std::make_unique<NodeImpl>(std::move(options));
  auto started = node->start();
  if (!started) return std::unexpected(std::move(started.error()));
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace pinnace::cluster

#include "kubelet/agent.h"

#include <algorithm>
#include <atomic>
#include <future>

#include "base/log.h"
#include "client/event_recorder.h"
#include "io/loop.h"
#include "kubelet/files.h"
#include "kubelet/node/image_collector.h"
#include "kubelet/node/lease_keeper.h"
#include "kubelet/node/log_rotation.h"
#include "kubelet/node/node_reporter.h"
#include "kubelet/node/serving_certificate.h"
#include "kubelet/pod/pod_manager.h"
#include "kubelet/probes/runner.h"
#include "kubelet/server/server.h"
#include "net/server.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::seconds;

// Starting a pod keeps a thread busy for about as long as the runtime takes to do it.
constexpr int kPodThreads = 32;
// Pulls, hooks and containers that take their time to end: about three for each pod.
constexpr int kSlowThreads = 3 * static_cast<int>(kMaxPods);
constexpr seconds kLogRotationPeriod{10};
constexpr std::chrono::milliseconds kServerGrace{200};
constexpr char kSystemdResolvConf[] = "/run/systemd/resolve/resolv.conf";

// How the host resolves names, in a way that pods can follow: not through a server on its loopback.
cri::DnsConfig host_dns(const std::string& path) {
  auto dns = parse_resolv_conf(read_file(path, 1 << 20).value_or(""));
  const bool local =
      !dns.servers.empty() && std::ranges::all_of(dns.servers, [](const std::string& server) {
        return server.starts_with("127.") || server == "::1";
      });
  if (!local) return dns;
  auto upstream = parse_resolv_conf(read_file(kSystemdResolvConf, 1 << 20).value_or(""));
  return upstream.servers.empty() ? dns : upstream;
}

NodeSettings node_settings(const Agent::Options& options, const Machine& machine) {
  NodeSettings out;
  out.cluster_dns = options.cluster_dns;
  out.cluster_domain = options.cluster_domain;
  out.host_dns = host_dns(options.resolv_conf);
  out.cgroup_root = options.cgroup_root;
  out.log_root = options.log_root;
  out.seccomp_root = options.root_dir + "/seccomp";
  out.memory_bytes = machine.memory_bytes;
  return out;
}

core::ObjectReference node_reference(const std::string& name) {
  core::ObjectReference out;
  out.kind = "Node";
  out.name = name;
  out.uid = name;  // As Kubernetes' own agent has it: it tells before it knows the uid.
  return out;
}

NodeOffer offer_of(const core::Node& node) {
  const auto& list = node.status.allocatable;
  const auto find = [&](std::string_view name) {
    const auto found = list.find(name);
    return found == list.end() ? api::Quantity() : found->second;
  };
  return {node.metadata.name,
          node.metadata.labels,
          {find("cpu").milli_value(), find("memory").value(), find("ephemeral-storage").value()},
          find("pods").value()};
}

class AgentImpl final : public Agent {
 public:
  AgentImpl(Options options, const Machine& machine);
  ~AgentImpl() override { stop(); }

  Result<void> open_port();
  void begin(const Machine& machine);
  void stop() override;
  int port() const override { return server_->port(); }

 private:
  EventSink event_sink() {
    return
        [this](const core::ObjectReference& about, std::string_view type, std::string_view reason,
               const std::string& message) { recorder_.record(about, type, reason, message); };
  }
  void node_changed(const core::Node& node);

  const Options options_;
  std::atomic<bool> stopped_ = false;
  StopSignal stopping_;
  ThreadPool pool_{"pods", kPodThreads};
  ThreadPool slow_pool_{"pods-slow", kSlowThreads};
  client::EventRecorder recorder_;
  HttpFetcher http_;
  Backoff crashes_{seconds(10), std::chrono::minutes(5)};
  Volumes volumes_;
  ImagePuller puller_;
  Prober prober_;
  ServiceLinks services_;
  Admission admission_;
  const PodContext context_;
  PodManager pods_;
  std::unique_ptr<net::Handler> handler_;
  std::unique_ptr<client::CertificateKeeper> serving_;  // Null: what it shows is given to it.
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<NodeReporter> reporter_;
  std::unique_ptr<LeaseKeeper> lease_;
  std::unique_ptr<ImageCollector> images_;
  std::unique_ptr<Repeater> log_rotation_;
};

AgentImpl::AgentImpl(Options options, const Machine& machine)
    : options_(std::move(options)),
      recorder_(options_.api, options_.loop, options_.rng, "kubelet", options_.node_name),
      http_(options_.loop),
      volumes_(options_.api, options_.loop, options_.clock,
               {options_.root_dir + "/pods", options_.volatile_dir},
               [this](const std::string& uid) { pods_.wake(uid); }),
      puller_(options_.runtime, options_.clock, event_sink(),
              [this] {
                if (reporter_) reporter_->look_again();
              }),
      prober_(options_.loop, make_probe_runner(options_.runtime, http_, slow_pool_), event_sink(),
              [this](const std::string& uid) { pods_.wake(uid); }),
      services_(options_.api, options_.loop),
      context_{options_.api,
               options_.runtime,
               options_.loop,
               options_.clock,
               pool_,
               slow_pool_,
               volumes_,
               puller_,
               crashes_,
               prober_,
               http_,
               services_,
               admission_,
               stopping_,
               event_sink(),
               node_settings(options_, machine),
               options_.node_name,
               options_.node_ip,
               machine.cpus * 1000},
      pods_(context_, options_.metrics) {}

Result<void> AgentImpl::open_port() {
  const std::string pki = options_.root_dir + "/pki";
  for (const auto& directory :
       {options_.root_dir + "/pods", pki, options_.volatile_dir, options_.log_root}) {
    if (auto made = make_directories(directory, 0750); !made) return made;
  }
  const std::string kept = pki + "/kubelet-server-current.pem";
  const auto pair = options_.rotate_serving
                        ? kept_certificate(kept, options_.serving, options_.clock.wall())
                        : options_.serving;
  const net::ServerTlsOptions shown{
      pair.certificate_pem, pair.private_key_pem, options_.client_ca_pem, {}};
  auto tls = net::TlsServerContext::create(shown);
  if (!tls) return std::unexpected(std::move(tls.error()));
  if (options_.rotate_serving) {
    serving_ = keep_serving_certificate({options_.api, options_.loop, options_.rng,
                                         options_.node_name, options_.node_ip, kept, *tls, shown});
  }
  handler_ = create_server_handler({pods_, options_.runtime, options_.clock, options_.metrics,
                                    options_.node_name, options_.log_root, options_.cgroup_root,
                                    options_.api_server_name});
  net::ServerOptions server;
  server.address = options_.listen_address;
  server.port = options_.port;
  server.tls = std::move(*tls);
  server.handler = handler_.get();
  server.threads = 1;
  server.thread_name = "kubelet";
  auto made = net::Server::create(std::move(server));
  if (!made) return std::unexpected(std::move(made.error()));
  server_ = std::move(*made);
  return {};
}

void AgentImpl::begin(const Machine& machine) {
  NodeIdentity identity{options_.node_name, options_.node_ip, options_.node_pod_cidr,
                        server_->port(),    options_.version, machine};
  reporter_ = std::make_unique<NodeReporter>(NodeReporter::Options{
      options_.api, options_.runtime, options_.loop, pool_, options_.clock, std::move(identity),
      options_.root_dir, [this](const core::Node& node) { node_changed(node); }});
  lease_ = std::make_unique<LeaseKeeper>(LeaseKeeper::Options{options_.api, options_.loop, pool_,
                                                              options_.clock, options_.node_name,
                                                              [this] { return reporter_->uid(); }});
  images_ = std::make_unique<ImageCollector>(
      ImageCollector::Options{options_.runtime, options_.loop, slow_pool_, options_.clock,
                              event_sink(), node_reference(options_.node_name),
                              options_.pause_image, [this] { reporter_->look_again(); }});
  log_rotation_ = std::make_unique<Repeater>(options_.loop, slow_pool_, [this]() -> Duration {
    rotate_logs(options_.log_root, options_.runtime, options_.clock.wall());
    return kLogRotationPeriod;
  });
  reporter_->start();
  lease_->start();
  if (serving_) serving_->start();
  pods_.start();
  options_.runtime.watch([this](const std::string& id) {
    pods_.runtime_event(id);
    if (id.empty()) reporter_->look_again();  // The runtime was away, or still is.
  });
  images_->start();
  log_rotation_->wake();
}

void AgentImpl::node_changed(const core::Node& node) {
  if (node.status.allocatable.empty()) return;
  admission_.set_offer(offer_of(node));
  pods_.node_known();
}

void AgentImpl::stop() {
  if (stopped_.exchange(true)) return;
  if (server_) server_->stop(kServerGrace);
  stopping_.give();
  pods_.stop();
  prober_.stop();
  if (log_rotation_) log_rotation_->stop();
  if (images_) images_->stop();
  if (lease_) lease_->stop();
  options_.runtime.stop();
  slow_pool_.stop();
  pool_.stop();
  // Last of all the loop's work: after this nothing that was posted refers to us.
  std::promise<void> ended;
  options_.loop.post([&] {
    serving_.reset();
    if (reporter_) reporter_->stop();
    volumes_.stop();
    ended.set_value();
  });
  ended.get_future().wait();
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::start(Options options) {
  const Machine machine = read_machine();
  auto agent = std::make_unique<AgentImpl>(std::move(options), machine);
  if (auto opened = agent->open_port(); !opened) return std::unexpected(std::move(opened.error()));
  agent->begin(machine);
  return agent;
}

}  // namespace pinnace::kubelet

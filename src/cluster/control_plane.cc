#include "cluster/control_plane.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "apiserver/encryption/keeper.h"
#include "apiserver/http/status.h"
#include "apiserver/server.h"
#include "apiserver/webhook/webhook_client.h"
#include "base/metrics.h"
#include "client/client.h"
#include "client/local_transport.h"
#include "cluster/audit_defaults.h"
#include "cluster/control_loops.h"
#include "cluster/encryption_key.h"
#include "io/files.h"
#include "io/loop.h"
#include "net/server.h"
#include "net/tls.h"
#include "store/store.h"

namespace pinnace::cluster {

namespace {

constexpr auto kServerGrace = std::chrono::milliseconds(500);

// One for two processors, which leaves room for the store and the control loops; two at least: one
// long request is not to hold up all others.
int http_threads() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency() / 2), 2, 16);
}

// A component of this process with its identity: its way to the API.
struct Access {
  // On `loop` events are read and answers taken: that of who uses it, so that nothing changes
  // threads on its way.
  Access(net::Handler& handler, io::Loop& loop, std::string user)
      : transport(handler, {std::move(user), {}}, &loop), api(transport) {}
  client::LocalTransport transport;
  client::Client api;
};

// What the HTTP server says by itself has the API's form too.
net::ErrorBody status_body(int status, std::string_view message) {
  Error error;
  error.code = status;
  error.message = message;
  error.reason = status == 413   ? "RequestEntityTooLarge"
                 : status == 408 ? "Timeout"
                 : status == 500 ? "InternalError"
                 : status == 503 ? "ServiceUnavailable"
                                 : "BadRequest";
  return {"application/json", apiserver::status_json(error)};
}

// What stands in a file of certificates; "" when none is named.
Result<std::string> text_of(const std::string& path) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  return path.empty() ? Result<std::string>("") : io::read_file(path, kMaxBytes);
}

class ControlPlaneImpl final : public ControlPlane {
 public:
  explicit ControlPlaneImpl(const Options& options) : options_(options) {}
  ~ControlPlaneImpl() override {
    // In the order in which work flows: nothing new, loops, watches, server, store, timers.
    if (control_loops_) control_loops_->stop();
    controller_access_.reset();
    scheduler_access_.reset();
    control_loops_.reset();
    // What they had posted still calls the server: let it run while there is one.
    if (control_loop_) control_loop_->run_and_wait([] {});
    if (api_) api_->shut_down();
    if (server_) server_->stop(kServerGrace);
    if (api_) api_->drain();
    webhooks_.reset();
    server_.reset();
    api_.reset();
    // A timer that runs now still reads the store; later ones find that the server has gone.
    if (timer_loop_) timer_loop_->run_and_wait([] {});
    keeper_.reset();
    store_.reset();
  }

  net::Handler& api() override { return *api_; }

  Result<void> start_api() {
    const Settings& settings = options_.settings;
    timer_loop_ = std::make_unique<io::LoopThread>("api-timers");
    auto encryption = open_encryption();
    if (!encryption) return encryption;
    auto store = open_store(settings, options_.store, timer_loop_->loop(),
                            keeper_ ? keeper_->transformer() : nullptr);
    if (!store) return std::unexpected(std::move(store.error()));
    store_ = std::move(*store);
    webhooks_ = apiserver::WebhookClient::create();
    if (keeper_) keeper_->watch(*store_);
    auto api = apiserver::Server::create({
        .store = *store_,
        .executor = timer_loop_->loop(),
        .clock = options_.clock,
        .rng = options_.rng,
        .metrics = metrics_,
        .service_cidr = settings.service_cidr,
        .service_account_key_pem = options_.pki.service_account_key_pem,
        .cluster_ca_pem = options_.pki.authority.certificate_pem,
        .kubelet_client_certificate_pem = options_.pki.api_server_client.certificate_pem,
        .kubelet_client_key_pem = options_.pki.api_server_client.private_key_pem,
        .front_proxy_ca_pem = options_.pki.front_proxy_authority.certificate_pem,
        .front_proxy_certificate_pem = options_.pki.front_proxy_client.certificate_pem,
        .front_proxy_key_pem = options_.pki.front_proxy_client.private_key_pem,
        .advertise_address = options_.node_ip,
        .advertise_port = settings.port,
        .webhooks = webhooks_.get(),
        .configuration = with_default_audit(options_.configuration, settings),
    });
    if (!api) return std::unexpected(std::move(api.error()));
    api_ = std::move(*api);
    return listen();
  }

  void start_loops() {
    control_loop_ = std::make_unique<io::LoopThread>("control-loop");
    controller_access_.emplace(*api_, control_loop_->loop(), "system:kube-controller-manager");
    scheduler_access_.emplace(*api_, control_loop_->loop(), "system:kube-scheduler");
    controllers::Settings settings = options_.controllers;
    settings.cluster_cidr = options_.settings.pod_cidr;
    control_loops_ = ControlLoops::start({
        .loop = *control_loop_,
        .controllers = controller_access_->api,
        .scheduler = scheduler_access_->api,
        .rng = options_.rng,
        .metrics = metrics_,
        .settings = std::move(settings),
        .elects = options_.leader_elect.value_or(options_.store.is_shared()),
        .identity = options_.settings.node_name + '_' + make_uuid(options_.rng),
    });
  }

 private:
  Result<void> open_encryption() {
    const auto& configuration = options_.configuration;
    const std::string& named = configuration.encryption_provider_config;
    auto file = find_encryption_file(named, options_.settings, options_.store);
    if (!file) return std::unexpected(std::move(file.error()));
    if (file->empty()) return {};
    auto keeper = apiserver::encryption::Keeper::create(
        {.file = *file,
         .reloads = named.empty() || configuration.encryption_provider_config_automatic_reload,
         .clock = options_.clock,
         .metrics = metrics_});
    if (!keeper) return std::unexpected(std::move(keeper.error()));
    keeper_ = std::move(*keeper);
    return {};
  }

  Result<void> listen() {
    const auto& authentication = options_.configuration.authentication;
    auto more_clients = text_of(authentication.client_ca_file);
    if (!more_clients) return std::unexpected(std::move(more_clients.error()));
    auto proxies = text_of(authentication.request_header.client_ca_file);
    if (!proxies) return std::unexpected(std::move(proxies.error()));
    auto tls = net::TlsServerContext::create({
        .certificate_pem = options_.pki.api_server.certificate_pem,
        .private_key_pem = options_.pki.api_server.private_key_pem,
        .client_ca_pem = options_.pki.authority.certificate_pem + *more_clients,
        .proxy_ca_pem = std::move(*proxies),
    });
    if (!tls) return std::unexpected(std::move(tls.error()));
    net::ServerOptions server;
    server.address = "0.0.0.0";
    server.port = options_.settings.port;
    server.tls = std::move(*tls);
    server.handler = api_.get();
    server.threads = http_threads();
    server.thread_name = "api";
    server.error_body = status_body;
    auto made = net::Server::create(std::move(server));
    if (!made) return std::unexpected(std::move(made.error()));
    server_ = std::move(*made);
    return {};
  }

  const Options options_;
  metrics::Registry metrics_;
  std::unique_ptr<io::LoopThread> timer_loop_, control_loop_;
  std::unique_ptr<apiserver::encryption::Keeper> keeper_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<apiserver::WebhookClient> webhooks_;
  std::unique_ptr<apiserver::Server> api_;
  std::unique_ptr<net::Server> server_;
  std::optional<Access> controller_access_, scheduler_access_;
  std::unique_ptr<ControlLoops> control_loops_;
};

}  // namespace

Result<std::unique_ptr<ControlPlane>> ControlPlane::start(const Options& options) {
  auto plane = std::make_unique<ControlPlaneImpl>(options);
  if (auto started = plane->start_api(); !started) {
    return std::unexpected(std::move(started.error()));
  }
  plane->start_loops();
  return plane;
}

}  // namespace pinnace::cluster

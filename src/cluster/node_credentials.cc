#include "cluster/node_credentials.h"

#include <algorithm>
#include <future>

#include "base/log.h"
#include "client/certificate_keeper.h"
#include "client/remote_transport.h"
#include "cluster/access.h"
#include "cluster/kubeconfig.h"
#include "io/files.h"
#include "io/loop.h"
#include "net/tls.h"
#include "net/x509.h"

namespace pinnace::cluster {

namespace {

constexpr std::chrono::milliseconds kPollInterval{100};
constexpr char kNodesGroup[] = "system:nodes";

std::string node_user(const std::string& node_name) { return "system:node:" + node_name; }

net::ClientTlsOptions tls_options(const KubeconfigEntry& entry) {
  return {.ca_pem = entry.ca_pem,
          .certificate_pem = entry.certificate_pem,
          .private_key_pem = entry.private_key_pem};
}

// Keeps a certificate of the node by what `transport` may ask for.
class Keeping {
 public:
  using Use = std::function<Result<void>(const net::CertificateAndKey&)>;
  Keeping(std::unique_ptr<client::Transport> transport, const NodeCredentials::Options& options,
          net::CertificateAndKey current, Use use)
      : transport_(std::move(transport)), api_(*transport_) {
    keeper_ = std::make_unique<client::CertificateKeeper>(client::CertificateKeeper::Options{
        .api = api_,
        .executor = thread_.loop(),
        .rng = options.rng,
        .signer_name = "kubernetes.io/kube-apiserver-client-kubelet",
        .usages = {"digital signature", "client auth"},
        .names = {.common_name = node_user(options.node_name), .organizations = {kNodesGroup}},
        .current = std::move(current),
        .use = std::move(use)});
    keeper_->start();
  }
  ~Keeping() {
    thread_.run_and_wait([this] { keeper_.reset(); });
  }

 private:
  io::LoopThread thread_{"credentials"};  // Before the transport, whose answers go to it.
  std::unique_ptr<client::Transport> transport_;
  client::Client api_;
  std::unique_ptr<client::CertificateKeeper> keeper_;
};

// A certificate may be of somebody else, or past its end; a token is taken as it is.
bool is_usable(const Result<KubeconfigEntry>& entry, WallTime now) {
  if (!entry) return false;
  if (entry->certificate_pem.empty()) return true;
  const auto info = net::inspect_certificate(entry->certificate_pem);
  return info && now < info->not_after;
}

// Asks with the bootstrap token, and waits.
Result<net::CertificateAndKey> first_certificate(const KubeconfigEntry& bootstrap,
                                                 const NodeCredentials::Options& options) {
  auto transport = connect_with(bootstrap, "kubelet/pinnace");
  if (!transport) return std::unexpected(std::move(transport.error()));
  std::promise<net::CertificateAndKey> promise;
  auto issued = promise.get_future();
  bool is_first = true;
  const Keeping keeping(std::move(*transport), options, {},
                        [&](const net::CertificateAndKey& pair) -> Result<void> {
                          if (std::exchange(is_first, false)) promise.set_value(pair);
                          return {};
                        });
  while (issued.wait_for(kPollInterval) != std::future_status::ready) {
    if (options.is_stopping && options.is_stopping()) {
      return errors::unavailable("stopped before the node had a certificate");
    }
  }
  return issued.get();
}

class NodeCredentialsImpl final : public NodeCredentials {
 public:
  NodeCredentialsImpl(Options options, KubeconfigEntry entry)
      : options_(std::move(options)), entry_(std::move(entry)) {}

  Result<void> begin() {
    auto tls = net::TlsClientContext::create(tls_options(entry_));
    if (!tls) return std::unexpected(std::move(tls.error()));
    tls_ = std::move(*tls);
    // Proves that the server can be reached before anything is started.
    auto transport = connect("kubelet/pinnace");
    if (!transport) return std::unexpected(std::move(transport.error()));
    if (!options_.rotates || !is_of_node()) return {};
    keeping_.emplace(std::move(*transport), options_,
                     net::CertificateAndKey{entry_.certificate_pem, entry_.private_key_pem},
                     [this](const net::CertificateAndKey& pair) { return use(pair); });
    return {};
  }

  Result<std::unique_ptr<client::Transport>> connect(std::string user_agent) override {
    auto made = client::RemoteTransport::create({.server = entry_.server,
                                                 .token = entry_.token,
                                                 .tls = tls_,
                                                 .user_agent = std::move(user_agent)});
    if (!made) return std::unexpected(std::move(made.error()));
    return std::unique_ptr<client::Transport>(std::move(*made));
  }
  const std::string& ca_pem() const override { return entry_.ca_pem; }

 private:
  bool is_of_node() const {
    const auto info = net::inspect_certificate(entry_.certificate_pem);
    return info && info->common_name == node_user(options_.node_name) &&
           std::ranges::find(info->organizations, kNodesGroup) != info->organizations.end();
  }
  // On the keeper's loop.
  Result<void> use(const net::CertificateAndKey& pair) {
    KubeconfigEntry renewed = entry_;
    renewed.certificate_pem = pair.certificate_pem;
    renewed.private_key_pem = pair.private_key_pem;
    if (auto loaded = tls_->reload(tls_options(renewed)); !loaded) return loaded;
    return merge_kubeconfig(options_.kubeconfig, renewed);
  }

  const Options options_;
  const KubeconfigEntry entry_;
  std::shared_ptr<net::TlsClientContext> tls_;
  std::optional<Keeping> keeping_;
};

}  // namespace

Result<std::unique_ptr<NodeCredentials>> NodeCredentials::create(Options options) {
  auto entry = read_kubeconfig(options.kubeconfig);
  if (!options.bootstrap_kubeconfig.empty() && !is_usable(entry, options.clock.wall())) {
    auto bootstrap = read_kubeconfig(options.bootstrap_kubeconfig);
    if (!bootstrap) return std::unexpected(std::move(bootstrap.error()));
    log::info("asking for the node's first certificate", {{"server", bootstrap->server}});
    auto pair = first_certificate(*bootstrap, options);
    if (!pair) return std::unexpected(std::move(pair.error()));
    entry = KubeconfigEntry{.context = node_user(options.node_name),
                            .server = bootstrap->server,
                            .ca_pem = bootstrap->ca_pem,
                            .certificate_pem = std::move(pair->certificate_pem),
                            .private_key_pem = std::move(pair->private_key_pem),
                            .token = ""};
    auto written = merge_kubeconfig(options.kubeconfig, *entry);
    if (!written) return std::unexpected(std::move(written.error()));
  }
  if (!entry) return std::unexpected(std::move(entry.error()));
  auto made = std::make_unique<NodeCredentialsImpl>(std::move(options), std::move(*entry));
  if (auto begun = made->begin(); !begun) return std::unexpected(std::move(begun.error()));
  return made;
}

}  // namespace pinnace::cluster

#include <signal.h>

#include "base/log.h"
#include "client/user_agent.h"
#include "cluster/access.h"
#include "cluster/bundled_images.h"
#include "cluster/commands.h"
#include "cluster/node.h"
#include "cluster/node_credentials.h"
#include "cluster/signals.h"
#include "io/files.h"
#include "net/x509.h"

namespace pinnace::cluster::command {

namespace {

constexpr std::size_t kMaxPemBytes = 1 << 20;
constexpr std::string_view kRotateServing = "rotate-server-certificates";

Result<bool> is_on(const Arguments& arguments, std::string_view option, bool otherwise) {
  const std::string text = arguments.get(option);
  if (text.empty()) return otherwise;
  if (text == "true" || text == "false") return text == "true";
  return errors::bad_request("--" + std::string(option) + ": takes true or false");
}

// One credential serves all components of the node.
Result<std::unique_ptr<NodeCredentials>> credentials(const Arguments& arguments,
                                                     const Settings& settings,
                                                     const StopSignals& stop) {
  const auto rotates = is_on(arguments, "rotate-certificates", true);
  if (!rotates) return std::unexpected(rotates.error());
  const std::string bootstrap = arguments.get("bootstrap-kubeconfig");
  const std::string usual =
      bootstrap.empty() ? settings.admin_kubeconfig() : settings.kubelet_dir() + "/kubeconfig";
  return NodeCredentials::create({.kubeconfig = arguments.get("kubeconfig", usual),
                                  .bootstrap_kubeconfig = bootstrap,
                                  .node_name = settings.node_name,
                                  .rotates = *rotates,
                                  .clock = real_clock(),
                                  .rng = real_rng(),
                                  .is_stopping = [&stop] { return stop.is_pending(); }});
}

// The text of the file that an option names, else of the one of a server on this machine; "" when
// neither is there.
Result<std::string> file_of(const Arguments& arguments, std::string_view option,
                            const std::string& usual) {
  const std::string named = arguments.get(option);
  if (named.empty() && !io::exists(usual)) return std::string();
  return io::read_file(named.empty() ? usual : named, kMaxPemBytes);
}

// What a node shows that was given nothing: it is its own authority.
Result<net::CertificateAndKey> own_certificate(const Settings& settings) {
  constexpr auto kLife = std::chrono::days(365);
  const WallTime now = real_clock().wall();
  const std::string& node = settings.node_name;
  const auto authority = net::make_authority(node + "-ca", now, now + kLife);
  if (!authority) return authority;
  return net::issue_certificate(*authority, {.common_name = node,
                                             .dns_names = {node},
                                             .ip_addresses = {settings.node_ip},
                                             .server = true,
                                             .not_before = now,
                                             .not_after = now + kLife});
}

// What the node agent shows before the API gives it something.
Result<net::CertificateAndKey> serving(const Arguments& arguments, const Settings& settings) {
  auto certificate = file_of(arguments, "certificate", settings.pki_dir() + "/node.crt");
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto key = file_of(arguments, "key", settings.pki_dir() + "/node.key");
  if (!key) return std::unexpected(std::move(key.error()));
  if (certificate->empty() && key->empty()) return own_certificate(settings);
  return net::CertificateAndKey{std::move(*certificate), std::move(*key)};
}

Result<void> run(const Arguments& arguments) {
  auto root = require_root("agent");
  if (!root) return root;
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  const auto rotates_serving = is_on(arguments, kRotateServing, false);
  if (!rotates_serving) return std::unexpected(rotates_serving.error());
  StopSignals stop;
  if (settings->node_ip.empty()) {
    auto found = find_node_ip();
    if (!found) return std::unexpected(std::move(found.error()));
    settings->node_ip = std::move(*found);
  }
  auto shown = serving(arguments, *settings);
  if (!shown) return std::unexpected(std::move(shown.error()));
  auto access = credentials(arguments, *settings, stop);
  if (!access) return std::unexpected(std::move(access.error()));
  auto client_ca = file_of(arguments, "client-ca", settings->pki_dir() + "/ca.crt");
  if (!client_ca) return std::unexpected(std::move(client_ca.error()));
  auto loaded = load_bundled_images(*settings, arguments);
  if (!loaded) return loaded;
  auto node = Node::start({.settings = *settings,
                           .node_ip = settings->node_ip,
                           .serving = std::move(*shown),
                           .rotate_serving = *rotates_serving,
                           .client_ca_pem = client_ca->empty() ? (*access)->ca_pem() : *client_ca,
                           .make_transport =
                               [&access](const Identity& identity) {
                                 auto transport =
                                     (*access)->connect(client::user_agent_of(identity.user));
                                 return transport ? std::move(*transport) : nullptr;
                               },
                           .clock = real_clock(),
                           .rng = real_rng()});
  if (!node) return std::unexpected(std::move(node.error()));
  log::info("stopping", {{"signal", stop.wait()}});
  return {};
}

}  // namespace

Command agent() {
  auto options = cluster_options();
  options.push_back(images_option());
  options.push_back({"kubeconfig", "FILE", "how to reach the API server (the data directory's)"});
  options.push_back({"bootstrap-kubeconfig", "FILE",
                     "with what token to ask for a certificate when there is none"});
  options.push_back(
      {"rotate-certificates", "BOOL", "renew the node's certificate before it ends (true)"});
  options.push_back({kRotateServing, "BOOL", "ask the API for what the node agent shows (false)"});
  options.push_back({"certificate", "FILE", "what the node agent shows (the data directory's)"});
  options.push_back({"key", "FILE", "its private key"});
  options.push_back({"client-ca", "FILE", "whose certificates may call the node agent"});
  return {.name = "agent",
          .summary = "Run a node in the foreground, for a service manager",
          .examples =
              "  pinnace agent --kubeconfig node.kubeconfig\n"
              "  pinnace agent --bootstrap-kubeconfig token.kubeconfig\n",
          .options = std::move(options),
          .run = run};
}

}  // namespace pinnace::cluster::command

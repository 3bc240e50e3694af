#include <signal.h>

#include "base/log.h"
#include "client/user_agent.h"
#include "cluster/access.h"
#include "cluster/bundled_images.h"
#include "cluster/commands.h"
#include "cluster/kubeconfig.h"
#include "cluster/node.h"
#include "cluster/pki.h"
#include "cluster/signals.h"
#include "io/files.h"

namespace pinnace::cluster::command {

namespace {

constexpr std::size_t kMaxPemBytes = 1 << 20;

// One credential serves all components of the node.
Result<KubeconfigEntry> credentials(const Arguments& arguments, const Settings& settings) {
  return read_kubeconfig(arguments.get("kubeconfig", settings.admin_kubeconfig()));
}

struct Serving {
  net::CertificateAndKey pair;
  std::string client_ca_pem;
};

// What the node agent shows, and whom it lets in; from options, else what a server on the same
// machine made.
Result<Serving> serving(const Arguments& arguments, const Settings& settings) {
  Serving serving;
  const std::pair<std::string, std::string*> files[] = {
      {arguments.get("certificate", settings.pki_dir() + "/node.crt"),
       &serving.pair.certificate_pem},
      {arguments.get("key", settings.pki_dir() + "/node.key"), &serving.pair.private_key_pem},
      {arguments.get("client-ca", settings.pki_dir() + "/ca.crt"), &serving.client_ca_pem},
  };
  for (const auto& [path, text] : files) {
    auto pem = io::read_file(path, kMaxPemBytes);
    if (!pem) return std::unexpected(std::move(pem.error()));
    *text = std::move(*pem);
  }
  return serving;
}

Result<void> run(const Arguments& arguments) {
  auto root = require_root("agent");
  if (!root) return root;
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  auto entry = credentials(arguments, *settings);
  if (!entry) return std::unexpected(std::move(entry.error()));
  auto shown = serving(arguments, *settings);
  if (!shown) return std::unexpected(std::move(shown.error()));
  auto loaded = load_bundled_images(*settings, arguments);
  if (!loaded) return loaded;
  StopSignals stop;
  if (settings->node_ip.empty()) {
    auto found = find_node_ip();
    if (!found) return std::unexpected(std::move(found.error()));
    settings->node_ip = std::move(*found);
  }
  // Proves the credential before anything is started.
  auto first = connect_with(*entry);
  if (!first) return std::unexpected(std::move(first.error()));
  auto node = Node::start({.settings = *settings,
                           .node_ip = settings->node_ip,
                           .serving = shown->pair,
                           .client_ca_pem = shown->client_ca_pem,
                           .make_transport =
                               [&entry](const Identity& identity) {
                                 auto transport =
                                     connect_with(*entry, client::user_agent_of(identity.user));
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
  options.push_back({"certificate", "FILE", "what the node agent shows (the data directory's)"});
  options.push_back({"key", "FILE", "its private key"});
  options.push_back({"client-ca", "FILE", "whose certificates may call the node agent"});
  return {.name = "agent",
          .summary = "Run a node in the foreground, for a service manager",
          .examples = "  pinnace agent --kubeconfig node.kubeconfig\n",
          .options = std::move(options),
          .run = run};
}

}  // namespace pinnace::cluster::command

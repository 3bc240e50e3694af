#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "api/served.h"
#include "api/types/core_v1.h"
#include "base/log.h"
#include "client/client.h"
#include "client/local_transport.h"
#include "cluster/access.h"
#include "cluster/api_flags.h"
#include "cluster/bundled_images.h"
#include "cluster/commands.h"
#include "cluster/control_plane.h"
#include "cluster/controller_flags.h"
#include "cluster/kubeconfig.h"
#include "cluster/node.h"
#include "cluster/pki.h"
#include "cluster/signals.h"
#include "io/files.h"

namespace pinnace::cluster::command {

namespace {

constexpr std::string_view kLeaderElect = "leader-elect";
constexpr std::string_view kRotateServing = "rotate-server-certificates";

Result<Pki> prepare_keys(const Settings& settings, const std::string& node_ip) {
  return load_or_make_pki({.directory = settings.pki_dir(),
                           .node_name = settings.node_name,
                           .server_addresses = {"127.0.0.1", node_ip, settings.first_service_ip()}},
                          real_clock());
}

Result<void> write_admin_kubeconfig(const Settings& settings, const Pki& pki) {
  const std::string path = settings.admin_kubeconfig();
  const KubeconfigEntry entry{.context = settings.context(),
                              .server = "https://127.0.0.1:" + std::to_string(settings.port),
                              .ca_pem = pki.authority.certificate_pem,
                              .certificate_pem = pki.admin.certificate_pem,
                              .private_key_pem = pki.admin.private_key_pem};
  return merge_kubeconfig(path, entry);
}

// Nothing when it is not said.
Result<std::optional<bool>> choice(const Arguments& arguments, std::string_view option) {
  const std::string text = arguments.get(option);
  if (text.empty()) return std::nullopt;
  if (text == "true" || text == "false") return text == "true";
  return errors::bad_request("--" + std::string(option) + ": takes true or false");
}

// Makes the node of this machine known as one of the control plane. Its own agent may not say so: a
// node that could choose its role could draw to itself what is meant for others.
Result<void> announce_node(net::Handler& api, const std::string& name) {
  client::LocalTransport transport(api, client::Identity{"kubernetes-admin", {"system:masters"}});
  const client::Client client(transport);
  api::core_v1::Node node;
  node.metadata.name = name;
  node.metadata.labels["node-role.kubernetes.io/control-plane"] = "";
  const auto made = client.create(node);
  if (made) return {};
  if (made.error().code != 409) return std::unexpected(made.error());
  const auto labelled = client.patch<api::core_v1::Node>(
      "", name, client::PatchType::kMerge,
      R"({"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}})");
  if (!labelled) return std::unexpected(labelled.error());
  return {};
}

Result<void> run(const Arguments& arguments) {
  const bool with_agent = arguments.has("with-agent");
  if (with_agent) {
    auto root = require_root("server --with-agent");
    if (!root) return root;
  }
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  apiserver::Configuration configuration;
  auto configured = apply_api_flags(arguments, configuration);
  if (!configured) return configured;
  if (!configuration.runtime_config.empty()) {
    auto served = api::ServedSchema::create(api::builtin_schema(), configuration.runtime_config);
    if (!served) {
      return errors::bad_request("--runtime-config: " + served.error().message);
    }
    api::serve(std::move(*served));
  }
  auto store = resolve_store_settings(arguments);
  if (!store) return std::unexpected(std::move(store.error()));
  auto leader_elect = choice(arguments, kLeaderElect);
  if (!leader_elect) return std::unexpected(std::move(leader_elect.error()));
  auto rotate_serving = choice(arguments, kRotateServing);
  if (!rotate_serving) return std::unexpected(std::move(rotate_serving.error()));
  StopSignals stop;
  auto made = io::make_directories(settings->data_dir, 0700);
  if (made) made = io::make_directories(settings->run_dir, 0755);
  if (made) made = save_settings(*settings);
  if (!made) return made;
  if (settings->node_ip.empty()) {
    auto found = find_node_ip();
    if (!found) return std::unexpected(std::move(found.error()));
    settings->node_ip = std::move(*found);
  }
  auto pki = prepare_keys(*settings, settings->node_ip);
  if (!pki) return std::unexpected(std::move(pki.error()));
  controllers::Settings controllers;
  auto ordered = apply_controller_flags(arguments, *pki, controllers);
  if (!ordered) return ordered;
  // Who sees that the server is ready may use it at once.
  auto written = write_admin_kubeconfig(*settings, *pki);
  if (!written) return written;
  auto control_plane = ControlPlane::start({.settings = *settings,
                                            .pki = *pki,
                                            .store = *store,
                                            .node_ip = settings->node_ip,
                                            .leader_elect = *leader_elect,
                                            .configuration = std::move(configuration),
                                            .controllers = std::move(controllers),
                                            .clock = real_clock(),
                                            .rng = real_rng()});
  if (!control_plane) return std::unexpected(std::move(control_plane.error()));
  written = io::write_file_atomic(settings->server_pid_file(), std::to_string(getpid()) + '\n');
  if (!written) return written;
  log::info("the API server is ready", {{"port", settings->port}});

  std::unique_ptr<Node> node;
  if (with_agent) {
    auto loaded = load_bundled_images(*settings, arguments);
    if (!loaded) return loaded;
    net::Handler& api = (*control_plane)->api();
    auto announced = announce_node(api, settings->node_name);
    if (!announced) return announced;
    auto started = Node::start(
        {.settings = *settings,
         .node_ip = settings->node_ip,
         .serving = pki->node,
         .rotate_serving = rotate_serving->value_or(false),
         .client_ca_pem = pki->authority.certificate_pem,
         .make_transport = [&api](const Identity& identity) -> std::unique_ptr<client::Transport> {
           return std::make_unique<client::LocalTransport>(
               api, client::Identity{identity.user, identity.groups});
         },
         .clock = real_clock(),
         .rng = real_rng()});
    if (!started) return std::unexpected(std::move(started.error()));
    node = std::move(*started);
  }
  const int signal = stop.wait();
  log::info("stopping", {{"signal", signal}});
  node.reset();
  control_plane->reset();
  ::unlink(settings->server_pid_file().c_str());
  return {};
}

}  // namespace

Command server() {
  auto options = cluster_options();
  options.push_back({"with-agent", "", "run this machine's node too"});
  const auto of_store = store_options();
  options.insert(options.end(), of_store.begin(), of_store.end());
  options.push_back(
      {kLeaderElect, "BOOL", "controllers and scheduler wait until they lead (true on etcd)"});
  options.push_back({kRotateServing, "BOOL", "this node asks for what its agent shows (false)"});
  const auto of_api = api_flag_options();
  options.insert(options.end(), of_api.begin(), of_api.end());
  const auto of_controllers = controller_flag_options();
  options.insert(options.end(), of_controllers.begin(), of_controllers.end());
  options.push_back(images_option());
  return {.name = "server",
          .summary = "Run the control plane in the foreground, for a service manager",
          .examples = "  pinnace server --with-agent\n",
          .options = std::move(options),
          .run = run};
}

}  // namespace pinnace::cluster::command

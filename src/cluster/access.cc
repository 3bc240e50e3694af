#include "cluster/access.h"

#include <unistd.h>

#include "api/types/coordination_v1.h"
#include "api/types/core_v1.h"
#include "client/client.h"
#include "client/remote_transport.h"
#include "cluster/containerd.h"
#include "io/files.h"

namespace pinnace::cluster {

Result<void> require_root(std::string_view command) {
  if (geteuid() == 0) return {};
  return errors::bad_request("'pinnace " + std::string(command) +
                             "' needs root, because it starts containers and changes the "
                             "network; run: sudo pinnace " +
                             std::string(command));
}

int server_pid(const Settings& settings) {
  return running_pid(settings.server_pid_file(), "pinnace");
}

Result<std::unique_ptr<client::Transport>> connect_with(const KubeconfigEntry& entry,
                                                        std::string user_agent) {
  auto transport = client::RemoteTransport::create({.server = entry.server,
                                                    .ca_pem = entry.ca_pem,
                                                    .cert_pem = entry.certificate_pem,
                                                    .key_pem = entry.private_key_pem,
                                                    .token = entry.token,
                                                    .user_agent = std::move(user_agent)});
  if (!transport) return std::unexpected(std::move(transport.error()));
  return std::unique_ptr<client::Transport>(std::move(*transport));
}

Result<std::unique_ptr<client::Transport>> connect_as_admin(const Settings& settings) {
  if (!io::exists(settings.admin_kubeconfig())) {
    return errors::unavailable("cluster " + settings.name + " has not been started yet");
  }
  auto entry = read_kubeconfig(settings.admin_kubeconfig());
  if (!entry) return std::unexpected(std::move(entry.error()));
  return connect_with(*entry);
}

bool is_api_ready(client::Transport& transport) {
  client::Request request;
  request.target = "/readyz";
  const auto response = transport.round_trip(request);
  return response && response->status == 200;
}

bool has_heartbeat_since(client::Transport& transport, const std::string& node_name,
                         WallTime since) {
  const auto lease =
      client::Client(transport).get<api::coordination_v1::Lease>("kube-node-lease", node_name);
  return lease && lease->spec.renew_time.value >= since;
}

Result<std::string> node_condition(client::Transport& transport, const std::string& node_name) {
  const client::Client api(transport);
  auto node = api.get<api::core_v1::Node>("", node_name);
  if (!node) {
    if (node.error().is("NotFound")) return "";
    return std::unexpected(std::move(node.error()));
  }
  for (const auto& condition : node->status.conditions) {
    if (condition.type != "Ready") continue;
    return condition.status == "True" ? "Ready" : "NotReady: " + condition.message;
  }
  return "";
}

}  // namespace pinnace::cluster

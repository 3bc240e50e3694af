#include "api/types/core_v1.h"
#include "client/client.h"
#include "cluster/access.h"
#include "cluster/commands.h"
#include "cluster/containerd.h"
#include "cluster/progress.h"

namespace pinnace::cluster::command {

namespace {

namespace core_v1 = api::core_v1;

Result<void> show_pods(const client::Client& api) {
  auto pods = api.list<core_v1::Pod>();
  if (!pods) return std::unexpected(std::move(pods.error()));
  std::size_t running = 0;
  for (const auto& pod : pods->items) running += pod.status.phase == "Running";
  show("pods       " + std::to_string(pods->items.size()) + ", " + std::to_string(running) +
       " running");
  return {};
}

Result<void> run(const Arguments& arguments) {
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  const int pid = server_pid(*settings);
  if (pid == 0) {
    return errors::unavailable("cluster " + settings->name +
                               " does not run; start it with: pinnace up" +
                               (settings->name == kDefaultName ? "" : " --name " + settings->name));
  }
  show("cluster    " + settings->name + ", process " + std::to_string(pid));
  show("data       " + settings->data_dir);
  if (settings->owns_runtime()) {
    const int runtime = running_pid(settings->containerd_pid_file(), "containerd");
    show("runtime    " + (runtime ? "containerd, process " + std::to_string(runtime)
                                  : std::string("containerd does not run")));
  } else {
    show("runtime    " + settings->runtime_endpoint);
  }
  auto transport = connect_as_admin(*settings);
  if (!transport) return std::unexpected(std::move(transport.error()));
  if (!is_api_ready(**transport)) {
    return errors::unavailable("the API server does not answer; see " + settings->server_log());
  }
  show("API        https://127.0.0.1:" + std::to_string(settings->port) + ", ready");
  auto node = node_condition(**transport, settings->node_name);
  if (!node) return std::unexpected(std::move(node.error()));
  show("node       " + settings->node_name + ", " + (node->empty() ? "not registered" : *node));
  return show_pods(client::Client(**transport));
}

}  // namespace

Command status() {
  return {.name = "status",
          .summary = "Show whether the cluster runs, and its node and pods",
          .options = locating_options(),
          .run = run};
}

}  // namespace pinnace::cluster::command

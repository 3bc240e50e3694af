#include "cluster/access.h"
#include "cluster/commands.h"
#include "cluster/containerd.h"
#include "cluster/host.h"
#include "cluster/progress.h"

namespace pinnace::cluster::command {

namespace {

constexpr auto kServerGrace = std::chrono::seconds(20);
constexpr auto kRuntimeGrace = std::chrono::seconds(10);

Result<void> run(const Arguments& arguments) {
  auto root = require_root("down");
  if (!root) return root;
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  const int pid = server_pid(*settings);
  const bool has_runtime =
      settings->owns_runtime() && running_pid(settings->containerd_pid_file(), "containerd") != 0;
  if (pid == 0 && !has_runtime) {
    show("Cluster " + settings->name + " does not run.");
    return {};
  }
  auto ended = end_process(pid, kServerGrace, real_clock());
  if (!ended) return ended;
  if (has_runtime) {
    auto removed = remove_pods(*settings);
    if (!removed) warn(removed.error().message);
    auto stopped = stop_containerd(*settings, kRuntimeGrace, real_clock());
    if (!stopped) return stopped;
  }
  show("Cluster " + settings->name + " is stopped; its data stays in " + settings->data_dir + '.');
  return {};
}

}  // namespace

Command down() {
  return {.name = "down",
          .summary = "Stop the cluster and its pods, keeping all data",
          .examples = "  pinnace down\n",
          .options = locating_options(),
          .run = run};
}

}  // namespace pinnace::cluster::command

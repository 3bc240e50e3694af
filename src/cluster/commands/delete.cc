#include "cluster/access.h"
#include "cluster/commands.h"
#include "cluster/containerd.h"
#include "cluster/host.h"
#include "cluster/host_setup.h"
#include "cluster/kubeconfig.h"
#include "cluster/progress.h"
#include "io/files.h"

namespace pinnace::cluster::command {

namespace {

constexpr auto kServerGrace = std::chrono::seconds(20);
constexpr auto kRuntimeGrace = std::chrono::seconds(10);

Result<void> verify(const Settings& settings) {
  auto traces = find_traces(settings);
  if (!traces) return std::unexpected(std::move(traces.error()));
  if (traces->empty()) {
    show("Nothing of cluster " + settings.name + " is on this host.");
    return {};
  }
  for (const auto& trace : *traces) show(trace.kind + "  " + trace.name);
  return errors::internal(std::to_string(traces->size()) + " traces of cluster " + settings.name +
                          " are left; remove them with: pinnace delete");
}

// Pods leave mounts and network namespaces that only their runtime knows: it must take them away,
// and is started for that if need be.
void remove_pods_by_runtime(const Settings& settings) {
  if (!settings.owns_runtime() || !io::exists(settings.containerd_root())) return;
  auto ready = ensure_containerd(settings, {}, real_clock());
  auto removed = ready ? remove_pods(settings) : ready;
  if (!removed) warn("pods are not removed cleanly: " + removed.error().message);
  auto stopped = stop_containerd(settings, kRuntimeGrace, real_clock());
  if (!stopped) warn(stopped.error().message);
}

Result<void> run(const Arguments& arguments) {
  auto root = require_root("delete");
  if (!root) return root;
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  if (arguments.has("verify")) return verify(*settings);
  auto ended = end_process(server_pid(*settings), kServerGrace, real_clock());
  if (!ended) warn(ended.error().message);
  remove_pods_by_runtime(*settings);
  auto restored = restore_host(*settings);
  if (!restored) warn(restored.error().message);
  auto removed = remove_traces(*settings, real_clock());
  if (!removed) return removed;
  removed = remove_from_kubeconfig(arguments.get("kubeconfig", default_kubeconfig_path()),
                                   settings->context());
  if (!removed) return removed;
  show("Cluster " + settings->name + " is gone.");
  return {};
}

}  // namespace

Command remove() {
  auto options = locating_options();
  options.push_back({"kubeconfig", "FILE", "which file to take the context out of"});
  options.push_back({"verify", "", "change nothing; list what is left, and exit 1 if anything is"});
  return {.name = "delete",
          .summary = "Remove every trace of the cluster from this host",
          .examples = "  pinnace delete\n  pinnace delete --verify\n",
          .options = std::move(options),
          .run = run};
}

}  // namespace pinnace::cluster::command

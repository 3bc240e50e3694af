#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "cluster/access.h"
#include "cluster/bundled_images.h"
#include "cluster/commands.h"
#include "cluster/containerd.h"
#include "cluster/kubeconfig.h"
#include "cluster/progress.h"
#include "io/fd.h"
#include "io/files.h"
#include "io/process.h"

namespace pinnace::cluster::command {

namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kPollInterval = std::chrono::milliseconds(20);

// What the kernel must offer before it is worth to start anything.
Result<void> check_host() {
  auto root = require_root("up");
  if (!root) return root;
  for (const char* controller : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/cgroup.controllers"}) {
    if (io::exists(controller)) return {};
  }
  return errors::bad_request(
      "no control groups are mounted at /sys/fs/cgroup, so containers cannot be limited; on a "
      "host without systemd run: mount -t cgroup2 none /sys/fs/cgroup");
}

Result<void> check_port(int port) {
  const io::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      listen(fd.get(), 1) == 0) {
    return {};
  }
  if (errno != EADDRINUSE)
    return errors::system("cannot listen on port " + std::to_string(port), errno);
  return errors::bad_request("port " + std::to_string(port) +
                             " is taken by another program (see: ss -tlnp 'sport = :" +
                             std::to_string(port) + "'); choose another with --port");
}

Result<std::unique_ptr<io::Process>> start_server(const Settings& settings,
                                                  const std::string& program) {
  auto made = io::make_directories(settings.log_dir(), 0755);
  if (!made) return std::unexpected(std::move(made.error()));
  const io::UniqueFd log(
      open(settings.server_log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (log.get() < 0) return errors::system("cannot write " + settings.server_log(), errno);
  io::SpawnOptions spawn;
  spawn.argv = {program,       "server",     "--with-agent",   "--name",
                settings.name, "--data-dir", settings.data_dir};
  spawn.stdout_fd = spawn.stderr_fd = log.get();
  spawn.new_session = true;
  spawn.directory = "/";
  return io::Process::spawn(spawn);
}

// Waits for one thing after another, each with a line when it has come.
class Waiter {
 public:
  Waiter(const Settings& settings, io::Process* process)
      : settings_(settings), process_(process), start_(real_clock().monotonic()) {}

  Result<void> until(const std::string& what, const std::function<bool()>& check) {
    const MonotonicTime deadline = real_clock().monotonic() + kPatience;
    while (!check()) {
      io::ExitStatus status;
      if (!process_) {
        std::this_thread::sleep_for(kPollInterval);
      } else if (process_->wait_for(kPollInterval, status)) {
        const std::string how =
            status.signal == 0 ? "" : " by signal " + std::to_string(status.signal);
        return errors::unavailable("the server ended" + how + " while waiting for: " + what + "\n" +
                                   last_lines(settings_.server_log(), 5));
      }
      if (real_clock().monotonic() > deadline) {
        return errors::unavailable("not within a minute: " + what + "\n" +
                                   last_lines(settings_.server_log(), 5) +
                                   "The whole log: " + settings_.server_log());
      }
    }
    char line[160];
    const std::chrono::duration<double> passed = real_clock().monotonic() - start_;
    std::snprintf(line, sizeof line, "  %-28s %.2f s", what.c_str(), passed.count());
    show(line);
    return {};
  }

 private:
  const Settings& settings_;
  io::Process* process_;
  MonotonicTime start_;
};

// `process` is null for a cluster that ran already; else its node must have come since `began`.
Result<void> wait_until_ready(const Settings& settings, io::Process* process, WallTime began) {
  Waiter waiter(settings, process);
  std::unique_ptr<client::Transport> transport;
  auto ready = waiter.until("API server is ready", [&] {
    if (!transport) {
      auto made = connect_as_admin(settings);
      if (made) transport = std::move(*made);
    }
    if (transport && is_api_ready(*transport)) return true;
    transport.reset();  // The credentials may have been those of an earlier start.
    return false;
  });
  if (!ready) return ready;
  return waiter.until("node is Ready", [&] {
    const auto condition = node_condition(*transport, settings.node_name);
    return condition && *condition == "Ready" &&
           (!process || has_heartbeat_since(*transport, settings.node_name, began));
  });
}

Result<void> add_context(const Settings& settings, const std::string& path) {
  auto entry = read_kubeconfig(settings.admin_kubeconfig());
  if (!entry) return std::unexpected(std::move(entry.error()));
  entry->context = settings.context();
  auto merged = merge_kubeconfig(path, *entry);
  if (!merged) return merged;
  show("Context \"" + settings.context() + "\" is current in " + path + '.');
  return {};
}

Result<void> run(const Arguments& arguments) {
  auto fit = check_host();
  if (!fit) return fit;
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error);
  const WallTime began = real_clock().wall();
  std::unique_ptr<io::Process> process;
  if (server_pid(*settings) != 0) {
    show("Cluster " + settings->name + " already runs.");
  } else {
    auto free = check_port(settings->port);
    if (!free) return free;
    auto made = io::make_directories(settings->data_dir, 0700);
    if (made) made = io::make_directories(settings->run_dir, 0755);
    if (made) made = save_settings(*settings);
    if (made) made = load_bundled_images(*settings, arguments);
    if (!made) return made;
    show("Starting cluster " + settings->name);
    auto started = start_server(*settings, program);
    if (!started) return std::unexpected(std::move(started.error()));
    process = std::move(*started);
  }
  auto ready = wait_until_ready(*settings, process.get(), began);
  if (!ready) return ready;
  return add_context(*settings, arguments.get("kubeconfig", default_kubeconfig_path()));
}

}  // namespace

Command up() {
  auto options = cluster_options();
  options.push_back(
      {"kubeconfig", "FILE", "where to add the context ($KUBECONFIG or ~/.kube/config)"});
  options.push_back(images_option());
  return {.name = "up",
          .summary = "Start a one-node cluster in the background and wait until it is ready",
          .examples =
              "  pinnace up\n"
              "  pinnace up --name second --port 7443 --pod-cidr 10.245.0.0/16 "
              "--service-cidr 10.97.0.0/16\n",
          .options = std::move(options),
          .run = run};
}

}  // namespace pinnace::cluster::command

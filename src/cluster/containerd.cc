#include "cluster/containerd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "cluster/containerd_config.h"
#include "cluster/progress.h"
#include "io/fd.h"
#include "io/files.h"
#include "io/process.h"

namespace pinnace::cluster {

namespace {

constexpr auto kStartPatience = std::chrono::seconds(20);
constexpr auto kPollInterval = std::chrono::milliseconds(10);

struct Program {
  const char* file;
  const char* package;
};
constexpr Program kPrograms[] = {
    {"containerd", "containerd"}, {"containerd-shim-runc-v2", "containerd"}, {"runc", "runc"}};

// A program's path, looked up as execvp would.
std::string find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  for (const auto directory : split(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
    const std::string file = std::string(directory) + '/' + std::string(name);
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  return "";
}

Result<void> check_programs() {
  for (const auto& program : kPrograms) {
    if (find_program(program.file).empty()) {
      return errors::bad_request(std::string(program.file) +
                                 " is not installed; run: apt-get install " + program.package);
    }
  }
  for (const char* plugin : {"ptp", "host-local", "loopback"}) {
    if (access((std::string("/usr/lib/cni/") + plugin).c_str(), X_OK) != 0) {
      return errors::bad_request("the CNI plugin /usr/lib/cni/" + std::string(plugin) +
                                 " is not installed; run: apt-get install "
                                 "containernetworking-plugins");
    }
  }
  return {};
}

bool takes_connections(const std::string& socket_path) {
  const io::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd.get() < 0 || socket_path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<void> write_configuration(const Settings& settings, const ContainerdOptions& options) {
  const std::pair<std::string, std::string> files[] = {
      {settings.containerd_config(), containerd_config_text(settings)},
      {settings.cni_conf_dir() + "/10-pinnace.conflist", cni_config_text(settings, options.mtu)},
      {settings.registry_hosts_dir() + "/_default/hosts.toml",
       registry_hosts_text(options.mirror_port)},
  };
  for (const auto& [path, text] : files) {
    auto made = io::make_directories(std::filesystem::path(path).parent_path(), 0755);
    if (!made) return made;
    auto written = io::write_file_atomic(path, text, 0644);
    if (!written) return written;
  }
  return {};
}

}  // namespace

int running_pid(const std::string& pid_file, std::string_view program) {
  const auto text = io::read_file(pid_file, 64);
  if (!text) return 0;
  const auto pid = parse_int(trim(*text));
  if (!pid || *pid <= 1) return 0;
  // A pid is used again after a while: what runs under it must be the program that was started.
  const auto command = io::read_file("/proc/" + std::to_string(*pid) + "/cmdline", 1 << 16);
  if (!command || command->empty()) return 0;
  const std::string_view first = std::string_view(*command).substr(0, command->find('\0'));
  return first.substr(first.rfind('/') + 1) == program ? static_cast<int>(*pid) : 0;
}

Result<void> ensure_containerd(const Settings& settings, const ContainerdOptions& options,
                               const Clock& clock) {
  auto written = write_configuration(settings, options);
  if (!written) return written;
  if (running_pid(settings.containerd_pid_file(), "containerd") != 0 &&
      takes_connections(settings.containerd_socket())) {
    return {};
  }
  auto programs = check_programs();
  if (!programs) return programs;
  auto made = io::make_directories(settings.log_dir(), 0755);
  if (!made) return made;
  const io::UniqueFd log(
      open(settings.containerd_log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (log.get() < 0) return errors::system("cannot write " + settings.containerd_log(), errno);
  io::SpawnOptions spawn;
  spawn.argv = {"containerd", "--config", settings.containerd_config(), "--log-level", "warn"};
  spawn.stdout_fd = spawn.stderr_fd = log.get();
  spawn.new_session = true;
  auto process = io::Process::spawn(spawn);
  if (!process) return std::unexpected(std::move(process.error()));
  written = io::write_file_atomic(settings.containerd_pid_file(),
                                  std::to_string((*process)->pid()) + '\n', 0644);
  if (!written) return written;
  const MonotonicTime deadline = clock.monotonic() + kStartPatience;
  io::ExitStatus status;
  while (!takes_connections(settings.containerd_socket())) {
    if ((*process)->wait_for(kPollInterval, status) || clock.monotonic() > deadline) {
      return errors::unavailable("containerd does not start; the end of " +
                                 settings.containerd_log() + ":\n" +
                                 last_lines(settings.containerd_log(), 5));
    }
  }
  return {};
}

Result<void> end_process(int pid, Duration grace, const Clock& clock) {
  if (pid == 0 || ::kill(pid, SIGTERM) != 0) return {};
  const MonotonicTime deadline = clock.monotonic() + grace;
  bool killed = false;
  while (::kill(pid, 0) == 0) {
    // One of our own children stays until it is waited for.
    const auto state = io::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    if (state && state->find(") Z ") != std::string::npos) return {};
    if (clock.monotonic() > deadline) {
      if (killed) return errors::internal("process " + std::to_string(pid) + " does not end");
      ::kill(pid, SIGKILL);
      killed = true;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  return {};
}

Result<void> stop_containerd(const Settings& settings, Duration grace, const Clock& clock) {
  auto ended = end_process(running_pid(settings.containerd_pid_file(), "containerd"), grace, clock);
  if (ended) ::unlink(settings.containerd_pid_file().c_str());
  return ended;
}

}  // namespace pinnace::cluster

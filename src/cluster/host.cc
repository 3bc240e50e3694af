#include "cluster/host.h"

#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "cluster/containerd.h"
#include "io/files.h"
#include "io/netlink.h"
#include "kubelet/cri/runtime.h"
#include "kubeproxy/nft.h"

namespace pinnace::cluster {

namespace {

namespace fs = std::filesystem;

constexpr auto kProcessGrace = std::chrono::seconds(5);
constexpr std::chrono::seconds kContainerGrace{2};
constexpr std::string_view kCniResults = "/var/lib/cni/results";
constexpr std::size_t kMaxCommandBytes = 1 << 16;
constexpr int kCgroupTries = 100;

bool is_below(std::string_view path, std::string_view directory) {
  return path == directory || (path.starts_with(directory) && path.size() > directory.size() &&
                               path[directory.size()] == '/');
}

// The arguments of a process, separated by spaces.
std::string command_of(int pid) {
  auto text = io::read_file("/proc/" + std::to_string(pid) + "/cmdline", kMaxCommandBytes);
  if (!text) return "";
  std::replace(text->begin(), text->end(), '\0', ' ');
  return std::string(trim(*text));
}

// The cluster's cgroups: the root of them in each hierarchy where it is.
std::vector<std::string> cgroup_roots(const Settings& settings) {
  std::vector<std::string> found;
  std::vector<std::string> hierarchies = {"/sys/fs/cgroup"};
  if (const auto names = io::list_directory("/sys/fs/cgroup")) {
    for (const auto& name : *names) hierarchies.push_back("/sys/fs/cgroup/" + name);
  }
  for (const auto& hierarchy : hierarchies) {
    const std::string path = hierarchy + settings.cgroup_root();
    std::error_code error;
    if (fs::is_directory(path, error)) found.push_back(path);
  }
  return found;
}

std::vector<std::string> directories_below(const std::string& root) {
  std::vector<std::string> found = {root};
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_directory(error)) found.push_back(it->path());
  }
  return found;
}

// Processes that serve this cluster or run in its containers, without this one and its parents.
std::vector<int> processes(const Settings& settings) {
  std::vector<int> found;
  for (const auto& root : cgroup_roots(settings)) {
    for (const auto& directory : directories_below(root)) {
      const auto text = io::read_file(directory + "/cgroup.procs");
      if (!text) continue;
      for (const auto line : split(*text, '\n')) {
        if (const auto pid = parse_int(line); pid && *pid > 0) {
          found.push_back(static_cast<int>(*pid));
        }
      }
    }
  }
  const auto entries = io::list_directory("/proc");
  for (const auto& name : entries ? *entries : std::vector<std::string>()) {
    const auto pid = parse_int(name);
    if (!pid) continue;
    const std::string command = command_of(static_cast<int>(*pid));
    const bool is_shim =
        command.find("containerd-shim") != std::string::npos &&
        command.find("-address " + settings.containerd_socket()) != std::string::npos;
    const bool is_containerd =
        command.starts_with("containerd --config " + settings.containerd_config());
    if (is_shim || is_containerd) found.push_back(static_cast<int>(*pid));
  }
  if (const int pid = running_pid(settings.server_pid_file(), "pinnace")) found.push_back(pid);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::erase(found, getpid());
  return found;
}

// Mount points of the cluster, the deepest first.
std::vector<std::string> mounts(const Settings& settings) {
  std::vector<std::string> found;
  const auto text = io::read_file("/proc/self/mountinfo");
  if (!text) return found;
  for (const auto line : split(*text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() < 5) continue;
    if (is_below(fields[4], settings.run_dir) || is_below(fields[4], settings.data_dir)) {
      found.emplace_back(fields[4]);
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::vector<std::string> links(const Settings& settings) {
  std::vector<std::string> found;
  auto netlink = io::Netlink::create();
  if (!netlink) return found;
  const auto all = netlink->links();
  for (const auto& link : all ? *all : std::vector<io::NetLink>()) {
    if (link.name == settings.dns_link()) {
      found.push_back(link.name);
    }
  }
  return found;
}

// Files and directories: what the cluster keeps, and what the CNI library remembers of its pods.
std::vector<std::string> files(const Settings& settings) {
  std::vector<std::string> found;
  for (const auto& path : {settings.data_dir, settings.run_dir}) {
    if (io::exists(path)) found.push_back(path);
  }
  const auto results = io::list_directory(std::string(kCniResults));
  for (const auto& name : results ? *results : std::vector<std::string>()) {
    // NETWORK-CONTAINER-INTERFACE; a container's id has 64 digits and no dash.
    const std::string network = "pinnace-" + settings.name + '-';
    if (name.starts_with(network) && name.find('-', network.size()) == network.size() + 64) {
      found.push_back(std::string(kCniResults) + '/' + name);
    }
  }
  return found;
}

void end_processes(const Settings& settings, const Clock& clock) {
  // Shims end when their containers have; what starts meanwhile is found in the next round.
  for (int round = 0; round < 3; ++round) {
    const auto pids = processes(settings);
    if (pids.empty()) return;
    for (const int pid : pids) ::kill(pid, SIGTERM);
    for (const int pid : pids) (void)end_process(pid, kProcessGrace, clock);
  }
}

Result<void> remove_cgroups(const Settings& settings) {
  Result<void> first;
  for (const auto& root : cgroup_roots(settings)) {
    auto directories = directories_below(root);
    std::reverse(directories.begin(), directories.end());
    // The kernel needs a moment to notice that the last process of a group has ended.
    for (int tries = 0; tries < kCgroupTries && io::exists(root); ++tries) {
      for (const auto& directory : directories) ::rmdir(directory.c_str());
      if (io::exists(root)) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (io::exists(root) && first) first = errors::system("cannot remove " + root, errno);
  }
  return first;
}

}  // namespace

Result<std::vector<Trace>> find_traces(const Settings& settings) {
  std::vector<Trace> traces;
  for (const int pid : processes(settings)) {
    traces.push_back({"process", std::to_string(pid) + ' ' + command_of(pid).substr(0, 100)});
  }
  for (auto& path : mounts(settings)) traces.push_back({"mount", std::move(path)});
  for (auto& name : links(settings)) traces.push_back({"link", std::move(name)});
  if (kubeproxy::Nft().run("list table ip " + settings.nft_table()))
    traces.push_back({"nftables table", settings.nft_table()});
  for (auto& path : cgroup_roots(settings)) traces.push_back({"cgroup", std::move(path)});
  for (auto& path : files(settings)) traces.push_back({"files", std::move(path)});
  return traces;
}

Result<void> remove_pods(const Settings& settings) {
  auto runtime = kubelet::cri::connect(settings.runtime_socket());
  if (!runtime) return std::unexpected(std::move(runtime.error()));
  auto sandboxes = (*runtime)->list_sandboxes({});
  if (!sandboxes) return std::unexpected(std::move(sandboxes.error()));
  auto containers = (*runtime)->list_containers({});
  if (!containers) return std::unexpected(std::move(containers.error()));
  std::vector<std::thread> workers;
  for (const auto& sandbox : *sandboxes) {
    workers.emplace_back([&, id = sandbox.id] {
      for (const auto& container : *containers) {
        if (container.sandbox_id != id) continue;
        (void)(*runtime)->stop_container(container.id, kContainerGrace);
      }
      (void)(*runtime)->stop_sandbox(id);
      (void)(*runtime)->remove_sandbox(id);
    });
  }
  for (auto& worker : workers) worker.join();
  sandboxes = (*runtime)->list_sandboxes({});
  if (sandboxes && !sandboxes->empty()) {
    return errors::internal(std::to_string(sandboxes->size()) + " pods could not be removed; see " +
                            settings.containerd_log());
  }
  return {};
}

Result<void> remove_traces(const Settings& settings, const Clock& clock) {
  Result<void> first;
  const auto keep_first = [&](Result<void> result) {
    if (!result && first) first = std::move(result);
  };
  end_processes(settings, clock);
  for (const auto& path : mounts(settings)) {
    if (umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL) {
      keep_first(errors::system("cannot unmount " + path, errno));
    }
  }
  auto netlink = io::Netlink::create();
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  for (const auto& name : links(settings)) keep_first(netlink->remove_link(name));
  // Adding first makes the deletion succeed where there is no such table.
  const auto table = kubeproxy::Nft().run("add table ip " + settings.nft_table() +
                                          "\ndelete table ip " + settings.nft_table() + '\n');
  if (!table) keep_first(std::unexpected(table.error()));
  keep_first(remove_cgroups(settings));
  for (const auto& path : files(settings)) keep_first(io::remove_tree(path));
  ::rmdir("/run/pinnace");  // Only when no other cluster is left.
  ::rmdir("/var/lib/pinnace");
  return first;
}

}  // namespace pinnace::cluster

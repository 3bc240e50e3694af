#include "kubelet/node/node_status.h"

#include <algorithm>

namespace pinnace::kubelet {
namespace {

// Below these the node is under pressure.
constexpr std::int64_t kLeastMemoryBytes = 100 << 20;
constexpr std::uint64_t kLeastDiskPercent = 5, kLeastInodesPercent = 5;
constexpr std::size_t kMaxImages = 50, kMaxImageNames = 5;

std::string readiness_problem(const NodeFacts& facts) {
  if (!facts.runtime_conditions) return "container runtime is down";
  for (const auto& condition : *facts.runtime_conditions) {
    if (condition.status) continue;
    const std::string what = condition.type == "NetworkReady"
                                 ? "container runtime network not ready"
                                 : "container runtime not ready";
    return what + ": " + condition.type + "=false reason:" + condition.reason +
           " message:" + condition.message;
  }
  return {};
}

bool is_short(const Filesystem& fs) {
  if (fs.capacity_bytes == 0) return false;
  return fs.available_bytes < fs.capacity_bytes / 100 * kLeastDiskPercent ||
         (fs.inodes != 0 && fs.inodes_free < fs.inodes / 100 * kLeastInodesPercent);
}

class Conditions {
 public:
  Conditions(const core::NodeStatus& before, WallTime now)
      : before_(before), now_(std::chrono::floor<std::chrono::seconds>(now)) {}

  void add(const char* type, bool value, const char* reason, std::string message) {
    core::NodeCondition condition;
    condition.type = type;
    condition.status = value ? "True" : "False";
    condition.reason = reason;
    condition.message = std::move(message);
    condition.last_heartbeat_time = now_;
    const auto old = std::ranges::find(before_.conditions, type, &core::NodeCondition::type);
    condition.last_transition_time =
        old != before_.conditions.end() && old->status == condition.status
            ? old->last_transition_time
            : now_;
    made_.push_back(std::move(condition));
  }
  std::vector<core::NodeCondition> finish() {
    std::vector<core::NodeCondition> out;
    for (const auto& old : before_.conditions) {
      if (std::ranges::find(made_, old.type, &core::NodeCondition::type) == made_.end()) {
        out.push_back(old);
      }
    }
    out.insert(out.end(), made_.begin(), made_.end());
    return out;
  }

 private:
  const core::NodeStatus& before_;
  const api::Time now_;
  std::vector<core::NodeCondition> made_;
};

std::vector<core::NodeCondition> make_conditions(const NodeFacts& facts,
                                                 const core::NodeStatus& before, WallTime now) {
  Conditions out(before, now);
  if (facts.available_memory_bytes < kLeastMemoryBytes) {
    out.add("MemoryPressure", true, "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available");
  } else {
    out.add("MemoryPressure", false, "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available");
  }
  if (is_short(facts.node_filesystem) || is_short(facts.image_filesystem)) {
    out.add("DiskPressure", true, "KubeletHasDiskPressure", "kubelet has disk pressure");
  } else {
    out.add("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure");
  }
  out.add("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available");
  const std::string problem = readiness_problem(facts);
  if (problem.empty())
    out.add("Ready", true, "KubeletReady", "kubelet is posting ready status");
  else
    out.add("Ready", false, "KubeletNotReady", problem);
  return out.finish();
}

// The largest come first.
std::vector<core::ContainerImage> make_images(const std::vector<cri::Image>& images) {
  std::vector<core::ContainerImage> out;
  for (const auto& image : images) {
    core::ContainerImage entry;
    entry.names = image.digests;
    entry.names.insert(entry.names.end(), image.tags.begin(), image.tags.end());
    if (entry.names.size() > kMaxImageNames) entry.names.resize(kMaxImageNames);
    entry.size_bytes = static_cast<std::int64_t>(image.size_bytes);
    if (!entry.names.empty()) out.push_back(std::move(entry));
  }
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return a.size_bytes != b.size_bytes ? a.size_bytes > b.size_bytes : a.names < b.names;
  });
  if (out.size() > kMaxImages) out.resize(kMaxImages);
  return out;
}

void set_resources(const NodeIdentity& identity, const NodeFacts& facts, core::NodeStatus& out) {
  using api::Quantity;
  const std::int64_t memory = identity.machine.memory_bytes;
  const auto disk = static_cast<std::int64_t>(facts.node_filesystem.capacity_bytes);
  out.capacity = {{"cpu", Quantity::from_value(identity.machine.cpus)},
                  {"memory", Quantity::bytes(memory)},
                  {"pods", Quantity::from_value(kMaxPods)},
                  {"ephemeral-storage", Quantity::bytes(disk)},
                  {"hugepages-1Gi", Quantity::from_value(0)},
                  {"hugepages-2Mi", Quantity::from_value(0)}};
  out.allocatable = out.capacity;
  // What the pressure conditions keep free is not for pods.
  out.allocatable["memory"] =
      Quantity::bytes(std::max<std::int64_t>(memory - kLeastMemoryBytes, 0));
  out.allocatable["ephemeral-storage"] =
      Quantity::from_value(disk / 100 * static_cast<std::int64_t>(100 - kLeastDiskPercent));
}

}  // namespace

core::Node make_node(const NodeIdentity& identity) {
  core::Node node;
  node.metadata.name = identity.name;
  node.metadata.labels["kubernetes.io/hostname"] = identity.name;
  for (const char* domain : {"kubernetes.io/", "beta.kubernetes.io/"}) {
    node.metadata.labels[std::string(domain) + "os"] = "linux";
    node.metadata.labels[std::string(domain) + "arch"] = identity.machine.architecture;
  }
  if (!identity.pod_cidr.empty()) {
    node.spec.pod_cidr = identity.pod_cidr;
    node.spec.pod_cidrs = {identity.pod_cidr};
  }
  return node;
}

core::NodeStatus make_node_status(const NodeIdentity& identity, const NodeFacts& facts,
                                  const core::NodeStatus& before, WallTime now) {
  core::NodeStatus out = before;
  set_resources(identity, facts, out);
  out.conditions = make_conditions(facts, before, now);
  out.addresses = {{"InternalIP", identity.ip}, {"Hostname", identity.name}};
  out.daemon_endpoints.kubelet_endpoint.port = identity.port;
  const Machine& machine = identity.machine;
  auto& info = out.node_info;
  info.machine_id = machine.machine_id;
  info.system_uuid = machine.system_uuid;
  info.boot_id = machine.boot_id;
  info.kernel_version = machine.kernel_version;
  info.os_image = machine.os_image;
  if (!facts.runtime_version.name.empty()) {
    info.container_runtime_version =
        facts.runtime_version.name + "://" + facts.runtime_version.version;
  }
  info.kubelet_version = identity.version;
  info.operating_system = "linux";
  info.architecture = machine.architecture;
  out.images = make_images(facts.images);
  return out;
}

bool same_but_for_heartbeat(core::NodeStatus a, const core::NodeStatus& b) {
  for (auto& condition : a.conditions) {
    const auto other = std::ranges::find(b.conditions, condition.type, &core::NodeCondition::type);
    if (other != b.conditions.end()) condition.last_heartbeat_time = other->last_heartbeat_time;
  }
  return a == b;
}

bool is_ready(const core::NodeStatus& status) {
  const auto found = std::ranges::find(status.conditions, "Ready", &core::NodeCondition::type);
  return found != status.conditions.end() && found->status == "True";
}

}  // namespace pinnace::kubelet

#include "kubelet/server/stats.h"

#include "api/json.h"
#include "kubelet/node/cgroup.h"
#include "kubelet/pod/qos.h"

namespace pinnace::kubelet {
namespace {

struct ContainerUsage {
  std::string name;
  WallTime started_at;
  CgroupUsage usage;
};
struct PodUsage {
  std::shared_ptr<const core::Pod> pod;
  CgroupUsage usage;
  std::vector<ContainerUsage> containers;
};
struct NodeUsage {
  CgroupUsage usage;
  std::vector<PodUsage> pods;
};

NodeUsage gather(const ServerOptions& options) {
  NodeUsage node{cgroup_usage("/"), {}};
  for (auto& pod : options.pods.all()) {
    const std::string group = pod_cgroup(options.cgroup_root, pod->spec, pod->metadata.uid);
    PodUsage made{pod, cgroup_usage(group), {}};
    for (const auto& container : pod->status.container_statuses) {
      const auto id = container.container_id.find("://");
      if (!container.state.running || id == std::string::npos) continue;
      made.containers.push_back(
          {container.name, container.state.running->started_at.value,
           cgroup_usage(group + "/" + container.container_id.substr(id + 3))});
    }
    if (!made.containers.empty()) node.pods.push_back(std::move(made));
  }
  return node;
}

api::Value usage_json(api::Arena& arena, const CgroupUsage& usage, WallTime now) {
  const auto number = [](std::uint64_t value) {
    return api::Value::integer(static_cast<std::int64_t>(value));
  };
  const auto time = api::Value::string(arena, rfc3339(now));
  api::Value out = api::Value::object();
  api::Value& cpu = out.ensure_object(arena, "cpu");
  cpu.set_ref(arena, "time", time);
  cpu.set_ref(arena, "usageCoreNanoSeconds", number(usage.cpu_nanoseconds));
  api::Value& memory = out.ensure_object(arena, "memory");
  memory.set_ref(arena, "time", time);
  memory.set_ref(arena, "usageBytes", number(usage.memory_bytes));
  memory.set_ref(arena, "workingSetBytes", number(usage.working_set_bytes()));
  memory.set_ref(arena, "rssBytes", number(usage.rss_bytes));
  memory.set_ref(arena, "pageFaults", number(usage.page_faults));
  memory.set_ref(arena, "majorPageFaults", number(usage.major_page_faults));
  return out;
}

std::string summary_json(const NodeUsage& node, const std::string& node_name, WallTime now) {
  api::Arena arena;
  const auto text = [&arena](std::string_view value) { return api::Value::string(arena, value); };
  api::Value out = api::Value::object();
  api::Value whole = usage_json(arena, node.usage, now);
  whole.set_ref(arena, "nodeName", text(node_name));
  out.set_ref(arena, "node", whole);
  api::Value pods = api::Value::array();
  for (const PodUsage& each : node.pods) {
    api::Value pod = usage_json(arena, each.usage, now);
    api::Value& ref = pod.ensure_object(arena, "podRef");
    ref.set_ref(arena, "name", text(each.pod->metadata.name));
    ref.set_ref(arena, "namespace", text(each.pod->metadata.namespace_));
    ref.set_ref(arena, "uid", text(each.pod->metadata.uid));
    pod.set_ref(arena, "startTime", text(rfc3339(each.pod->status.start_time.value)));
    api::Value containers = api::Value::array();
    for (const ContainerUsage& container : each.containers) {
      api::Value made = usage_json(arena, container.usage, now);
      made.set_ref(arena, "name", text(container.name));
      made.set_ref(arena, "startTime", text(rfc3339(container.started_at)));
      containers.append(arena, made);
    }
    pod.set_ref(arena, "containers", containers);
    pods.append(arena, pod);
  }
  out.set_ref(arena, "pods", pods);
  return api::to_json_text(out);
}

double seconds(const CgroupUsage& usage) {
  return static_cast<double>(usage.cpu_nanoseconds) / 1e9;
}

// Two metrics, for the node, its pods and their containers each.
void register_usage(const NodeUsage& node, metrics::Registry& registry) {
  const auto cpu = [&](const char* name, std::vector<std::string> labels) -> auto& {
    return registry.counter(name, "Cumulative CPU time in core-seconds.", std::move(labels));
  };
  const auto memory = [&](const char* name, std::vector<std::string> labels) -> auto& {
    return registry.gauge(name, "Current working set in bytes.", std::move(labels));
  };
  const auto working_set = [](const CgroupUsage& usage) {
    return static_cast<double>(usage.working_set_bytes());
  };
  cpu("node_cpu_usage_seconds_total", {}).with().set(seconds(node.usage));
  memory("node_memory_working_set_bytes", {}).with().set(working_set(node.usage));
  auto& pod_cpu = cpu("pod_cpu_usage_seconds_total", {"namespace", "pod"});
  auto& pod_memory = memory("pod_memory_working_set_bytes", {"namespace", "pod"});
  const std::vector<std::string> labels{"container", "namespace", "pod"};
  auto& container_cpu = cpu("container_cpu_usage_seconds_total", labels);
  auto& container_memory = memory("container_memory_working_set_bytes", labels);
  auto& started = registry.gauge("container_start_time_seconds",
                                 "Start time of the container since the Unix epoch.", labels);
  for (const PodUsage& each : node.pods) {
    const auto &ns = each.pod->metadata.namespace_, &name = each.pod->metadata.name;
    pod_cpu.with({ns, name}).set(seconds(each.usage));
    pod_memory.with({ns, name}).set(working_set(each.usage));
    for (const ContainerUsage& container : each.containers) {
      container_cpu.with({container.name, ns, name}).set(seconds(container.usage));
      container_memory.with({container.name, ns, name}).set(working_set(container.usage));
      const auto since_epoch = container.started_at.time_since_epoch();
      started.with({container.name, ns, name})
          .set(std::chrono::duration<double>(since_epoch).count());
    }
  }
}

}  // namespace

void stats_summary(ServerContext& context, const NodeCallRef& call) {
  context.pool.submit([&options = context.options, call] {
    answer_json(*call, summary_json(gather(options), options.node_name, options.clock.wall()));
  });
}

void resource_metrics(ServerContext& context, const NodeCallRef& call) {
  context.pool.submit([&options = context.options, call] {
    metrics::Registry registry;  // Of this answer only: pods come and go.
    register_usage(gather(options), registry);
    answer_text(*call, 200, registry.text());
  });
}

}  // namespace pinnace::kubelet

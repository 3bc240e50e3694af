#include "kubelet/pod/qos.h"

#include <algorithm>

#include "kubelet/pod/plan.h"

namespace pinnace::kubelet {
namespace {

using Quantities = std::map<std::string, api::Quantity, std::less<>>;

constexpr std::int64_t kPeriodMicros = 100000;
constexpr std::int64_t kMinQuotaMicros = 1000;
constexpr std::int64_t kMinShares = 2, kMaxShares = 262144;

std::int64_t milli(const Quantities& list, std::string_view name) {
  const auto found = list.find(name);
  return found == list.end() ? 0 : found->second.milli_value();
}
std::int64_t value(const Quantities& list, std::string_view name) {
  const auto found = list.find(name);
  return found == list.end() ? 0 : found->second.value();
}

std::int64_t shares_of(std::int64_t cpu_milli) {
  return cpu_milli == 0 ? kMinShares : std::clamp(cpu_milli * 1024 / 1000, kMinShares, kMaxShares);
}
std::int64_t quota_of(std::int64_t cpu_milli) {
  return cpu_milli == 0 ? 0 : std::max(cpu_milli * kPeriodMicros / 1000, kMinQuotaMicros);
}

PodRequest request_of(const core::Container& container) {
  const auto& requests = container.resources.requests;
  return {milli(requests, "cpu"), value(requests, "memory"), value(requests, "ephemeral-storage")};
}
void add(PodRequest& sum, const PodRequest& more) {
  sum.cpu_milli += more.cpu_milli;
  sum.memory_bytes += more.memory_bytes;
  sum.ephemeral_bytes += more.ephemeral_bytes;
}

std::int64_t oom_score_adj(std::string_view qos, const core::Container& container,
                           std::int64_t node_memory_bytes) {
  if (qos == "Guaranteed") return -997;
  if (qos == "BestEffort" || node_memory_bytes <= 0) return 1000;
  const auto request = value(container.resources.requests, "memory");
  const auto score = 1000 - static_cast<std::int64_t>(1000.0 * static_cast<double>(request) /
                                                      static_cast<double>(node_memory_bytes));
  return std::clamp<std::int64_t>(score, 3, 999);
}

}  // namespace

std::string_view qos_class(const core::PodSpec& spec) {
  bool any = false, guaranteed = true;
  const auto look = [&](const core::Container& container) {
    const auto& requests = container.resources.requests;
    const auto& limits = container.resources.limits;
    for (const std::string_view name : {"cpu", "memory"}) {
      const auto limit = limits.find(name);
      const auto request = requests.find(name);
      const bool has_limit = limit != limits.end() && milli(limits, name) != 0;
      const bool has_request = request != requests.end() && milli(requests, name) != 0;
      any = any || has_limit || has_request;
      if (!has_limit)
        guaranteed = false;
      else if (has_request && milli(limits, name) != milli(requests, name))
        guaranteed = false;
    }
  };
  for (const auto& container : spec.init_containers) look(container);
  for (const auto& container : spec.containers) look(container);
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

PodRequest pod_request(const core::PodSpec& spec) {
  PodRequest together, sidecars, largest_init;
  for (const auto& container : spec.init_containers) {
    PodRequest request = request_of(container);
    if (is_sidecar(container)) {
      add(together, request);
      add(sidecars, request);
      continue;
    }
    add(request, sidecars);
    largest_init.cpu_milli = std::max(largest_init.cpu_milli, request.cpu_milli);
    largest_init.memory_bytes = std::max(largest_init.memory_bytes, request.memory_bytes);
    largest_init.ephemeral_bytes = std::max(largest_init.ephemeral_bytes, request.ephemeral_bytes);
  }
  for (const auto& container : spec.containers) add(together, request_of(container));
  return {
      std::max(together.cpu_milli, largest_init.cpu_milli) + milli(spec.overhead, "cpu"),
      std::max(together.memory_bytes, largest_init.memory_bytes) + value(spec.overhead, "memory"),
      std::max(together.ephemeral_bytes, largest_init.ephemeral_bytes)};
}

cri::Resources container_resources(const core::PodSpec& spec, const core::Container& container,
                                   std::int64_t node_memory_bytes) {
  const auto& limits = container.resources.limits;
  const auto& requests = container.resources.requests;
  const std::int64_t cpu_limit = milli(limits, "cpu");
  const bool asks = requests.find("cpu") != requests.end();
  cri::Resources out;
  out.cpu_shares = shares_of(asks ? milli(requests, "cpu") : cpu_limit);
  out.cpu_quota = quota_of(cpu_limit);
  if (out.cpu_quota != 0) out.cpu_period = kPeriodMicros;
  out.memory_limit_bytes = value(limits, "memory");
  out.oom_score_adj = oom_score_adj(qos_class(spec), container, node_memory_bytes);
  return out;
}

cri::Resources pod_resources(const core::PodSpec& spec) {
  std::int64_t cpu_limit = 0, memory_limit = 0;
  bool all_cpu = true, all_memory = true;
  for (const auto& container : spec.containers) {
    const std::int64_t cpu = milli(container.resources.limits, "cpu");
    const std::int64_t memory = value(container.resources.limits, "memory");
    all_cpu = all_cpu && cpu != 0;
    all_memory = all_memory && memory != 0;
    cpu_limit += cpu;
    memory_limit += memory;
  }
  for (const auto& container : spec.init_containers) {
    const std::int64_t cpu = milli(container.resources.limits, "cpu");
    const std::int64_t memory = value(container.resources.limits, "memory");
    all_cpu = all_cpu && cpu != 0;
    all_memory = all_memory && memory != 0;
    if (is_sidecar(container)) {
      cpu_limit += cpu;
      memory_limit += memory;
    }
    cpu_limit = std::max(cpu_limit, cpu);
    memory_limit = std::max(memory_limit, memory);
  }
  cri::Resources out;
  out.cpu_shares = shares_of(pod_request(spec).cpu_milli);
  if (all_cpu) {
    out.cpu_quota = quota_of(cpu_limit);
    out.cpu_period = kPeriodMicros;
  }
  if (all_memory) out.memory_limit_bytes = memory_limit;
  return out;
}

std::string pod_cgroup(std::string_view root, const core::PodSpec& spec, std::string_view uid) {
  std::string path = std::string(root) + "/kubepods/";
  const std::string_view qos = qos_class(spec);
  if (qos == "Burstable") path += "burstable/";
  if (qos == "BestEffort") path += "besteffort/";
  return path + "pod" + std::string(uid);
}

}  // namespace pinnace::kubelet

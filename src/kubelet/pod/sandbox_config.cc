#include <algorithm>

#include "base/strings.h"
#include "kubelet/pod/configs.h"
#include "kubelet/pod/plan.h"
#include "kubelet/pod/qos.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kMaxHostName = 63;
constexpr std::size_t kMaxSearches = 32;
constexpr std::size_t kMaxServers = 3;

constexpr std::size_t kMaxFullHostName = 64;

std::string full_host_name(const core::Pod& pod, const std::string& cluster_domain) {
  const std::string name = pod_host_name(pod);
  if (pod.spec.subdomain.empty()) return name;
  return name + '.' + pod.spec.subdomain + '.' + pod.metadata.namespace_ + ".svc." + cluster_domain;
}

void add_unique(std::vector<std::string>& list, const std::string& value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

// An option "name:value" replaces an earlier one of the same name.
void set_option(std::vector<std::string>& options, const std::string& name,
                const std::string& value) {
  std::erase_if(options, [&](const std::string& option) {
    return option.substr(0, option.find(':')) == name;
  });
  options.push_back(value.empty() ? name : name + ':' + value);
}

cri::DnsConfig cluster_first(const core::Pod& pod, const NodeSettings& node) {
  const std::string& domain = node.cluster_domain;
  cri::DnsConfig dns;
  dns.servers = {node.cluster_dns};
  dns.searches = {pod.metadata.namespace_ + ".svc." + domain, "svc." + domain, domain};
  for (const auto& search : node.host_dns.searches) add_unique(dns.searches, search);
  dns.options = {"ndots:5"};
  return dns;
}

}  // namespace

std::string log_directory_name(const core::Pod& pod) {
  const auto& meta = pod.metadata;
  return meta.namespace_ + '_' + meta.name + '_' + meta.uid;
}

std::string pod_host_name(const core::Pod& pod) {
  std::string name = pod.spec.hostname.empty() ? pod.metadata.name : pod.spec.hostname;
  if (name.size() > kMaxHostName) name.resize(kMaxHostName);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string hosts_file(const core::Pod& pod, const std::vector<std::string>& ips,
                       const std::string& cluster_domain, const std::string& host_file) {
  std::string out;
  if (pod.spec.host_network) {
    out = "# Kubernetes-managed hosts file (host network).\n" + host_file;
  } else {
    out =
        "# Kubernetes-managed hosts file.\n"
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::0\tip6-localnet\n"
        "fe00::0\tip6-mcastprefix\n"
        "fe00::1\tip6-allnodes\n"
        "fe00::2\tip6-allrouters\n";
    const std::string full = full_host_name(pod, cluster_domain);
    const std::string name = pod_host_name(pod);
    for (const auto& ip : ips) {
      out += ip + '\t' + (full == name ? name : full + '\t' + name) + '\n';
    }
  }
  if (!pod.spec.host_aliases.empty()) {
    out += "\n# Entries added by HostAliases.\n";
    for (const auto& alias : pod.spec.host_aliases) {
      out += alias.ip;
      for (const auto& host : alias.hostnames) out += '\t' + host;
      out += '\n';
    }
  }
  return out;
}

cri::DnsConfig parse_resolv_conf(std::string_view text) {
  cri::DnsConfig dns;
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : std::string(line) + ' ') {
      if (c != ' ' && c != '\t' && c != '\r')
        word += c;
      else if (!word.empty())
        words.push_back(std::exchange(word, {}));
    }
    if (words.size() < 2) continue;
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    if (words[0] == "nameserver") dns.servers.push_back(words[1]);
    if (words[0] == "search") dns.searches = rest;
    if (words[0] == "options") dns.options = rest;
  }
  return dns;
}

cri::DnsConfig pod_dns(const core::Pod& pod, const NodeSettings& node) {
  const std::string& policy = pod.spec.dns_policy;
  const bool on_host = pod.spec.host_network;
  cri::DnsConfig dns;
  if (policy == "None") {
    // Only what dnsConfig says.
  } else if (!node.cluster_dns.empty() &&
             (policy == "ClusterFirstWithHostNet" || (policy != "Default" && !on_host))) {
    dns = cluster_first(pod, node);
  } else {
    dns = node.host_dns;
  }
  if (pod.spec.dns_config) {
    for (const auto& server : pod.spec.dns_config->nameservers) add_unique(dns.servers, server);
    for (const auto& search : pod.spec.dns_config->searches) add_unique(dns.searches, search);
    for (const auto& option : pod.spec.dns_config->options) {
      set_option(dns.options, option.name, option.value.value_or(""));
    }
  }
  if (dns.servers.size() > kMaxServers) dns.servers.resize(kMaxServers);
  if (dns.searches.size() > kMaxSearches) dns.searches.resize(kMaxSearches);
  return dns;
}

cri::SandboxConfig sandbox_config(const core::Pod& pod, std::uint32_t attempt,
                                  const NodeSettings& node) {
  const auto& meta = pod.metadata;
  const auto& spec = pod.spec;
  cri::SandboxConfig out;
  out.name = meta.name;
  out.uid = meta.uid;
  out.ns = meta.namespace_;
  out.attempt = attempt;
  out.hostname = spec.host_network ? "" : pod_host_name(pod);
  if (spec.set_hostname_as_fqdn.value_or(false) && !spec.host_network) {
    const std::string full = full_host_name(pod, node.cluster_domain);
    if (full.size() <= kMaxFullHostName) out.hostname = full;
  }
  out.log_directory = node.log_root + '/' + log_directory_name(pod);
  out.dns = pod_dns(pod, node);
  for (const auto& [key, value] : meta.labels) out.labels[key] = value;
  out.labels[std::string(kPodNameLabel)] = meta.name;
  out.labels[std::string(kPodNamespaceLabel)] = meta.namespace_;
  out.labels[std::string(kPodUidLabel)] = meta.uid;
  for (const auto& [key, value] : meta.annotations) {
    // containerd keeps every annotation in its database; the large ones help nobody there.
    if (value.size() <= 4096) out.annotations[key] = value;
  }
  out.cgroup_parent = pod_cgroup(node.cgroup_root, spec, meta.uid);
  if (spec.host_network) out.namespaces.network = cri::NamespaceMode::kNode;
  if (spec.host_ipc) out.namespaces.ipc = cri::NamespaceMode::kNode;
  if (spec.host_pid)
    out.namespaces.pid = cri::NamespaceMode::kNode;
  else if (spec.share_process_namespace.value_or(false)) {
    out.namespaces.pid = cri::NamespaceMode::kPod;
  }
  const auto privileged = [](const core::Container& container) {
    return container.security_context && container.security_context->privileged.value_or(false);
  };
  out.privileged = std::ranges::any_of(spec.containers, privileged) ||
                   std::ranges::any_of(spec.init_containers, privileged);
  out.seccomp.type = cri::SeccompType::kRuntimeDefault;
  if (spec.security_context) {
    for (const auto& sysctl : spec.security_context->sysctls) {
      out.sysctls[sysctl.name] = sysctl.value;
    }
  }
  return out;
}

}  // namespace pinnace::kubelet

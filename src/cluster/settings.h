// Settings say what one cluster on this machine is called and where everything of it lies.
//
// Every path, link, table and cgroup of a cluster is derived here from its name, so that `delete`
// can find all of them and two clusters do not meet.
#pragma once

#include <string>

#include "base/error.h"
#include "cluster/command_line.h"

namespace pinnace::cluster {

inline constexpr std::string_view kDefaultName = "pinnace";
inline constexpr int kDefaultPort = 6443;

struct Settings {
  std::string name{kDefaultName};  // A DNS label of at most 32 characters.
  std::string data_dir;            // Kept by `down`: database, keys, images, containers.
  std::string run_dir;             // Sockets and process ids; empty after a reboot.
  int port = kDefaultPort;
  std::string pod_cidr = "10.244.0.0/16";
  std::string service_cidr = "10.96.0.0/16";  // Or one of IPv4 and one of IPv6: "A,B".
  std::string runtime_endpoint;               // Empty: a containerd of our own.
  std::string node_name;
  std::string node_ip;  // Empty: the address of the default route, found at start.

  std::string database_dir() const { return data_dir + "/db"; }
  std::string encryption_file() const { return pki_dir() + "/encryption.yaml"; }
  std::string pki_dir() const { return data_dir + "/pki"; }
  std::string images_dir() const { return data_dir + "/images"; }
  std::string kubelet_dir() const { return data_dir + "/kubelet"; }
  std::string pod_log_dir() const { return log_dir() + "/pods"; }
  std::string containerd_root() const { return data_dir + "/containerd"; }
  std::string log_dir() const { return data_dir + "/log"; }
  std::string server_log() const { return log_dir() + "/pinnace.log"; }
  std::string containerd_log() const { return log_dir() + "/containerd.log"; }
  std::string admin_kubeconfig() const { return data_dir + "/admin.kubeconfig"; }
  std::string settings_file() const { return data_dir + "/settings.json"; }

  std::string volatile_dir() const { return run_dir + "/kubelet"; }
  std::string server_pid_file() const { return run_dir + "/pinnace.pid"; }
  std::string containerd_pid_file() const { return run_dir + "/containerd.pid"; }
  std::string containerd_socket() const { return run_dir + "/containerd.sock"; }
  std::string containerd_state() const { return run_dir + "/containerd"; }
  std::string containerd_config() const { return run_dir + "/containerd.toml"; }
  std::string cni_conf_dir() const { return run_dir + "/cni"; }
  std::string cni_cache_dir() const { return run_dir + "/cni-cache"; }
  std::string registry_hosts_dir() const { return run_dir + "/registries"; }

  // The customary port beside the customary API port; the kernel chooses for every other cluster.
  int kubelet_port() const { return port == kDefaultPort ? 10250 : 0; }
  bool owns_runtime() const { return runtime_endpoint.empty(); }
  std::string runtime_socket() const;  // A path, without "unix://".
  std::string cgroup_root() const { return "/pinnace-" + name; }
  std::string nft_table() const;  // Hyphens become underscores.
  std::string dns_link() const;   // At most 15 characters.
  std::string context() const { return name == kDefaultName ? "pinnace" : "pinnace-" + name; }
  std::string first_service_ip() const;
  // The range of IPv4, in which the node serves Services, and its tenth address; "" without one
  // that has so many.
  std::string node_service_cidr() const;
  std::string cluster_dns_ip() const;
  std::string node_pod_cidr() const;  // The first /24 of the pod CIDR.
};

// The options that choose a cluster (--name, --data-dir), and those that only `up` and `server`
// have.
std::vector<Option> locating_options();
std::vector<Option> cluster_options();

// From options over what an earlier `up` kept in the data directory. 400 for a bad value, and for
// one that cannot change while there is data (CIDRs).
Result<Settings> resolve_settings(const Arguments& arguments);
Result<void> save_settings(const Settings& settings);

}  // namespace pinnace::cluster

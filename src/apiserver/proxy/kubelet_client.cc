#include "apiserver/proxy/kubelet_client.h"

#include "api/json.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr int kKubeletPort = 10250;

}  // namespace

KubeletClient::KubeletClient(const Options& options) : store_(options.store) {
  verified_.options.ca_pem = options.cluster_ca_pem;
  verified_.options.certificate_pem = options.kubelet_client_certificate_pem;
  verified_.options.private_key_pem = options.kubelet_client_key_pem;
  unverified_.options = verified_.options;
  unverified_.options.skip_verification = true;
  stranger_.options.skip_verification = true;
}

Result<std::shared_ptr<net::TlsClientContext>> KubeletClient::use(Context& context) {
  const std::lock_guard lock(mutex_);
  if (context.made) return context.made;
  auto made = net::TlsClientContext::create(context.options);
  if (!made) return made;
  context.made = *made;
  return context.made;
}

Result<std::shared_ptr<net::TlsClientContext>> KubeletClient::stranger_tls() {
  return use(stranger_);
}

std::string node_address(const api::Value& node, std::string_view type) {
  const auto* addresses = node.find_path({"status", "addresses"});
  if (addresses == nullptr || !addresses->is_array()) return {};
  for (const auto& address : addresses->items()) {
    if (address.string_at("type") == type) return std::string(address.string_at("address"));
  }
  return {};
}

int kubelet_port(const api::Value& node) {
  const auto* endpoint = node.find_path({"status", "daemonEndpoints", "kubeletEndpoint"});
  const std::int64_t port = endpoint == nullptr ? 0 : endpoint->int_at("Port");
  return port > 0 && port < 65536 ? static_cast<int>(port) : kKubeletPort;
}

Result<net::Endpoint> KubeletClient::kubelet_of(std::string_view node, bool verify) {
  const auto found = store_.get({"nodes", "", std::string(node)});
  if (!found) return errors::not_found("nodes", node);
  api::Arena arena;
  const auto tree = parse_stored(arena, **found);
  if (!tree) return std::unexpected(tree.error());
  net::Endpoint endpoint;
  endpoint.host = node_address(*tree, "InternalIP");
  if (endpoint.host.empty())
    return errors::unexplained("no preferred addresses found; known addresses: []");
  endpoint.port = kubelet_port(*tree);
  auto tls = use(verify ? verified_ : unverified_);
  if (!tls) return std::unexpected(tls.error());
  endpoint.tls = *tls;
  return endpoint;
}

Result<ProxyName> parse_proxy_name(std::string_view resource, std::string_view text) {
  const auto parts = split(text, ':');
  ProxyName out;
  if (parts.size() == 1) out = {"", std::string(parts[0]), ""};
  if (parts.size() == 2) out = {"", std::string(parts[0]), std::string(parts[1])};
  if (parts.size() == 3) {
    out = {std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
  }
  const bool is_scheme = out.scheme.empty() || out.scheme == "http" || out.scheme == "https";
  if (out.name.empty() || !is_scheme) {
    return errors::bad_request("invalid " + std::string(resource) + " request \"" +
                               std::string(text) + "\"");
  }
  return out;
}

}  // namespace pinnace::apiserver

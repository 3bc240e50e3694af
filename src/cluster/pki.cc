#include "cluster/pki.h"

#include <algorithm>
#include <filesystem>

#include "io/files.h"

namespace pinnace::cluster {

namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr auto kAuthorityLife = days(3650);
constexpr auto kLeafLife = days(365);
constexpr auto kRenewBefore = days(30);
constexpr auto kClockSkew = hours(1);
constexpr std::size_t kMaxPemBytes = 1 << 20;

std::string certificate_path(const std::string& directory, std::string_view name) {
  return directory + '/' + std::string(name) + ".crt";
}
std::string key_path(const std::string& directory, std::string_view name) {
  return directory + '/' + std::string(name) + ".key";
}

Result<void> save(const std::string& directory, std::string_view name,
                  const net::CertificateAndKey& pair) {
  // The key first: a certificate without its key would be taken for a whole pair.
  auto written = io::write_file_atomic(key_path(directory, name), pair.private_key_pem, 0600);
  if (!written) return written;
  return io::write_file_atomic(certificate_path(directory, name), pair.certificate_pem, 0644);
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<net::CertificateAndKey> read_pair(const std::string& directory, std::string_view name) {
  auto certificate = io::read_file(certificate_path(directory, name), kMaxPemBytes);
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto key = io::read_file(key_path(directory, name), kMaxPemBytes);
  if (!key) return std::unexpected(std::move(key.error()));
  return net::CertificateAndKey{std::move(*certificate), std::move(*key)};
}

// Whether a kept certificate still says what is wanted, for long enough.
bool is_fit(const net::CertificateAndKey& pair, const net::CertificateSpec& spec,
            const net::CertificateAndKey& authority, WallTime now) {
  const auto info = net::inspect_certificate(pair.certificate_pem);
  if (!info || info->not_after < now + kRenewBefore) return false;
  const auto covers = [](const std::vector<std::string>& have,
                         const std::vector<std::string>& want) {
    return std::all_of(want.begin(), want.end(), [&](const std::string& each) {
      return std::find(have.begin(), have.end(), each) != have.end();
    });
  };
  return info->common_name == spec.common_name && covers(info->dns_names, spec.dns_names) &&
         covers(info->ip_addresses, spec.ip_addresses) &&
         net::is_signed_by(pair.certificate_pem, authority.certificate_pem);
}

Result<net::CertificateAndKey> load_or_issue(const std::string& directory, std::string_view name,
                                             net::CertificateSpec spec,
                                             const net::CertificateAndKey& authority,
                                             WallTime now) {
  if (exists(certificate_path(directory, name))) {
    auto kept = read_pair(directory, name);
    if (kept && is_fit(*kept, spec, authority, now)) return kept;
  }
  spec.not_before = now - kClockSkew;
  spec.not_after = now + kLeafLife;
  auto made = net::issue_certificate(authority, spec);
  if (!made) return made;
  auto saved = save(directory, name, *made);
  if (!saved) return std::unexpected(std::move(saved.error()));
  return made;
}

Result<net::CertificateAndKey> load_or_make_authority(const std::string& directory,
                                                      const std::string& name, WallTime now) {
  if (exists(certificate_path(directory, name))) return read_pair(directory, name);
  auto made = net::make_authority("pinnace-" + name, now - kClockSkew, now + kAuthorityLife);
  if (!made) return made;
  auto saved = save(directory, name, *made);
  if (!saved) return std::unexpected(std::move(saved.error()));
  return made;
}

Result<std::string> load_or_make_key(const std::string& path) {
  if (exists(path)) return io::read_file(path, kMaxPemBytes);
  auto made = net::make_ec_key();
  if (!made) return std::unexpected(std::move(made.error()));
  auto saved = io::write_file_atomic(path, made->private_key_pem, 0600);
  if (!saved) return std::unexpected(std::move(saved.error()));
  return made->private_key_pem;
}

}  // namespace

Result<Pki> load_or_make_pki(const PkiOptions& options, const Clock& clock) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) return errors::system("cannot create " + options.directory, error.value());
  std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, error);
  const WallTime now = clock.wall();
  Pki pki;
  auto authority = load_or_make_authority(options.directory, "ca", now);
  if (!authority) return std::unexpected(std::move(authority.error()));
  pki.authority = std::move(*authority);
  auto front_proxy = load_or_make_authority(options.directory, "front-proxy-ca", now);
  if (!front_proxy) return std::unexpected(std::move(front_proxy.error()));
  pki.front_proxy_authority = std::move(*front_proxy);

  struct Leaf {
    std::string_view name;
    net::CertificateSpec spec;
    net::CertificateAndKey Pki::*member;
    const net::CertificateAndKey* authority = nullptr;  // Null: the cluster's.
  };
  std::vector<Leaf> leaves(5);
  leaves[0] = {"api-server", {}, &Pki::api_server};
  leaves[0].spec.common_name = "kube-apiserver";
  leaves[0].spec.dns_names = {"localhost",
                              "kubernetes",
                              "kubernetes.default",
                              "kubernetes.default.svc",
                              "kubernetes.default.svc.cluster.local",
                              options.node_name};
  leaves[0].spec.ip_addresses = options.server_addresses;
  leaves[0].spec.server = true;
  leaves[1] = {"admin", {}, &Pki::admin};
  leaves[1].spec.common_name = "kubernetes-admin";
  leaves[1].spec.organizations = {"system:masters"};
  leaves[1].spec.client = true;
  leaves[2] = {"api-server-kubelet-client", {}, &Pki::api_server_client};
  leaves[2].spec.common_name = "kube-apiserver-kubelet-client";
  leaves[2].spec.organizations = {"system:masters"};
  leaves[2].spec.client = true;
  leaves[3] = {"node", {}, &Pki::node};
  leaves[3].spec.common_name = "system:node:" + options.node_name;
  leaves[3].spec.organizations = {"system:nodes"};
  leaves[3].spec.dns_names = {options.node_name};
  leaves[3].spec.ip_addresses = options.server_addresses;
  leaves[3].spec.client = leaves[3].spec.server = true;
  leaves[4] = {"front-proxy-client", {}, &Pki::front_proxy_client, &pki.front_proxy_authority};
  leaves[4].spec.common_name = "front-proxy-client";
  leaves[4].spec.client = true;
  for (auto& leaf : leaves) {
    const auto& signer = leaf.authority != nullptr ? *leaf.authority : pki.authority;
    auto pair = load_or_issue(options.directory, leaf.name, std::move(leaf.spec), signer, now);
    if (!pair) return std::unexpected(std::move(pair.error()));
    pki.*leaf.member = std::move(*pair);
  }
  auto key = load_or_make_key(options.directory + "/service-account.key");
  if (!key) return std::unexpected(std::move(key.error()));
  pki.service_account_key_pem = std::move(*key);
  return pki;
}

}  // namespace pinnace::cluster

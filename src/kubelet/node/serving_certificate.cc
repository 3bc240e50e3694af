#include "kubelet/node/serving_certificate.h"

#include "io/files.h"
#include "net/certificate_request.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kMaxPemBytes = 1 << 20;

}  // namespace

net::CertificateAndKey kept_certificate(const std::string& file, net::CertificateAndKey otherwise,
                                        WallTime now) {
  const auto text = io::read_file(file, kMaxPemBytes);
  if (!text || !net::is_pair(*text, *text)) return otherwise;
  const auto info = net::inspect_certificate(*text);
  if (!info || info->not_after <= now) return otherwise;
  return {*text, *text};  // Each reader finds its own blocks.
}

std::unique_ptr<client::CertificateKeeper> keep_serving_certificate(ServingCertificate what) {
  const net::CertificateAndKey kept = kept_certificate(what.file, {}, what.executor.clock().wall());
  return std::make_unique<client::CertificateKeeper>(client::CertificateKeeper::Options{
      .api = what.api,
      .executor = what.executor,
      .rng = what.rng,
      .signer_name = "kubernetes.io/kubelet-serving",
      .usages = {"digital signature", "server auth"},
      .names = {.common_name = "system:node:" + what.node_name,
                .organizations = {"system:nodes"},
                .dns_names = {what.node_name},
                .ip_addresses = {what.node_ip}},
      .current = kept,
      .use = [what](const net::CertificateAndKey& pair) -> Result<void> {
        net::ServerTlsOptions shown = what.shown;
        shown.certificate_pem = pair.certificate_pem;
        shown.private_key_pem = pair.private_key_pem;
        if (auto loaded = what.tls->reload(shown); !loaded) return loaded;
        return io::write_file_atomic(what.file, pair.certificate_pem + pair.private_key_pem, 0600);
      }});
}

}  // namespace pinnace::kubelet

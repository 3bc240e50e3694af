#include "cluster/controller_flags.h"

#include "api/time.h"
#include "controllers/support/certificate_requests.h"
#include "io/files.h"
#include "net/certificate_request.h"

namespace pinnace::cluster {
namespace {

constexpr std::size_t kMaxPemBytes = 1 << 20;
constexpr std::string_view kDuration = "cluster-signing-duration";
constexpr std::string_view kCleanUp = "legacy-service-account-token-clean-up-period";

struct SignerFlags {
  std::string_view certificate, key;
  std::string_view what;
  std::string_view signer;  // Empty: all of them.
};
// The one for all comes first: the others take its place.
constexpr SignerFlags kSignerFlags[] = {
    {"cluster-signing-cert-file", "cluster-signing-key-file",
     "authority that signs certificates (the cluster's)", ""},
    {"cluster-signing-kubelet-serving-cert-file", "cluster-signing-kubelet-serving-key-file",
     "the same for kubelets' serving certificates", controllers::kKubeletServingSigner},
    {"cluster-signing-kubelet-client-cert-file", "cluster-signing-kubelet-client-key-file",
     "the same for kubelets' client certificates", controllers::kKubeletClientSigner},
    {"cluster-signing-kube-apiserver-client-cert-file",
     "cluster-signing-kube-apiserver-client-key-file", "the same for other clients' certificates",
     controllers::kClientSigner},
    {"cluster-signing-legacy-unknown-cert-file", "cluster-signing-legacy-unknown-key-file",
     "the same for certificates of old requests", controllers::kLegacySigner},
};

void sign_with(const net::CertificateAndKey& authority, std::string_view signer,
               controllers::Settings& settings) {
  for (const SignerFlags& each : kSignerFlags) {
    const bool is_meant = signer.empty() ? !each.signer.empty() : each.signer == signer;
    if (is_meant) settings.signers.insert_or_assign(std::string(each.signer), authority);
  }
}

std::string flag(std::string_view name) { return "--" + std::string(name); }

Result<void> read_signer(const Arguments& arguments, const SignerFlags& flags,
                         controllers::Settings& settings) {
  const std::string certificate_file = arguments.get(flags.certificate);
  const std::string key_file = arguments.get(flags.key);
  if (certificate_file.empty() && key_file.empty()) return {};
  if (certificate_file.empty() || key_file.empty()) {
    return errors::bad_request(flag(flags.certificate) + " and " + flag(flags.key) +
                               " go together");
  }
  auto certificate = io::read_file(certificate_file, kMaxPemBytes);
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto key = io::read_file(key_file, kMaxPemBytes);
  if (!key) return std::unexpected(std::move(key.error()));
  if (!net::is_pair(*certificate, *key)) {
    return errors::bad_request(flag(flags.key) + ": is not the key of " + certificate_file);
  }
  sign_with({std::move(*certificate), std::move(*key)}, flags.signer, settings);
  return {};
}

// Leaves `to` as it is if the flag is not given.
Result<void> set_period(const Arguments& arguments, std::string_view name,
                        std::chrono::minutes least, Duration& to) {
  if (!arguments.has(name)) return {};
  const auto period = api::parse_duration(arguments.get(name));
  if (!period || *period < least) {
    return errors::bad_request(flag(name) + ": takes a duration of at least " +
                               std::to_string(least.count()) + "m");
  }
  to = *period;
  return {};
}

}  // namespace

std::vector<Option> controller_flag_options() {
  std::vector<Option> options;
  for (const SignerFlags& each : kSignerFlags) {
    options.push_back({each.certificate, "FILE", each.what});
    options.push_back({each.key, "FILE", "its private key"});
  }
  options.push_back(
      {kDuration, "TIME", "the longest life of a certificate that is asked for (8760h0m0s)"});
  options.push_back(
      {kCleanUp, "TIME", "how long a Secret with a token is not used before it goes (8760h0m0s)"});
  return options;
}

Result<void> apply_controller_flags(const Arguments& arguments, const Pki& pki,
                                    controllers::Settings& settings) {
  settings.root_ca_pem = pki.authority.certificate_pem;
  settings.service_account_key_pem = pki.service_account_key_pem;
  sign_with(pki.authority, "", settings);
  for (const SignerFlags& each : kSignerFlags) {
    if (auto read = read_signer(arguments, each, settings); !read) return read;
  }
  if (auto set = set_period(arguments, kDuration, std::chrono::minutes(10),
                            settings.cluster_signing_duration);
      !set) {
    return set;
  }
  return set_period(arguments, kCleanUp, std::chrono::hours(24),
                    settings.legacy_token_clean_up_period);
}

}  // namespace pinnace::cluster

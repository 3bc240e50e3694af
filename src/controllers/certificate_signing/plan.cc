#include "controllers/certificate_signing/plan.h"

#include <algorithm>

#include "controllers/support/times.h"

namespace pinnace::controllers::certificate_signing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Usages = std::vector<std::string>;

constexpr Duration kBackdate = minutes(5);
constexpr Duration kShortest = minutes(10);  // Twice the backdate.
// Longer lives count from the backdated beginning: five minutes are a hundredth of eight hours.
constexpr Duration kShort = hours(8);

std::string fault_of_client(const net::CertificateRequest&, const Usages& usages) {
  constexpr std::string_view kNeeded = "client auth";
  bool has_needed = false;
  for (const auto& usage : usages) {
    if (usage == kNeeded) {
      has_needed = true;
    } else if (usage != "digital signature" && usage != "key encipherment") {
      return "invalid usage for client certificate: " + usage;
    }
  }
  return has_needed ? "" : "missing required usage for client certificate: " + std::string(kNeeded);
}

// Requests of before there were signers: whoever approves them has looked.
std::string no_fault(const net::CertificateRequest&, const Usages&) { return ""; }

struct Signer {
  std::string_view name;
  std::string (*fault)(const net::CertificateRequest&, const Usages&);
};
constexpr Signer kSigners[] = {
    {kClientSigner, fault_of_client},
    {kKubeletClientSigner, fault_of_kubelet_client},
    {kKubeletServingSigner, fault_of_kubelet_serving},
    {kLegacySigner, no_fault},
};

}  // namespace

bool awaits_certificate(const SigningRequest& request) {
  return request.status.certificate.empty() && find_condition(request, kApproved) != nullptr &&
         find_condition(request, kDenied) == nullptr && find_condition(request, kFailed) == nullptr;
}

Result<Lifetime> lifetime_of(std::optional<std::int32_t> wanted_seconds, Duration longest,
                             WallTime authority_end, WallTime now) {
  if (now >= authority_end) {
    return errors::internal("the signer has expired: NotAfter=" + rfc3339(authority_end));
  }
  Duration life = longest;
  if (wanted_seconds) life = std::min(std::max(seconds(*wanted_seconds), kShortest), longest);
  const WallTime begin = now - kBackdate;
  const WallTime end = (life < kShort ? now : begin) + life;
  return Lifetime{begin, std::min(end, authority_end)};
}

Result<SigningRequest> answer(const SigningRequest& request,
                              const net::CertificateAndKey& authority, Duration longest,
                              WallTime now) {
  const auto* signer = std::ranges::find(kSigners, request.spec.signer_name, &Signer::name);
  if (signer == std::end(kSigners)) {
    return errors::bad_request("unrecognized signerName: " + request.spec.signer_name);
  }
  const auto asked = net::inspect_request(request.spec.request);
  if (!asked) return std::unexpected(asked.error());
  SigningRequest answered = request;
  if (auto fault = signer->fault(*asked, request.spec.usages); !fault.empty()) {
    RequestCondition condition;
    condition.type = kFailed;
    condition.status = "True";
    condition.reason = "SignerValidationFailure";
    condition.message = std::move(fault);
    condition.last_update_time = to_time(now);
    answered.status.conditions.push_back(std::move(condition));
    return answered;
  }
  const auto info = net::inspect_certificate(authority.certificate_pem);
  if (!info) return std::unexpected(info.error());
  const auto life = lifetime_of(request.spec.expiration_seconds, longest, info->not_after, now);
  if (!life) return std::unexpected(life.error());
  auto certificate = net::sign_request(authority, request.spec.request,
                                       {life->not_before, life->not_after, request.spec.usages});
  if (!certificate) return std::unexpected(certificate.error());
  answered.status.certificate = std::move(*certificate);
  return answered;
}

}  // namespace pinnace::controllers::certificate_signing

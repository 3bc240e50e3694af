#include "client/certificate_keeper.h"

#include <algorithm>

#include "api/types/certificates_v1.h"
#include "base/log.h"
#include "net/certificate_request.h"

namespace pinnace::client {
namespace {

using api::certificates_v1::CertificateSigningRequest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// The wall clock may be set meanwhile: it is looked at now and then.
constexpr Duration kLongestWait = hours(1);
constexpr Duration kFirstLook = std::chrono::milliseconds(250);
constexpr Duration kLongestLook = seconds(30);
constexpr Duration kFirstRetry = minutes(1);

Duration doubled(Duration first, int times, Duration longest) {
  constexpr int kMaxTimes = 16;
  return std::min(first * (1 << std::min(times, kMaxTimes)), longest);
}

bool covers(const std::vector<std::string>& have, const std::vector<std::string>& want) {
  return std::ranges::all_of(
      want, [&](const auto& each) { return std::ranges::find(have, each) != have.end(); });
}

}  // namespace

WallTime renewal_time(const net::CertificateInfo& certificate, double share) {
  const Duration life = certificate.not_after - certificate.not_before;
  const double part = 0.7 + 0.2 * share;
  return certificate.not_before +
         Duration(static_cast<Duration::rep>(part * static_cast<double>(life.count())));
}

CertificateKeeper::CertificateKeeper(Options options)
    : options_(std::move(options)), fibers_(options_.executor) {
  settle_due(options_.current);
}

CertificateKeeper::~CertificateKeeper() { options_.executor.cancel(timer_); }

void CertificateKeeper::start() {
  options_.executor.post([this] { arm(Duration::zero()); });
}

void CertificateKeeper::arm(Duration delay) {
  timer_ =
      options_.executor.schedule_after(delay, [this] { fibers_.run([this] { arm(round()); }); });
}

void CertificateKeeper::settle_due(const net::CertificateAndKey& pair) {
  constexpr std::uint64_t kParts = 1000;
  due_ = {};
  const auto info = net::inspect_certificate(pair.certificate_pem);
  if (!info || !net::is_pair(pair.certificate_pem, pair.private_key_pem)) return;
  const auto& wanted = options_.names;
  if (info->common_name != wanted.common_name || !covers(info->dns_names, wanted.dns_names) ||
      !covers(info->ip_addresses, wanted.ip_addresses)) {
    return;
  }
  due_ = renewal_time(*info, static_cast<double>(options_.rng.below(kParts)) / kParts);
}

Duration CertificateKeeper::round() {
  if (asked_) return look();
  const WallTime now = options_.executor.clock().wall();
  if (now < due_) return std::min<Duration>(due_ - now, kLongestWait);
  return ask();
}

Duration CertificateKeeper::ask() {
  auto key = net::make_ec_key();
  if (!key) return give_up(key.error().message);
  auto pem = net::make_request(key->private_key_pem, options_.names);
  if (!pem) return give_up(pem.error().message);
  CertificateSigningRequest request;
  request.metadata.generate_name = "csr-";
  request.spec.signer_name = options_.signer_name;
  request.spec.usages = options_.usages;
  request.spec.request = std::move(*pem);
  const auto made = options_.api.create(request);
  if (!made) return give_up(made.error().message);
  asked_ = Asked{made->metadata.name, made->metadata.uid, std::move(key->private_key_pem)};
  looks_ = 0;
  return kFirstLook;
}

Duration CertificateKeeper::look() {
  const auto found = options_.api.get<CertificateSigningRequest>("", asked_->name);
  const bool is_gone = found ? found->metadata.uid != asked_->uid : found.error().is("NotFound");
  if (is_gone) return give_up("the request was removed before it was answered");
  if (found && !found->status.certificate.empty()) return take(found->status.certificate);
  if (found) {
    for (const auto& condition : found->status.conditions) {
      if (condition.type == "Denied" || condition.type == "Failed") {
        return give_up(condition.type + ": " + condition.message);
      }
    }
  }
  return doubled(kFirstLook, ++looks_, kLongestLook);
}

Duration CertificateKeeper::take(std::string certificate_pem) {
  const net::CertificateAndKey pair{std::move(certificate_pem), asked_->private_key_pem};
  settle_due(pair);
  if (due_ == WallTime{}) return give_up("the certificate is not for what was asked");
  asked_.reset();
  failures_ = 0;
  log::info("a new certificate is in use",
            {{"signer", options_.signer_name}, {"renewed", rfc3339(due_)}});
  if (auto used = options_.use(pair); !used) {
    log::error("a new certificate could not be kept", {{"error", used.error().message}});
  }
  return Duration::zero();
}

Duration CertificateKeeper::give_up(std::string_view why) {
  log::warning("no certificate was issued",
               {{"signer", options_.signer_name}, {"error", std::string(why)}});
  asked_.reset();
  return doubled(kFirstRetry, failures_++, hours(1));
}

}  // namespace pinnace::client

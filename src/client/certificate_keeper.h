// CertificateKeeper sees to it that somebody has a certificate that is good: it asks for the next
// one by a CertificateSigningRequest when the present one has lived most of its life, waits until
// that is approved and signed, and hands over the new pair.
//
// When: at once if there is none, or if it names others; else after 70 to 90 % of its life, by
//   chance, so that many nodes that began together do not all ask together.
// Lifetime: as Fibers': the destructor calls off what is under way. What was asked for and not
//   answered is asked for anew, with a new key, by the next keeper.
// Threads: belongs to the executor's thread; `start` from any.
// Bounds: one request at a time, asked about every half minute at most. What is denied or fails is
//   asked for again after a minute, then after longer, up to an hour.
// Errors: logged, and tried again.
// Source: kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "client/client.h"
#include "client/fibers.h"
#include "net/x509.h"

namespace pinnace::client {

// `share` of the last fifth that counts: 0 is at 70 % of its life, 1 at 90 %.
WallTime renewal_time(const net::CertificateInfo& certificate, double share);

class CertificateKeeper {
 public:
  struct Options {
    const Client& api;
    Executor& executor;
    Rng& rng;
    std::string signer_name;          // "kubernetes.io/kubelet-serving"
    std::vector<std::string> usages;  // "server auth"...
    net::CertificateSpec names;       // Of it only the names count.
    net::CertificateAndKey current;   // Empty: none yet.
    // The new pair, to be kept and used. An Error is logged; the pair counts as the present one.
    std::function<Result<void>(const net::CertificateAndKey& pair)> use;
  };
  explicit CertificateKeeper(Options options);
  ~CertificateKeeper();
  CertificateKeeper(const CertificateKeeper&) = delete;
  void start();

 private:
  struct Asked {
    std::string name, uid, private_key_pem;
  };
  void arm(Duration delay);
  // Asks, or looks for the answer; how long to wait then.
  Duration round();
  Duration ask();
  Duration look();
  Duration take(std::string certificate_pem);
  Duration give_up(std::string_view why);
  void settle_due(const net::CertificateAndKey& pair);

  const Options options_;
  WallTime due_{};  // When to ask for the next one.
  std::optional<Asked> asked_;
  int looks_ = 0;     // Since it was asked for.
  int failures_ = 0;  // Since the last certificate.
  Executor::TimerId timer_ = 0;
  Fibers fibers_;
};

}  // namespace pinnace::client

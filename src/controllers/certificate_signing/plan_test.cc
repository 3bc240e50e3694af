#include "controllers/certificate_signing/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::certificate_signing {
namespace {

using controllers::testing::at;
using std::chrono::hours;
using std::chrono::minutes;
using Texts = std::vector<std::string>;

const Texts kClient = {"client auth", "digital signature", "key encipherment"};
const Texts kServing = {"server auth", "digital signature"};

class Signing : public ::testing::Test {
 protected:
  SigningRequest request(std::string_view signer, Texts usages, const net::CertificateSpec& spec) {
    SigningRequest made;
    made.metadata.name = "r";
    made.spec.signer_name = signer;
    made.spec.usages = std::move(usages);
    made.spec.request = net::make_request(key_, spec).value();
    made.status.conditions.emplace_back().type = "Approved";
    return made;
  }
  // "issued", or why it failed.
  std::string outcome(const SigningRequest& of) {
    const auto answered = answer(of, authority_, hours(8760), at(0));
    if (!answered) return "error: " + answered.error().message;
    if (!answered->status.certificate.empty()) return "issued";
    const auto* failed = find_condition(*answered, "Failed");
    return failed->reason + ": " + failed->message;
  }
  static net::CertificateSpec node(Texts dns = {}, Texts ips = {}) {
    return {.common_name = "system:node:a",
            .organizations = {"system:nodes"},
            .dns_names = std::move(dns),
            .ip_addresses = std::move(ips)};
  }
  std::string key_ = net::make_ec_key()->private_key_pem;
  net::CertificateAndKey authority_ =
      net::make_authority("ca", at(-3600), at(0) + hours(20000)).value();
};

TEST_F(Signing, WaitsForApprovalAndAnswersOnce) {
  auto waiting = request(kClientSigner, kClient, {.common_name = "jane"});
  EXPECT_TRUE(awaits_certificate(waiting));
  waiting.status.conditions.emplace_back().type = "Failed";
  EXPECT_FALSE(awaits_certificate(waiting));
  waiting.status.conditions.back().type = "Denied";
  EXPECT_FALSE(awaits_certificate(waiting));
  waiting.status.conditions.clear();
  EXPECT_FALSE(awaits_certificate(waiting));
  auto issued = request(kClientSigner, kClient, {.common_name = "jane"});
  issued.status.certificate = "a certificate";
  EXPECT_FALSE(awaits_certificate(issued));
}

TEST_F(Signing, GivesClientsWhatTheyAskForAndNothingElse) {
  const net::CertificateSpec jane{.common_name = "jane", .organizations = {"dev"}};
  EXPECT_EQ(outcome(request(kClientSigner, kClient, jane)), "issued");
  EXPECT_EQ(outcome(request(kClientSigner, {"client auth"}, jane)), "issued");
  EXPECT_EQ(outcome(request(kClientSigner, {"client auth", "server auth"}, jane)),
            "SignerValidationFailure: invalid usage for client certificate: server auth");
  EXPECT_EQ(outcome(request(kClientSigner, {"digital signature"}, jane)),
            "SignerValidationFailure: missing required usage for client certificate: client auth");
  EXPECT_EQ(outcome(request("example.com/own", kClient, jane)),
            "error: unrecognized signerName: example.com/own");
}

TEST_F(Signing, KnowsNodesByTheirSubjects) {
  const auto client = [&](const net::CertificateSpec& spec, Texts usages = kClient) {
    return outcome(request(kKubeletClientSigner, std::move(usages), spec));
  };
  const std::string failure = "SignerValidationFailure: ";
  EXPECT_EQ(client(node()), "issued");
  EXPECT_EQ(client(node(), {"client auth", "digital signature"}), "issued");
  auto spec = node();
  spec.organizations.emplace_back("system:masters");
  EXPECT_EQ(client(spec), failure + "subject organization is not system:nodes");
  spec = node();
  spec.common_name = "jane";
  EXPECT_EQ(client(spec), failure + "subject common name does not begin with system:node:");
  EXPECT_EQ(client(node({"a"})), failure + "DNS subjectAltNames are not allowed");
  EXPECT_EQ(client(node({}, {"10.0.0.1"})), failure + "IP subjectAltNames are not allowed");
  EXPECT_EQ(client(node(), {"client auth", "digital signature", "server auth"}),
            failure + "usages did not match [client auth digital signature key encipherment]");
}

TEST_F(Signing, ServingCertificatesNeedAnAddress) {
  const auto serving = [&](const net::CertificateSpec& spec, Texts usages = kServing) {
    return outcome(request(kKubeletServingSigner, std::move(usages), spec));
  };
  const std::string failure = "SignerValidationFailure: ";
  EXPECT_EQ(serving(node({"a"}, {"10.0.0.1"})), "issued");
  EXPECT_EQ(serving(node({"a"}), {"server auth", "digital signature", "key encipherment"}),
            "issued");
  EXPECT_EQ(serving(node()), failure + "DNS or IP subjectAltName is required");
  EXPECT_EQ(serving(node({"a"}), {"server auth"}),
            failure + "usages did not match [digital signature key encipherment server auth]");
  EXPECT_EQ(serving({.common_name = "a", .organizations = {"system:nodes"}, .dns_names = {"a"}}),
            failure + "subject common name does not begin with system:node:");
  EXPECT_EQ(outcome(request(kLegacySigner, {"server auth", "cert sign"}, {.common_name = "x"})),
            "issued");
}

TEST_F(Signing, LivesAsLongAsAskedWithinBounds) {
  const auto until = [&](std::optional<std::int32_t> wanted, Duration longest = hours(8760),
                         WallTime end = at(0) + hours(20000)) {
    const auto life = lifetime_of(wanted, longest, end, at(0));
    EXPECT_EQ(life->not_before, at(-300));
    return life->not_after - at(0);
  };
  EXPECT_EQ(until({}), hours(8760) - minutes(5));  // Counted from the backdated beginning.
  EXPECT_EQ(until(3600), hours(1));
  EXPECT_EQ(until(8 * 3600), hours(8) - minutes(5));
  EXPECT_EQ(until(60), minutes(10));
  EXPECT_EQ(until(7200, hours(1)), hours(1));
  EXPECT_EQ(until({}, hours(8760), at(7200)), hours(2));
  EXPECT_EQ(lifetime_of({}, hours(1), at(0), at(0)).error().message,
            "the signer has expired: NotAfter=2026-01-01T00:00:00Z");
}

TEST_F(Signing, CertificatesHaveTheTimesOfTheirLife) {
  auto wanted = request(kClientSigner, kClient, {.common_name = "jane"});
  wanted.spec.expiration_seconds = 3600;
  const auto answered = answer(wanted, authority_, hours(8760), at(0));
  ASSERT_TRUE(answered);
  const auto info = net::inspect_certificate(answered->status.certificate);
  EXPECT_EQ(info->not_before, at(-300));
  EXPECT_EQ(info->not_after, at(3600));
  EXPECT_TRUE(net::is_pair(answered->status.certificate, key_));
}

}  // namespace
}  // namespace pinnace::controllers::certificate_signing

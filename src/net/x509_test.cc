#include "net/x509.h"

#include <gtest/gtest.h>

#include "net/jwt.h"

namespace pinnace::net {
namespace {

using std::chrono::hours;
const WallTime kNow{std::chrono::seconds(1'800'000'000)};

TEST(X509, IssuesWhatItIsAskedFor) {
  auto authority = make_authority("test-ca", kNow - hours(1), kNow + hours(24));
  ASSERT_TRUE(authority);
  CertificateSpec spec;
  spec.common_name = "system:node:a";
  spec.organizations = {"system:nodes", "second"};
  spec.dns_names = {"localhost", "a.example"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  spec.server = true;
  spec.not_before = kNow;
  spec.not_after = kNow + hours(2);
  auto issued = issue_certificate(*authority, spec);
  ASSERT_TRUE(issued) << issued.error().message;
  auto info = inspect_certificate(issued->certificate_pem);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name, "system:node:a");
  EXPECT_EQ(info->organizations, spec.organizations);
  EXPECT_EQ(info->dns_names, spec.dns_names);
  EXPECT_EQ(info->ip_addresses, spec.ip_addresses);
  EXPECT_EQ(info->issuer_common_name, "test-ca");
  EXPECT_EQ(info->not_after, kNow + hours(2));
  EXPECT_FALSE(info->is_authority);
  EXPECT_EQ(info->sha256.size(), 32u);
  EXPECT_TRUE(inspect_certificate(authority->certificate_pem)->is_authority);
  EXPECT_TRUE(is_signed_by(issued->certificate_pem, authority->certificate_pem));
  auto other = make_authority("test-ca", kNow, kNow + hours(1));
  EXPECT_FALSE(is_signed_by(issued->certificate_pem, other->certificate_pem));
}

TEST(X509, RefusesTextThatIsNoCertificate) {
  EXPECT_EQ(inspect_certificate("hello").error().code, 400);
  EXPECT_FALSE(public_key_of("hello"));
  CertificateSpec spec;
  spec.ip_addresses = {"no address"};
  auto authority = make_authority("ca", kNow, kNow + hours(1));
  EXPECT_FALSE(issue_certificate(*authority, spec));
}

TEST(Jwt, VerifiesWhatEitherKindOfKeySigned) {
  for (auto pair : {make_ec_key(), make_rsa_key()}) {
    ASSERT_TRUE(pair);
    auto signer = JwtSigner::create(pair->private_key_pem);
    auto verifier = JwtVerifier::create({make_ec_key()->public_key_pem, pair->public_key_pem});
    ASSERT_TRUE(signer && verifier);
    auto token = (*signer)->sign(R"({"sub":"me"})");
    ASSERT_TRUE(token);
    EXPECT_EQ((*verifier)->verify(*token).value(), R"({"sub":"me"})");
    EXPECT_NE((*verifier)->jwks_json().find((*signer)->key_id()), std::string::npos);
    std::string forged = *token;
    forged[forged.find('.') + 3] ^= 1;
    EXPECT_EQ((*verifier)->verify(forged).error().code, 401);
    EXPECT_FALSE((*verifier)->verify(token->substr(0, token->rfind('.') + 1)));
    EXPECT_FALSE((*verifier)->verify("a.b"));
    EXPECT_FALSE((*verifier)->verify(""));
  }
}

}  // namespace
}  // namespace pinnace::net

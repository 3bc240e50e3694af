#include "net/certificate_request.h"

#include <gtest/gtest.h>

#include "net/internal/certificate_parts.h"

namespace pinnace::net {
namespace {

using std::chrono::hours;
const WallTime kNow{std::chrono::seconds(1'800'000'000)};
using Texts = std::vector<std::string>;

class Requests : public ::testing::Test {
 protected:
  std::string request_for(const CertificateSpec& spec) {
    auto made = make_request(key_, spec);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or("");
  }
  std::string key_ = make_ec_key()->private_key_pem;
  CertificateAndKey authority_ = make_authority("ca", kNow - hours(1), kNow + hours(100)).value();
};

TEST_F(Requests, SayWhatTheyAskFor) {
  CertificateSpec spec;
  spec.common_name = "system:node:a";
  spec.organizations = {"system:nodes", "more"};
  spec.dns_names = {"a.example"};
  spec.ip_addresses = {"10.0.0.1", "fd00::1"};
  const auto read = inspect_request(request_for(spec));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->common_name, "system:node:a");
  EXPECT_EQ(read->organizations, spec.organizations);
  EXPECT_EQ(read->dns_names, spec.dns_names);
  EXPECT_EQ(read->ip_addresses, spec.ip_addresses);
  EXPECT_EQ(read->uris, Texts());
}

TEST_F(Requests, BecomeCertificatesOfTheirKeyAndNames) {
  CertificateSpec spec;
  spec.common_name = "system:node:" + std::string(200, 'n');  // Longer than X.520 would have it.
  spec.organizations = {"system:nodes"};
  spec.dns_names = {"a.example"};
  const auto signed_pem =
      sign_request(authority_, request_for(spec),
                   {kNow, kNow + hours(2), {"digital signature", "client auth", "server auth"}});
  ASSERT_TRUE(signed_pem) << signed_pem.error().message;
  const auto info = inspect_certificate(*signed_pem);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name, spec.common_name);
  EXPECT_EQ(info->organizations, spec.organizations);
  EXPECT_EQ(info->dns_names, spec.dns_names);
  EXPECT_EQ(info->not_before, kNow);
  EXPECT_EQ(info->not_after, kNow + hours(2));
  EXPECT_FALSE(info->is_authority);
  EXPECT_TRUE(is_pair(*signed_pem, key_));
  EXPECT_FALSE(is_pair(*signed_pem, make_ec_key()->private_key_pem));
  EXPECT_TRUE(verify_client_chain(*signed_pem, authority_.certificate_pem, kNow + hours(1)));
  EXPECT_FALSE(verify_client_chain(*signed_pem, authority_.certificate_pem, kNow + hours(3)));
}

TEST_F(Requests, GetTheUsagesOfTheTermsAndNoOther) {
  const auto signed_pem =
      sign_request(authority_, request_for({.common_name = "a"}),
                   {kNow, kNow + hours(2), {"cert sign", "server auth", "no such usage"}});
  ASSERT_TRUE(signed_pem);
  EXPECT_FALSE(verify_client_chain(*signed_pem, authority_.certificate_pem, kNow + hours(1)));
  EXPECT_FALSE(inspect_certificate(*signed_pem)->is_authority);
}

// Two common names, or a part of the subject that means a uid: whoever approved saw one of them.
TEST_F(Requests, LeaveOutOfTheirSubjectWhatNobodyLookedAt) {
  const auto key = internal::read_private_key(key_);
  const std::unique_ptr<X509_REQ, internal::Free<X509_REQ_free>> raw(X509_REQ_new());
  X509_NAME* subject = X509_REQ_get_subject_name(raw.get());
  internal::add_name(subject, NID_commonName, "system:admin");
  internal::add_name(subject, NID_commonName, "jane");
  const int uid = OBJ_create("1.3.6.1.4.1.57683.2", "kubernetesUid", "Kubernetes UID");
  internal::add_name(subject, uid, "somebody");
  X509_REQ_set_pubkey(raw.get(), key->get());
  X509_REQ_sign(raw.get(), key->get(), EVP_sha256());
  const internal::Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), raw.get());
  const std::string pem = internal::text_of(bio.get());
  EXPECT_EQ(inspect_request(pem)->common_name, "jane");
  const auto signed_pem = sign_request(authority_, pem, {kNow, kNow + hours(2), {"client auth"}});
  ASSERT_TRUE(signed_pem);
  EXPECT_EQ(inspect_certificate(*signed_pem)->common_name, "jane");
  const auto parsed = internal::read_certificates(*signed_pem);
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(parsed->front().get())), 1);
}

TEST_F(Requests, AreRefusedWhenTheyAreNoneOrOfAnotherKey) {
  EXPECT_EQ(inspect_request("hello").error().message, "PEM block type must be CERTIFICATE REQUEST");
  EXPECT_EQ(inspect_request(authority_.certificate_pem).error().message,
            "PEM block type must be CERTIFICATE REQUEST");
  EXPECT_EQ(inspect_request("-----BEGIN CERTIFICATE REQUEST-----\n").error().code, 400);
  std::string forged = request_for({.common_name = "a"});
  // A letter in the last lines, which are the signature's.
  const auto at = forged.find("-----END") - 20;
  forged[at] = forged[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(inspect_request(forged).error().code, 400);
  EXPECT_FALSE(sign_request(authority_, forged, {kNow, kNow + hours(2), {}}));
}

}  // namespace
}  // namespace pinnace::net

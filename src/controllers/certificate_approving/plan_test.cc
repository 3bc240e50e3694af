#include "controllers/certificate_approving/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::certificate_approving {
namespace {

using controllers::testing::at;
using Texts = std::vector<std::string>;

SigningRequest request(const std::string& user, const net::CertificateSpec& spec,
                       std::string_view signer = kKubeletClientSigner) {
  SigningRequest made;
  made.spec.signer_name = signer;
  made.spec.username = user;
  made.spec.usages = {"client auth", "digital signature"};
  made.spec.request = net::make_request(net::make_ec_key()->private_key_pem, spec).value();
  return made;
}
net::CertificateSpec node(const std::string& name) {
  return {.common_name = "system:node:" + name, .organizations = {"system:nodes"}};
}
Texts recognized(const SigningRequest& of) {
  Texts out;
  const auto found = recognize(of);
  for (const auto& each : *found) out.emplace_back(each.subresource);
  return out;
}

TEST(CertificateApproving, RecognizesNodesThatAskForThemselvesOrForANode) {
  EXPECT_EQ(recognized(request("system:node:a", node("a"))),
            (Texts{"selfnodeclient", "nodeclient"}));
  EXPECT_EQ(recognized(request("system:bootstrap:abcdef", node("a"))), Texts{"nodeclient"});
}

TEST(CertificateApproving, LeavesAllElseToPeople) {
  EXPECT_EQ(recognized(request("system:node:a", node("a"), kClientSigner)), Texts());
  EXPECT_EQ(recognized(request("system:node:a", node("a"), kKubeletServingSigner)), Texts());
  auto other = node("a");
  other.organizations = {"system:masters"};
  EXPECT_EQ(recognized(request("system:node:a", other)), Texts());
  for (const char* decision : {"Approved", "Denied"}) {
    auto decided = request("system:node:a", node("a"));
    decided.status.conditions.emplace_back().type = decision;
    EXPECT_EQ(recognized(decided), Texts());
  }
  SigningRequest unreadable;
  unreadable.spec.signer_name = kKubeletClientSigner;
  EXPECT_EQ(recognize(unreadable).error().code, 400);
}

TEST(CertificateApproving, SaysWhyItApproves) {
  const auto wanted = request("system:node:a", node("a"));
  const auto approved = approve(wanted, recognize(wanted)->front(), at(5));
  ASSERT_EQ(approved.status.conditions.size(), 1u);
  const auto& condition = approved.status.conditions[0];
  EXPECT_EQ(condition.type + condition.status + condition.reason, "ApprovedTrueAutoApproved");
  EXPECT_EQ(condition.message,
            "Auto approving self kubelet client certificate after SubjectAccessReview.");
  EXPECT_EQ(condition.last_update_time, to_time(at(5)));
}

}  // namespace
}  // namespace pinnace::controllers::certificate_approving

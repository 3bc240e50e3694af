// Certificates and tokens as nodes and people get them: requests approved, signed and cleaned up,
// Secrets filled, the account's end.
#include "api/types/certificates_v1.h"
#include "net/certificate_request.h"
#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using api::certificates_v1::CertificateSigningRequest;
using api::certificates_v1::ClusterTrustBundle;
using std::chrono::minutes;

const std::string kRequests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const std::string kBindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

class CertificatesSim : public Scenario {
 protected:
  // As somebody who is no administrator; the refusal, "" where the request was taken.
  std::string refusal(const client::Identity& who, const std::string& name,
                      const std::string& signer, const std::string& usages,
                      const net::CertificateSpec& spec) {
    client::LocalTransport transport(cluster.server(), who, &cluster.loop());
    const auto made = client::Client(transport).call(
        "POST", kRequests,
        R"({"metadata":{"name":")" + name + R"("},"spec":{"signerName":"kubernetes.io/)" + signer +
            R"(","usages":[)" + usages + R"(],"request":")" +
            base64_encode(net::make_request(key_, spec).value()) + "\"}}");
    return made ? "" : made.error().message;
  }
  void ask(const client::Identity& who, const std::string& name, const std::string& signer,
           const std::string& usages, const net::CertificateSpec& spec) {
    EXPECT_EQ(refusal(who, name, signer, usages, spec), "");
  }
  void bind(const std::string& role, const std::string& group) {
    cluster.create(kBindings, R"({"metadata":{"name":")" + group +
                                  R"("},"roleRef":{"apiGroup":)"
                                  R"("rbac.authorization.k8s.io","kind":"ClusterRole","name":")" +
                                  role +
                                  R"("},"subjects":[{"apiGroup":"rbac.authorization.k8s.io",)"
                                  R"("kind":"Group","name":")" +
                                  group + "\"}]}");
  }
  CertificateSigningRequest request(const std::string& name) {
    return cluster.get<CertificateSigningRequest>(name, "").value_or(CertificateSigningRequest{});
  }
  std::string reason(const std::string& name) {
    const auto conditions = request(name).status.conditions;
    return conditions.empty() ? "" : conditions.back().type + '/' + conditions.back().reason;
  }
  static net::CertificateSpec node(const std::string& name) {
    return {.common_name = "system:node:" + name, .organizations = {"system:nodes"}};
  }
  const std::string key_ = net::make_ec_key()->private_key_pem;
  const std::string client_usages_ = R"("client auth","digital signature")";
};
INSTANTIATE_TEST_SUITE_P(Seeds, CertificatesSim, ::testing::ValuesIn(seeds()));

TEST_P(CertificatesSim, ANodeJoinsAndRenewsItsCertificateByItself) {
  bind("system:node-bootstrapper", "system:bootstrappers");
  ask({"system:bootstrap:abcdef", {"system:bootstrappers"}}, "first",
      "kube-apiserver-client-kubelet", client_usages_, node("a"));
  cluster.run_for(minutes(1));
  EXPECT_EQ(reason("first"), "");  // Nobody said that such may have certificates of nodes.
  cluster.create(kBindings,
                 R"({"metadata":{"name":"approve"},"roleRef":{"apiGroup":)"
                 R"("rbac.authorization.k8s.io","kind":"ClusterRole","name":)"
                 R"("system:certificates.k8s.io:certificatesigningrequests:nodeclient"},)"
                 R"("subjects":[{"apiGroup":"rbac.authorization.k8s.io",)"
                 R"("kind":"Group","name":"system:bootstrappers"}]})");
  ASSERT_TRUE(cluster.run_until([&] { return !request("first").status.certificate.empty(); }));
  EXPECT_EQ(reason("first"), "Approved/AutoApproved");
  const auto issued = net::inspect_certificate(request("first").status.certificate);
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->common_name, "system:node:a");
  EXPECT_TRUE(net::is_signed_by(request("first").status.certificate, Cluster::authority_pem()));
  // A node may have the next one for itself, and for no other.
  bind("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "system:nodes");
  ask({"system:node:a", {"system:nodes"}}, "next", "kube-apiserver-client-kubelet", client_usages_,
      node("a"));
  EXPECT_EQ(
      refusal({"system:node:a", {"system:nodes"}}, "other", "kube-apiserver-client-kubelet",
              client_usages_, node("b")),
      "certificatesigningrequests.certificates.k8s.io \"other\" is forbidden: can only create "
      "a node CSR with CN=system:node:a");
  EXPECT_TRUE(cluster.run_until([&] { return !request("next").status.certificate.empty(); }));
}

TEST_P(CertificatesSim, AServingCertificateWaitsForAPersonAndIsCheckedThen) {
  auto spec = node("a");
  const std::string serving = R"("server auth","digital signature")";
  ask({"system:node:a", {"system:nodes"}}, "bad", "kubelet-serving", serving, spec);
  spec.dns_names = {"a"};
  ask({"system:node:a", {"system:nodes"}}, "good", "kubelet-serving", serving, spec);
  cluster.run_for(minutes(2));
  EXPECT_EQ(reason("good"), "");
  const std::string approval =
      R"({"status":{"conditions":[{"type":"Approved","status":"True","reason":"ByHand"}]}})";
  cluster.patch(kRequests + "/good/approval", approval);
  cluster.patch(kRequests + "/bad/approval", approval);
  ASSERT_TRUE(cluster.run_until([&] { return !request("good").status.certificate.empty(); }));
  ASSERT_TRUE(cluster.run_until([&] { return reason("bad") == "Failed/SignerValidationFailure"; }));
  EXPECT_EQ(request("bad").status.certificate, "");
}

TEST_P(CertificatesSim, ASecretGetsItsTokenAndGoesWithItsAccount) {
  const std::string in_default = "/api/v1/namespaces/default";
  cluster.create(in_default + "/serviceaccounts", R"({"metadata":{"name":"robot"}})");
  cluster.create(in_default + "/secrets", R"({"metadata":{"name":"t","annotations":{)"
                                          R"("kubernetes.io/service-account.name":"robot"}},)"
                                          R"("type":"kubernetes.io/service-account-token"})");
  const auto data = [&] {
    const auto found = cluster.get<core_v1::Secret>("t");
    return found ? found->data : decltype(found->data){};
  };
  ASSERT_TRUE(cluster.run_until([&] { return data().contains("token"); }));
  EXPECT_EQ(data().at("ca.crt"), Cluster::authority_pem());
  EXPECT_EQ(data().at("namespace"), "default");
  const auto review = cluster.api().call("POST", "/apis/authentication.k8s.io/v1/tokenreviews",
                                         R"({"spec":{"token":")" + data().at("token") + "\"}}");
  ASSERT_TRUE(review);
  EXPECT_NE((*review)->find(R"("username":"system:serviceaccount:default:robot")"),
            std::string::npos)
      << **review;
  const auto used = [&] {
    const auto found = cluster.get<core_v1::Secret>("t");
    return found && found->metadata.labels.contains("kubernetes.io/legacy-token-last-used");
  };
  EXPECT_TRUE(cluster.run_until(used));
  cluster.remove(in_default + "/serviceaccounts/robot");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.get<core_v1::Secret>("t"); }));
  // One for an account that is not there goes too.
  cluster.create(in_default + "/secrets", R"({"metadata":{"name":"nobody","annotations":{)"
                                          R"("kubernetes.io/service-account.name":"nobody"}},)"
                                          R"("type":"kubernetes.io/service-account-token"})");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.get<core_v1::Secret>("nobody"); }));
}

TEST_P(CertificatesSim, TheServersAuthorityIsATrustBundle) {
  const auto bundles = [&] { return cluster.list<ClusterTrustBundle>(""); };
  ASSERT_TRUE(cluster.run_until([&] { return bundles().size() == 1; }));
  const auto bundle = bundles()[0];
  EXPECT_EQ(bundle.spec.signer_name, "kubernetes.io/kube-apiserver-serving");
  EXPECT_EQ(bundle.spec.trust_bundle, Cluster::authority_pem());
  EXPECT_TRUE(bundle.metadata.name.starts_with("kubernetes.io:kube-apiserver-serving:"));
  cluster.remove("/apis/certificates.k8s.io/v1/clustertrustbundles/" + bundle.metadata.name);
  EXPECT_TRUE(cluster.run_until([&] { return bundles().size() == 1; }));
}

}  // namespace
}  // namespace pinnace::sim

#include "client/certificate_keeper.h"

#include <gtest/gtest.h>

#include "api/types/certificates_v1.h"
#include "client/local_transport.h"
#include "client/test_support.h"
#include "net/certificate_request.h"

namespace pinnace::client {
namespace {

using namespace testing;
using api::certificates_v1::CertificateSigningRequest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Keeps one request, and answers it as the test wants.
class RequestServer final : public net::Handler {
 public:
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    if (request.method == "POST") {
      kept = api::from_json<CertificateSigningRequest>(request.body).value();
      kept->metadata.name = "csr-" + std::to_string(++asked);
      kept->metadata.uid = kept->metadata.name;
    } else if (!kept) {
      return exchange->respond(404, {}, status(404, "NotFound"));
    }
    exchange->respond(200, {}, api::to_json(*kept));
  }
  std::optional<CertificateSigningRequest> kept;
  int asked = 0;
};

class CertificateKeeperTest : public ::testing::Test {
 protected:
  WallTime now() const { return executor.clock().wall(); }
  // Answers what was asked with a certificate of so many hours.
  void sign(int life_hours) {
    const auto signed_pem = net::sign_request(authority, server.kept->spec.request,
                                              {now(), now() + hours(life_hours), {"server auth"}});
    server.kept->status.certificate = signed_pem.value();
  }
  CertificateKeeper& keep(net::CertificateAndKey current = {}) {
    keeper.emplace(CertificateKeeper::Options{
        .api = api,
        .executor = executor,
        .rng = *rng,
        .signer_name = "kubernetes.io/kubelet-serving",
        .usages = {"server auth", "digital signature"},
        .names = names,
        .current = std::move(current),
        .use = [this](const net::CertificateAndKey& pair) -> Result<void> {
          used.push_back(pair);
          return {};
        }});
    keeper->start();
    executor.run_until_idle();
    return *keeper;
  }
  io::SimExecutor executor;
  SimLoop loop{executor};
  RequestServer server;
  LocalTransport transport{server, {"system:node:a", {"system:nodes"}}, &loop};
  Client api{transport};
  std::unique_ptr<Rng> rng = seeded_rng(1);
  net::CertificateSpec names{
      .common_name = "system:node:a", .organizations = {"system:nodes"}, .dns_names = {"a"}};
  net::CertificateAndKey authority =
      net::make_authority("ca", now() - hours(1), now() + hours(100'000)).value();
  std::vector<net::CertificateAndKey> used;
  std::optional<CertificateKeeper> keeper;
};

TEST(RenewalTime, IsInTheLastThirdOfALife) {
  net::CertificateInfo info;
  info.not_before = WallTime(seconds(1000));
  info.not_after = WallTime(seconds(2000));
  const auto at = [&](double share) {
    return std::chrono::round<seconds>(renewal_time(info, share));
  };
  EXPECT_EQ(at(0), WallTime(seconds(1700)));
  EXPECT_EQ(at(0.5), WallTime(seconds(1800)));
  EXPECT_EQ(at(1), WallTime(seconds(1900)));
}

TEST_F(CertificateKeeperTest, AsksWhenThereIsNoneAndTakesWhatIsSigned) {
  keep();
  ASSERT_EQ(server.asked, 1);
  EXPECT_EQ(server.kept->spec.signer_name, "kubernetes.io/kubelet-serving");
  EXPECT_EQ(net::inspect_request(server.kept->spec.request)->dns_names, names.dns_names);
  executor.advance(hours(2));  // Somebody takes his time.
  EXPECT_EQ(server.asked, 1);
  EXPECT_TRUE(used.empty());
  sign(10);
  executor.advance(minutes(1));
  ASSERT_EQ(used.size(), 1u);
  EXPECT_TRUE(net::is_pair(used[0].certificate_pem, used[0].private_key_pem));
}

TEST_F(CertificateKeeperTest, RenewsBeforeTheEndWithANewKey) {
  keep();
  sign(10);
  executor.advance(minutes(1));
  ASSERT_EQ(used.size(), 1u);
  executor.advance(hours(6));
  EXPECT_EQ(server.asked, 1);
  executor.advance(hours(3));
  ASSERT_EQ(server.asked, 2);
  sign(10);
  executor.advance(minutes(1));
  ASSERT_EQ(used.size(), 2u);
  EXPECT_NE(used[0].private_key_pem, used[1].private_key_pem);
}

TEST_F(CertificateKeeperTest, LeavesAGoodOneAloneAndReplacesOneForOtherNames) {
  auto spec = names;
  spec.server = true;
  spec.not_before = now();
  spec.not_after = now() + hours(10);
  const auto good = net::issue_certificate(authority, spec).value();
  keep(good);
  executor.advance(hours(6));
  EXPECT_EQ(server.asked, 0);
  names.dns_names.emplace_back("another");
  keep(good);
  EXPECT_EQ(server.asked, 1);
}

TEST_F(CertificateKeeperTest, AsksAgainWhenItIsDeniedOrForgotten) {
  keep();
  server.kept->status.conditions.emplace_back().type = "Denied";
  executor.advance(seconds(30));
  EXPECT_EQ(server.asked, 1);
  executor.advance(minutes(1));
  EXPECT_EQ(server.asked, 2);
  server.kept.reset();
  executor.advance(minutes(3));
  EXPECT_EQ(server.asked, 3);
  sign(10);
  executor.advance(minutes(1));
  EXPECT_EQ(used.size(), 1u);
}

TEST_F(CertificateKeeperTest, RefusesACertificateOfAnotherKey) {
  keep();
  const auto other = net::make_request(net::make_ec_key()->private_key_pem, names).value();
  server.kept->status.certificate =
      net::sign_request(authority, other, {now(), now() + hours(1), {}}).value();
  executor.advance(seconds(50));
  EXPECT_TRUE(used.empty());
  EXPECT_EQ(server.asked, 1);
}

}  // namespace
}  // namespace pinnace::client

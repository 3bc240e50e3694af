#include "client/leader_election.h"

#include <gtest/gtest.h>

#include "client/local_transport.h"
#include "client/test_support.h"

namespace pinnace::client {
namespace {

using namespace testing;
using api::coordination_v1::Lease;
using std::chrono::seconds;

// Keeps one Lease, with the preconditions that an API server has.
class LeaseServer final : public net::Handler {
 public:
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    if (is_hanging) {
      held.push_back(exchange);
      return;
    }
    if (is_down) return exchange->respond(503, {}, status(503, "ServiceUnavailable"));
    if (request.method == "GET") {
      return lease ? exchange->respond(200, {}, api::to_json(*lease))
                   : exchange->respond(404, {}, status(404, "NotFound"));
    }
    auto wanted = api::from_json<Lease>(request.body).value();
    const bool fits =
        request.method == "POST"
            ? !lease
            : lease && (wanted.metadata.resource_version == lease->metadata.resource_version);
    if (!fits) return exchange->respond(409, {}, status(409, "Conflict"));
    wanted.metadata.resource_version = std::to_string(++version);
    lease = wanted;
    exchange->respond(200, {}, api::to_json(*lease));
  }
  std::string holder() const { return lease ? lease->spec.holder_identity.value_or("") : ""; }

  std::optional<Lease> lease;
  int version = 0;
  bool is_down = false, is_hanging = false;
  std::vector<std::shared_ptr<net::Exchange>> held;
};

class LeaderElectionTest : public ::testing::Test {
 protected:
  // One candidate with a way to the server of its own, which can be cut.
  struct Candidate {
    Candidate(LeaderElectionTest& test, const std::string& name)
        : transport(test.server, {name, {}}, &test.loop),
          api(transport),
          rng(seeded_rng(name.size())),
          election({.api = api,
                    .executor = test.executor,
                    .rng = *rng,
                    .name = "scheduler",
                    .identity = name,
                    .on_started =
                        [&test, this] {
                          ++started;
                          EXPECT_EQ(++test.leaders, 1);
                        },
                    .on_stopped =
                        [&test, this] {
                          ++stopped;
                          --test.leaders;
                        }}) {}
    LocalTransport transport;
    Client api;
    std::unique_ptr<Rng> rng;
    int started = 0, stopped = 0;
    LeaderElection election;
  };

  io::SimExecutor executor;
  SimLoop loop{executor};
  LeaseServer server;
  int leaders = 0;
};

TEST_F(LeaderElectionTest, TheFirstCandidateLeadsAndKeepsRenewing) {
  Candidate a(*this, "a");
  a.election.start();
  executor.run_until_idle();
  EXPECT_TRUE(a.election.is_leader());
  EXPECT_EQ(server.holder(), "a");
  EXPECT_EQ(server.lease->spec.lease_duration_seconds, 15);
  EXPECT_EQ(server.lease->spec.lease_transitions, 0);
  const auto acquired = server.lease->spec.acquire_time;
  executor.advance(seconds(60));
  EXPECT_EQ(a.started, 1);
  EXPECT_EQ(a.stopped, 0);
  EXPECT_GE(server.version, 30);
  EXPECT_EQ(server.lease->spec.acquire_time, acquired);
}

TEST_F(LeaderElectionTest, ASecondCandidateWaitsUntilTheLeaseRunsOut) {
  auto a = std::make_unique<Candidate>(*this, "a");
  Candidate b(*this, "bb");
  a->election.start();
  executor.run_until_idle();
  b.election.start();
  executor.advance(seconds(60));
  EXPECT_FALSE(b.election.is_leader());
  a.reset();  // Gone without a word.
  leaders = 0;
  executor.advance(seconds(10));
  EXPECT_FALSE(b.election.is_leader());
  executor.advance(seconds(15));
  EXPECT_TRUE(b.election.is_leader());
  EXPECT_EQ(server.lease->spec.lease_transitions, 1);
}

TEST_F(LeaderElectionTest, ALeaderThatGivesUpTheLeaseIsFollowedAtOnce) {
  Candidate a(*this, "a"), b(*this, "bb");
  a.election.start();
  executor.run_until_idle();
  b.election.start();
  executor.advance(seconds(5));
  a.election.release();
  leaders = 0;
  EXPECT_EQ(server.holder(), "");
  executor.advance(seconds(5));
  EXPECT_TRUE(b.election.is_leader());
  EXPECT_EQ(a.stopped, 0);
}

TEST_F(LeaderElectionTest, ALeaderThatCannotRenewStopsBeforeAnotherMayStart) {
  Candidate a(*this, "a"), b(*this, "bb");
  a.election.start();
  b.election.start();
  executor.advance(seconds(20));
  ASSERT_EQ(a.started, 1);
  server.is_down = true;
  executor.advance(seconds(13));
  EXPECT_EQ(a.stopped, 1);
  EXPECT_EQ(leaders, 0);
  server.is_down = false;  // Whoever comes first leads, and only that one.
  executor.advance(seconds(60));
  EXPECT_EQ(leaders, 1);
}

TEST_F(LeaderElectionTest, ARenewalThatHangsEndsTheLead) {
  Candidate a(*this, "a");
  a.election.start();
  executor.advance(seconds(5));
  server.is_hanging = true;
  executor.advance(seconds(12));
  EXPECT_EQ(a.stopped, 1);
  server.is_hanging = false;
  for (const auto& exchange : std::exchange(server.held, {})) {
    exchange->respond(200, {}, api::to_json(*server.lease));
  }
  executor.advance(seconds(10));
  EXPECT_EQ(a.started, 2);
  EXPECT_EQ(leaders, 1);
}

TEST_F(LeaderElectionTest, ALeaderWhoseLeaseWasTakenStopsAtOnce) {
  Candidate a(*this, "a");
  a.election.start();
  executor.advance(seconds(5));
  server.lease->spec.holder_identity = "usurper";
  server.lease->metadata.resource_version = std::to_string(++server.version);
  executor.advance(seconds(3));
  EXPECT_EQ(a.stopped, 1);
  executor.advance(seconds(10));
  EXPECT_FALSE(a.election.is_leader());
}

}  // namespace
}  // namespace pinnace::client

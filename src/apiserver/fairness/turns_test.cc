// Requests on their way through a server that has few seats: who is served, who waits, who is
// refused, and that nothing is held when they are gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using namespace testing;  // NOLINT: test helpers.
using std::chrono::seconds;

// An answer whose stream is read, and whose peer goes away, when the test says so.
class HeldAnswer final : public net::Exchange {
 public:
  int status = 0;
  net::Headers headers;
  std::string body;

  void respond(int code, net::Headers with, std::shared_ptr<const std::string> text) override {
    PINNACE_ASSERT(status == 0);
    status = code;
    headers = std::move(with);
    body = *text;
  }
  void stream(int code, net::Headers with, std::unique_ptr<net::Body> from) override {
    PINNACE_ASSERT(status == 0);
    status = code;
    headers = std::move(with);
    source_ = std::move(from);
  }
  void wake() override {}
  std::unique_ptr<net::Stream> upgrade(net::Headers) override { return nullptr; }
  void on_cancel(std::function<void()> cancelled) override { cancelled_ = std::move(cancelled); }
  io::Loop& loop() override { std::abort(); }
  void post(std::function<void()> work) override { work(); }

  // What the stream has now; how it stands after that.
  net::Body::State read() {
    char buffer[4096];
    while (true) {
      const auto read = source_->read(buffer);
      body.append(buffer, read.bytes);
      if (read.state == net::Body::State::kMore) continue;
      if (read.state != net::Body::State::kWaiting) source_.reset();
      return read.state;
    }
  }
  void go_away() {
    source_.reset();
    if (status == 0 && cancelled_) cancelled_();
  }

 private:
  std::unique_ptr<net::Body> source_;
  std::function<void()> cancelled_;
};
using HeldRef = std::shared_ptr<HeldAnswer>;

const Caller kJane{"jane", {"system:authenticated"}};
const Caller kAdmin{"admin", {"system:masters", "system:authenticated"}};
const std::string kMaps = "/api/v1/namespaces/default/configmaps";
const std::string kLevels = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
const std::string kSchemas = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";

class FairServer : public ::testing::Test {
 protected:
  // One seat for each level.
  FairServer() {
    server_.configuration.requests.max_requests_inflight = 1;
    server_.configuration.requests.max_mutating_requests_inflight = 0;
  }
  ~FairServer() override {
    for (const auto& each : held_) each->go_away();
  }

  // Everybody may do everything; what is authorised is not the point here.
  void start() {
    server_.configuration.authorization.modes = {"AlwaysAllow"};
    server_.server();
    server_.executor().run_until_idle();
  }
  HeldRef send(const Caller& who, std::string_view method, const std::string& target) {
    auto answer = std::make_shared<HeldAnswer>();
    held_.push_back(answer);
    server_.server().handle(request_of(who, method, target), answer);
    return answer;
  }
  HeldRef get(const Caller& who, const std::string& target) { return send(who, "GET", target); }
  std::string dump(const std::string& what) {
    return server_.call_as(kAdmin, "GET", "/debug/api_priority_and_fairness/" + what)->body;
  }
  // The columns of a level's row.
  std::vector<std::string> row(const std::string& level) {
    const std::string text = dump("dump_priority_levels");
    for (const auto line : split(text, '\n')) {
      std::vector<std::string> columns;
      for (const auto column : split(line, ',')) columns.emplace_back(trim(column));
      if (columns[0] == level) return columns;
    }
    return {};
  }
  std::string waiting(const std::string& level) { return row(level).at(4); }
  std::string executing(const std::string& level) { return row(level).at(5); }
  std::string uid(const std::string& path) {
    return server_.call_as(kAdmin, "GET", path)->at("metadata", "uid");
  }
  void apply(const std::string& collection, const std::string& json) {
    const auto made = server_.call_as(kAdmin, "POST", collection, json);
    ASSERT_EQ(made->status, 201) << made->body;
    server_.executor().run_until_idle();
  }
  std::string metric(const std::string& line) {
    const auto text = server_.call_as(kAdmin, "GET", "/metrics")->body;
    const auto at = text.find(line + ' ');
    if (at == std::string::npos) return "";
    const auto from = at + line.size() + 1;
    return text.substr(from, text.find('\n', from) - from);
  }

  TestServer server_;
  std::list<HeldRef> held_;
};

TEST_F(FairServer, SaysWhichFlowAndLevelARequestFellUnder) {
  start();
  const auto answer = get(kJane, kMaps + "/none");
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->headers.get("x-kubernetes-pf-flowschema-uid"),
            uid(kSchemas + "/global-default"));
  EXPECT_EQ(answer->headers.get("x-kubernetes-pf-prioritylevel-uid"),
            uid(kLevels + "/global-default"));
  EXPECT_EQ(get(kJane, "/healthz")->headers.get("x-kubernetes-pf-flowschema-uid"),
            uid(kSchemas + "/probes"));
  EXPECT_EQ(get(kAdmin, kMaps)->headers.get("x-kubernetes-pf-flowschema-uid"),
            uid(kSchemas + "/exempt"));
}

TEST_F(FairServer, ARequestWaitsForItsSeatAndIsServedThen) {
  start();
  const auto first = get(kJane, kMaps);
  EXPECT_EQ(first->status, 200);
  const auto second = get(kJane, kMaps), third = get(kJane, kMaps);
  EXPECT_EQ(second->status, 0);
  EXPECT_EQ(third->status, 0);
  EXPECT_EQ(waiting("global-default"), "2");
  // Others do not wait for it: administrators never, and who is of another level.
  EXPECT_EQ(get(kAdmin, kMaps)->status, 200);
  EXPECT_EQ(get({"system:node:a", {"system:nodes"}}, "/api/v1/nodes/a")->status, 404);
  EXPECT_EQ(first->read(), net::Body::State::kEnd);
  // One of them at a time.
  const auto& next = second->status == 200 ? second : third;
  const auto& last = second->status == 200 ? third : second;
  EXPECT_EQ(next->status, 200);
  EXPECT_EQ(last->status, 0);
  EXPECT_EQ(next->read(), net::Body::State::kEnd);
  EXPECT_EQ(last->status, 200);
  EXPECT_EQ(last->read(), net::Body::State::kEnd);
  EXPECT_EQ(waiting("global-default"), "0");
  EXPECT_EQ(executing("global-default"), "0");
}

TEST_F(FairServer, WhoWaitsForAQuarterOfHisTimeIsRefused) {
  server_.configuration.requests.request_timeout = seconds(20);
  start();
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps);
  server_.executor().advance(seconds(4));
  EXPECT_EQ(second->status, 0);
  server_.executor().advance(seconds(2));
  EXPECT_EQ(second->status, 429);
  EXPECT_EQ(second->headers.get("retry-after"), "1");
  EXPECT_NE(second->headers.get("x-kubernetes-pf-flowschema-uid"), "");
  EXPECT_EQ(second->headers.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(second->body, "Too many requests, please try again later.\n");
  EXPECT_EQ(
      metric("apiserver_flowcontrol_rejected_requests_total{priority_level=\"global-default\","
             "flow_schema=\"global-default\",reason=\"time-out\"}"),
      "1");
}

TEST_F(FairServer, WithoutQueuesWhoDoesNotFitIsRefusedAtOnce) {
  start();
  apply(kLevels, R"({"metadata":{"name":"strict"},"spec":{"type":"Limited","limited":{
    "nominalConcurrencyShares":1,"borrowingLimitPercent":0,"limitResponse":{"type":"Reject"}}}})");
  apply(kSchemas, R"({"metadata":{"name":"strict"},"spec":{"matchingPrecedence":50,
    "priorityLevelConfiguration":{"name":"strict"},"rules":[{"subjects":[{"kind":"User",
    "user":{"name":"jane"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],
    "resources":["configmaps"],"namespaces":["*"]}]}]}})");
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(second->status, 429);
  EXPECT_EQ(metric("apiserver_flowcontrol_rejected_requests_total{priority_level=\"strict\","
                   "flow_schema=\"strict\",reason=\"concurrency-limit\"}"),
            "1");
}

TEST_F(FairServer, WhoGoesAwayLeavesNothingBehind) {
  start();
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps), third = get(kJane, kMaps);
  second->go_away();
  EXPECT_EQ(waiting("global-default"), "1");
  EXPECT_EQ(row("global-default").at(9), "1");  // Cancelled.
  first->go_away();                             // In the middle of its answer.
  EXPECT_EQ(third->status, 200);
  third->go_away();
  EXPECT_EQ(executing("global-default"), "0");
  EXPECT_EQ(row("global-default").at(2), "true");
  EXPECT_EQ(get(kJane, kMaps + "/none")->status, 404);
}

TEST_F(FairServer, AWatchHoldsItsSeatUntilItHasToldWhatThereWas) {
  start();
  const auto watch = get(kJane, kMaps + "?watch=true");
  EXPECT_EQ(executing("global-default"), "1");
  const auto waits = get(kJane, kMaps + "/none");
  EXPECT_EQ(waits->status, 0);
  EXPECT_EQ(watch->read(), net::Body::State::kWaiting);
  EXPECT_EQ(waits->status, 404);
  EXPECT_EQ(executing("global-default"), "0");
  // Another one that its reader leaves before that.
  const auto left = get(kJane, kMaps + "?watch=true");
  left->go_away();
  EXPECT_EQ(executing("global-default"), "0");
}

TEST_F(FairServer, RequestsThatLastAreNotCounted) {
  start();
  const auto first = get(kJane, kMaps);
  const auto log = get(kJane, "/api/v1/namespaces/default/pods/none/log");
  EXPECT_EQ(log->status, 404);
  EXPECT_EQ(log->headers.get("x-kubernetes-pf-flowschema-uid"), "");
}

TEST_F(FairServer, AFloodOfOneUserDoesNotKeepNodesFromTheirHeartbeats) {
  start();
  std::vector<HeldRef> flood;
  for (int i = 0; i < 1000; ++i) flood.push_back(get(kJane, kMaps));
  EXPECT_TRUE(std::ranges::any_of(flood, [](const auto& each) { return each->status == 429; }));
  const Caller node{"system:node:a", {"system:nodes", "system:authenticated"}};
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  EXPECT_EQ(server_.call_as(node, "POST", leases, R"({"metadata":{"name":"a"}})")->status, 201);
  for (int beat = 0; beat < 10; ++beat) {
    server_.executor().advance(seconds(10));
    for (int i = 0; i < 100; ++i) flood.push_back(get(kJane, kMaps));
    const auto renewed = server_.call_as(node, "PATCH", leases + "/a",
                                         R"({"spec":{"renewTime":"2026-01-01T00:00:00.000000Z"}})",
                                         "application/merge-patch+json");
    EXPECT_EQ(renewed->status, 200) << renewed->body;
  }
  // And other users of the same level have their turns.
  const auto other = get({"john", {"system:authenticated"}}, kMaps + "/none");
  flood[0]->go_away();
  std::size_t served = 0;
  while (other->status == 0 && served < flood.size()) flood[served++]->go_away();
  EXPECT_EQ(other->status, 404);
  for (const auto& each : flood) each->go_away();
  EXPECT_EQ(executing("global-default"), "0");
  EXPECT_EQ(waiting("global-default"), "0");
}

TEST_F(FairServer, DumpsWhatWaitsAndWhatIsServed) {
  start();
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps);
  EXPECT_EQ(
      row("PriorityLevelName"),
      (std::vector<std::string>{"PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing",
                                "WaitingRequests", "ExecutingRequests", "DispatchedRequests",
                                "RejectedRequests", "TimedoutRequests", "CancelledRequests"}));
  EXPECT_EQ(row("global-default").at(1), "1");
  EXPECT_EQ(row("exempt").at(5), "1");  // Whoever asks.
  const std::string requests = dump("dump_requests?includeRequestDetails=1");
  EXPECT_TRUE(requests.starts_with("PriorityLevelName, FlowSchemaName, QueueIndex,")) << requests;
  EXPECT_NE(requests.find("jane"), std::string::npos);
  EXPECT_NE(requests.find("0001-01-01T00:00:00Z"), std::string::npos);
  EXPECT_TRUE(dump("dump_queues").starts_with("PriorityLevelName, "));
}

TEST_F(FairServer, CountsForMetrics) {
  start();
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps);
  const std::string flow = "{priority_level=\"global-default\",flow_schema=\"global-default\"}";
  EXPECT_EQ(metric("apiserver_flowcontrol_current_executing_requests" + flow), "1");
  EXPECT_EQ(metric("apiserver_flowcontrol_current_executing_seats" + flow), "1");
  EXPECT_EQ(metric("apiserver_flowcontrol_current_inqueue_requests" + flow), "1");
  EXPECT_EQ(metric("apiserver_flowcontrol_dispatched_requests_total" + flow), "1");
  EXPECT_EQ(metric("apiserver_flowcontrol_nominal_limit_seats{priority_level=\"global-default\"}"),
            "1");
  second->go_away();
  first->go_away();
  EXPECT_EQ(metric("apiserver_flowcontrol_current_executing_requests" + flow), "0");
  EXPECT_EQ(metric("apiserver_flowcontrol_request_execution_seconds_count{priority_level=\"global-"
                   "default\",flow_schema=\"global-default\",type=\"regular\"}"),
            "1");
}

// -- The time that a request has.

TEST_F(FairServer, ARequestThatTakesTooLongIsToldSo) {
  start();
  const auto first = get(kJane, kMaps);
  const auto second = get(kJane, kMaps + "?timeout=2s");
  server_.executor().advance(seconds(1));
  EXPECT_EQ(second->status, 0);
  server_.executor().advance(seconds(1));
  EXPECT_EQ(second->status, 504);
  EXPECT_EQ(second->headers.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_NE(second->body.find("\"reason\":\"Timeout\""), std::string::npos);
  EXPECT_NE(second->body.find("request did not complete within the allotted timeout"),
            std::string::npos);
  EXPECT_EQ(waiting("global-default"), "0");
  EXPECT_EQ(executing("global-default"), "1");
}

TEST_F(FairServer, AnAnswerThatIsTakenTooSlowlyIsCutAndHoldsNoSeat) {
  start();
  const auto slow = get(kJane, kMaps);
  server_.executor().advance(seconds(61));
  EXPECT_EQ(executing("global-default"), "0");
  EXPECT_EQ(slow->read(), net::Body::State::kFailed);
}

TEST_F(FairServer, AClientMayAskForLessTimeButNotForMore) {
  start();
  const auto bad = get(kJane, kMaps + "?timeout=soon");
  EXPECT_EQ(bad->status, 400);
  EXPECT_NE(bad->body.find("invalid timeout specified in the request URL"), std::string::npos);
  const auto first = get(kJane, kMaps + "?timeout=1h");
  server_.executor().advance(seconds(61));
  EXPECT_EQ(first->read(), net::Body::State::kFailed);
  // A watch lasts.
  const auto watch = get(kJane, kMaps + "?watch=true&timeout=1s");
  server_.executor().advance(seconds(120));
  EXPECT_EQ(watch->read(), net::Body::State::kWaiting);
}

TEST_F(FairServer, AWatchThatDoesNotSayEndsAfterOnceToTwiceTheLeastTime) {
  server_.configuration.requests.min_request_timeout = seconds(100);
  start();
  const auto watch = get(kJane, kMaps + "?watch=true");
  server_.executor().advance(seconds(99));
  EXPECT_EQ(watch->read(), net::Body::State::kWaiting);
  server_.executor().advance(seconds(102));
  EXPECT_EQ(watch->read(), net::Body::State::kEnd);
}

TEST_F(FairServer, NowAndThenAClientOnHttp2IsSentToConnectAnew) {
  server_.configuration.requests.goaway_chance = 0.02;
  start();
  int sent_away = 0;
  for (int i = 0; i < 2000; ++i) {
    auto request = request_of(kAdmin, "GET", "/version");
    request.http_version = i % 2 == 0 ? 20 : 11;
    const auto answer = std::make_shared<HeldAnswer>();
    server_.server().handle(std::move(request), answer);
    if (answer->headers.get("connection") != "close") continue;
    EXPECT_EQ(i % 2, 0);
    ++sent_away;
  }
  EXPECT_GT(sent_away, 0);
  EXPECT_LT(sent_away, 100);
}

// -- Without fairness.

TEST_F(FairServer, WithoutFairnessThereAreTwoPlainLimits) {
  server_.configuration.requests.is_fair = false;
  server_.configuration.requests.max_mutating_requests_inflight = 1;
  start();
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->headers.get("x-kubernetes-pf-flowschema-uid"), "");
  EXPECT_EQ(second->status, 429);
  EXPECT_EQ(second->headers.get("retry-after"), "1");
  // Those that write have a limit of their own, and administrators none.
  EXPECT_EQ(send(kJane, "DELETE", kMaps + "/none")->status, 404);
  EXPECT_EQ(get(kAdmin, kMaps)->status, 200);
  EXPECT_EQ(first->read(), net::Body::State::kEnd);
  EXPECT_EQ(get(kJane, kMaps + "/none")->status, 404);
}

// -- The objects.

TEST_F(FairServer, ASchemaSaysWhetherItsLevelIsThere) {
  start();
  apply(kSchemas, R"({"metadata":{"name":"mine"},"spec":{"matchingPrecedence":50,
    "priorityLevelConfiguration":{"name":"mine"},"rules":[{"subjects":[{"kind":"User",
    "user":{"name":"jane"}}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}})");
  const auto said = [&](const char* member) {
    const auto answer = server_.call_as(kAdmin, "GET", kSchemas + "/mine");
    const auto* conditions = answer->json().find_path({"status", "conditions"});
    const bool is_one = conditions != nullptr && conditions->size() == 1;
    return is_one ? std::string(conditions->items()[0].string_at(member)) : answer->body;
  };
  EXPECT_EQ(said("type"), "Dangling");
  EXPECT_EQ(said("status"), "True");
  EXPECT_EQ(said("reason"), "NotFound");
  EXPECT_EQ(said("message"),
            "This FlowSchema references the PriorityLevelConfiguration object named \"mine\" but "
            "there is no such object");
  EXPECT_EQ(get(kJane, "/version")->headers.get("x-kubernetes-pf-flowschema-uid"),
            uid(kSchemas + "/global-default"));
  apply(kLevels, R"({"metadata":{"name":"mine"},"spec":{"type":"Limited","limited":{
    "limitResponse":{"type":"Reject"}}}})");
  EXPECT_EQ(said("status"), "False");
  EXPECT_EQ(said("reason"), "Found");
  EXPECT_EQ(get(kJane, "/version")->headers.get("x-kubernetes-pf-flowschema-uid"),
            uid(kSchemas + "/mine"));
  server_.call_as(kAdmin, "DELETE", kLevels + "/mine");
  server_.executor().run_until_idle();
  EXPECT_EQ(said("status"), "True");
}

TEST_F(FairServer, DefaultObjectsAreKept) {
  start();
  for (const std::string& path :
       {kSchemas + "/catch-all", kLevels + "/exempt", kLevels + "/workload-low"}) {
    EXPECT_EQ(server_.call_as(kAdmin, "DELETE", path)->status, 200) << path;
    server_.executor().run_until_idle();
    const auto again = server_.call_as(kAdmin, "GET", path);
    EXPECT_EQ(again->status, 200) << path;
    EXPECT_EQ(again->at("metadata", "annotations", "apf.kubernetes.io/autoupdate-spec"), "true");
    EXPECT_EQ(again->at("metadata", "generation"), "1");
  }
  // A suggested one is the server's until somebody says otherwise.
  const std::string low = kLevels + "/workload-low";
  const auto shares = [&] {
    server_.executor().run_until_idle();
    return server_.call_as(kAdmin, "GET", low)->at("spec", "limited", "nominalConcurrencyShares");
  };
  const std::string merge = "application/merge-patch+json";
  server_.call_as(kAdmin, "PATCH", low, R"({"spec":{"limited":{"nominalConcurrencyShares":7}}})",
                  merge);
  EXPECT_EQ(shares(), "100");
  server_.call_as(kAdmin, "PATCH", low,
                  R"({"metadata":{"annotations":{"apf.kubernetes.io/autoupdate-spec":"false"}},
                      "spec":{"limited":{"nominalConcurrencyShares":7}}})",
                  merge);
  EXPECT_EQ(shares(), "7");
  // What was suggested once goes.
  apply(kSchemas, R"({"metadata":{"name":"once",
    "annotations":{"apf.kubernetes.io/autoupdate-spec":"true"}},"spec":{"matchingPrecedence":50,
    "priorityLevelConfiguration":{"name":"exempt"},"rules":[]}})");
  EXPECT_EQ(server_.call_as(kAdmin, "GET", kSchemas + "/once")->status, 404);
}

TEST_F(FairServer, WhatKeepsTheServerGoingCannotBeChanged) {
  start();
  const auto refused = server_.call_as(kAdmin, "PATCH", kLevels + "/catch-all",
                                       R"({"spec":{"limited":{"nominalConcurrencyShares":7}}})",
                                       "application/merge-patch+json");
  EXPECT_EQ(refused->status, 422);
  EXPECT_NE(refused->message().find("spec of 'catch-all' must equal the fixed value"),
            std::string::npos)
      << refused->message();
}

TEST_F(FairServer, WhoWaitsWhenTheServerGoesIsLetGo) {
  start();
  const auto first = get(kJane, kMaps), second = get(kJane, kMaps);
  server_.server().shut_down();
  EXPECT_EQ(second->status, 429);
}

}  // namespace
}  // namespace pinnace::apiserver

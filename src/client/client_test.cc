#include "client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "api/types/apps_v1.h"
#include "api/types/core_v1.h"
#include "client/json_slices.h"
#include "client/local_transport.h"
#include "client/status.h"
#include "client/test_support.h"

namespace pinnace::client {
namespace {

using namespace testing;
using api::core_v1::ConfigMap;
using Texts = std::vector<std::string>;

class ClientTest : public ::testing::Test {
 protected:
  io::SimExecutor executor;
  SimLoop loop{executor};
  ScriptedServer server;
  LocalTransport transport{server, {"tester", {}}, &loop};
  Client api{transport};
};

TEST_F(ClientTest, NamesThePathsOfObjects) {
  using api::apps_v1::Deployment;
  using api::core_v1::Node;
  EXPECT_EQ(Client::path(ConfigMap::kResource, "x", "a"), "/api/v1/namespaces/x/configmaps/a");
  EXPECT_EQ(Client::path(ConfigMap::kResource, "", ""), "/api/v1/configmaps");
  EXPECT_EQ(Client::path(Node::kResource, "ignored", "n", "status"), "/api/v1/nodes/n/status");
  EXPECT_EQ(Client::path(Deployment::kResource, "x", "a b/c", "scale"),
            "/apis/apps/v1/namespaces/x/deployments/a%20b%2Fc/scale");
  EXPECT_EQ(Client::list_query({"x", "a=b,c", "spec.nodeName=n"}),
            "?labelSelector=a%3Db%2Cc&fieldSelector=spec.nodeName%3Dn");
}

TEST_F(ClientTest, GetsAndLists) {
  server.answer(200, config_map("a", 3));
  EXPECT_EQ(api.get<ConfigMap>("x", "a")->metadata.resource_version, "3");
  server.answer(200, list_of(7, {config_map("a", 3), config_map("b", 4)}));
  const auto list = api.list<ConfigMap>({.ns = "x"});
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->resource_version, "7");
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[1].metadata.name, "b");
  EXPECT_EQ(server.targets().back(), "GET /api/v1/namespaces/x/configmaps");
}

TEST_F(ClientTest, WritesWithTheRightMethodTypeAndBody) {
  ConfigMap map;
  map.metadata.name = "a";
  map.metadata.namespace_ = "x";
  for (int i = 0; i < 3; ++i) server.answer(201, config_map("a", 3));
  EXPECT_TRUE(api.create(map).has_value());
  EXPECT_TRUE(api.update(map).has_value());
  EXPECT_TRUE(api.patch<ConfigMap>("x", "a", PatchType::kStrategicMerge, "{}").has_value());
  EXPECT_EQ(server.targets(),
            (Texts{"POST /api/v1/namespaces/x/configmaps", "PUT /api/v1/namespaces/x/configmaps/a",
                   "PATCH /api/v1/namespaces/x/configmaps/a"}));
  EXPECT_EQ(server.requests[0].headers.get("content-type"), "application/json");
  EXPECT_NE(server.requests[0].body.find(R"("kind":"ConfigMap")"), std::string::npos);
  EXPECT_EQ(server.requests[2].headers.get("content-type"),
            "application/strategic-merge-patch+json");
}

TEST_F(ClientTest, DeletesWithItsOptions) {
  server.answer(200, status(200, ""));
  ASSERT_TRUE(api.remove<ConfigMap>(
                     "x", "a",
                     {.grace_period_seconds = 0, .propagation_policy = "Foreground", .uid = "u\"1"})
                  .has_value());
  EXPECT_EQ(server.requests[0].body,
            R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground",)"
            R"("gracePeriodSeconds":0,"preconditions":{"uid":"u\"1"}})");
}

TEST_F(ClientTest, AStatusBecomesAnError) {
  server.answer(422, status(422, "Invalid",
                            R"(,"details":{"name":"a","group":"apps","kind":"Deployment",)"
                            R"("uid":"u","causes":[{"reason":"FieldValueRequired",)"
                            R"("message":"Required value","field":"spec.x"}]})"));
  const auto failed = api.get<ConfigMap>("x", "a");
  ASSERT_FALSE(failed.has_value());
  const Error& error = failed.error();
  EXPECT_EQ(error.code, 422);
  EXPECT_TRUE(error.is("Invalid"));
  EXPECT_EQ(error.message, "sorry");
  EXPECT_EQ(error.kind + error.group + error.name + error.uid, "Deploymentappsau");
  ASSERT_EQ(error.causes.size(), 1u);
  EXPECT_EQ(error.causes[0].type, "FieldValueRequired");
  EXPECT_EQ(error.causes[0].field, "spec.x");
  EXPECT_EQ(error.retry, Retry::kNever);
}

TEST(Status, SaysWhatToDoNext) {
  EXPECT_EQ(retry_for(409, "Conflict"), Retry::kAfterRead);
  EXPECT_EQ(retry_for(409, "AlreadyExists"), Retry::kNever);
  EXPECT_EQ(retry_for(410, "Expired"), Retry::kAfterRead);
  for (const int code : {408, 429, 500, 503, 504}) EXPECT_EQ(retry_for(code, ""), Retry::kLater);
  EXPECT_EQ(retry_for(403, "Forbidden"), Retry::kNever);
  EXPECT_EQ(error_from_status(
                429, status(429, "TooManyRequests", R"(,"details":{"retryAfterSeconds":3})"))
                .retry_after_seconds,
            3);
}

TEST(Status, AForeignAnswerIsQuotedInPart) {
  const Error error = error_from_status(502, "<html>" + std::string(5000, 'x'));
  EXPECT_EQ(error.code, 502);
  EXPECT_TRUE(error.message.starts_with("the server answered 502: <html>xxx"));
  EXPECT_LT(error.message.size(), 300u);
  EXPECT_EQ(error_from_status(404, "").message, "the server answered 404");
}

TEST_F(ClientTest, AnAnswerThatIsNoListIsAnError) {
  for (const char* body : {"", "[]", "{}", R"({"items":)", R"({"items":[{]})", R"({"items":7})"}) {
    server.answer(200, body);
    EXPECT_FALSE(api.list<ConfigMap>().has_value()) << body;
  }
  server.answer(200, R"({"metadata":{},"items":null})");
  EXPECT_TRUE(api.list<ConfigMap>()->items.empty());
}

TEST_F(ClientTest, WaitsForAnAnswerFromAnotherThreadAndForABodyInPieces) {
  struct SlowServer final : net::Handler {
    void handle(net::Request, std::shared_ptr<net::Exchange> exchange) override {
      thread = std::thread([exchange, this] {
        feed->exchange = exchange;
        feed->text = "hello ";
        feed->text += "world";
        feed->ended = true;
        exchange->stream(200, {}, std::make_unique<FeedBody>(feed));
        exchange->wake();
      });
    }
    std::thread thread;
    std::shared_ptr<Feed> feed = std::make_shared<Feed>();
  } slow;
  LocalTransport direct(slow, {"tester", {}}, &loop);
  const auto response = direct.round_trip({});
  slow.thread.join();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(*response->body, "hello world");
}

TEST_F(ClientTest, NoAnswerComesAfterTheTransportHasGone) {
  struct LateServer final : net::Handler {
    void handle(net::Request, std::shared_ptr<net::Exchange> exchange) override {
      waiting.push_back(std::move(exchange));
    }
    std::vector<std::shared_ptr<net::Exchange>> waiting;
  } late;
  int answers = 0;
  {
    LocalTransport gone(late, {"tester", {}}, &loop);
    for (int i = 0; i < 2; ++i) {
      gone.send({}, executor, [&](const Result<Response>&) { ++answers; });
    }
    executor.run_until_idle();
    ASSERT_EQ(late.waiting.size(), 2u);
  }
  late.waiting[0]->respond(200, {}, std::string("too late"));
  late.waiting.clear();  // The other one is let go of.
  executor.run_until_idle();
  EXPECT_EQ(answers, 0);
}

TEST_F(ClientTest, SentCallsAnswerOnTheExecutorWhateverShapeTheAnswerHas) {
  std::vector<std::string> answers;
  const auto send = [&](Transport& way) {
    way.send({}, executor, [&](const Result<Response>& answer) {
      answers.push_back(answer ? *answer->body : answer.error().message);
    });
  };
  server.answer(200, "whole");
  send(transport);
  EXPECT_TRUE(answers.empty());  // Never before `send` returns.
  executor.run_until_idle();
  EXPECT_EQ(answers, Texts{"whole"});

  struct OddServer final : net::Handler {
    void handle(net::Request, std::shared_ptr<net::Exchange> exchange) override {
      if (++calls == 3) return;  // Lets go of the exchange.
      auto feed = std::make_shared<Feed>();
      feed->exchange = exchange;
      exchange->stream(200, {}, std::make_unique<FeedBody>(feed));
      feed->write("in pieces");
      if (calls == 1)
        feed->end();
      else
        feed->break_off();
    }
    int calls = 0;
  } odd;
  LocalTransport to_odd(odd, {"tester", {}}, &loop);
  for (int i = 0; i < 3; ++i) send(to_odd);
  executor.run_until_idle();
  EXPECT_THAT(answers,
              ::testing::UnorderedElementsAre("whole", "in pieces\n", "the answer broke off",
                                              "the server gave no answer"));
}

TEST(JsonSlices, CutsEvents) {
  const auto added = event_slices(R"({"type":"ADDED","object":{"a":"}","metadata":{"b":[1]}}})");
  EXPECT_EQ(added.type, "ADDED");
  EXPECT_EQ(added.object, R"({"a":"}","metadata":{"b":[1]}})");
  EXPECT_EQ(from_member(added.object, "metadata"), R"({"b":[1]}})");
  EXPECT_EQ(raw_member(from_member(added.object, "metadata"), "b"), "[1]");
  EXPECT_EQ(from_member(added.object, "b"), "");
  EXPECT_EQ(event_slices("{ \"type\" : \"X\" , \"object\" : {} }").object, "{} ");
  for (const char* none :
       {"", "{}", "[]", R"({"type":"X"})", R"({"object":{}})", R"({"type":"X",)"}) {
    EXPECT_EQ(event_slices(none).type, "") << none;
  }
}

TEST(JsonSlices, CutsMembersAndElements) {
  Texts seen;
  EXPECT_TRUE(for_each_member(R"( { "a" : 1 , "b":"x,\"}", "c":[1,{"d":"]"}],"e":null } )",
                              [&](std::string_view key, std::string_view raw) {
                                seen.push_back(std::string(key) + '=' + std::string(raw));
                              }));
  EXPECT_EQ(seen, (Texts{"a=1", R"(b="x,\"}")", R"(c=[1,{"d":"]"}])", "e=null"}));
  seen.clear();
  EXPECT_TRUE(for_each_element(R"([{"a":[]} , 2,"]"])",
                               [&](std::string_view raw) { seen.emplace_back(raw); }));
  EXPECT_EQ(seen, (Texts{R"({"a":[]})", "2", R"("]")"}));
  EXPECT_TRUE(for_each_element("[]", [](std::string_view) { FAIL(); }));
  seen.clear();
  EXPECT_TRUE(for_each_element(R"(["\\","\\\"]",""])",
                               [&](std::string_view raw) { seen.emplace_back(raw); }));
  EXPECT_EQ(seen, (Texts{R"("\\")", R"("\\\"]")", R"("")"}));
  EXPECT_FALSE(for_each_element(R"(["\"])", [](std::string_view) {}));
  for (const char* bad : {"", "{", R"({"a")", R"({"a":})", R"({"a":1,})", R"({"a":"x})", "[1]"}) {
    EXPECT_FALSE(for_each_member(bad, [](std::string_view, std::string_view) {})) << bad;
  }
  EXPECT_EQ(plain_string(R"("12")"), "12");
  EXPECT_EQ(plain_string(R"("1\n2")"), "");
  EXPECT_EQ(plain_string("12"), "");
}

}  // namespace
}  // namespace pinnace::client

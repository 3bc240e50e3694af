#include "client/event_recorder.h"

#include <gtest/gtest.h>

#include "client/local_transport.h"
#include "client/test_support.h"

namespace pinnace::client {
namespace {

using namespace testing;
using api::core_v1::Event;

class EventRecorderTest : public ::testing::Test {
 protected:
  EventRecorderTest() {
    about.kind = "Pod";
    about.api_version = "v1";
    about.namespace_ = "x";
    about.name = "web";
    about.uid = "u";
  }
  void record(const std::string& message) {
    recorder.record(about, "Normal", "Started", message);
    executor.run_until_idle();
  }
  io::SimExecutor executor;
  SimLoop loop{executor};
  ScriptedServer server;
  LocalTransport transport{server, {"tester", {}}, &loop};
  Client api{transport};
  std::unique_ptr<Rng> rng = seeded_rng(1);
  EventRecorder recorder{api, executor, *rng, "kubelet", "node-1"};
  api::core_v1::ObjectReference about;
};

TEST_F(EventRecorderTest, SendsAnEventAboutTheObject) {
  server.answer(201, "{}");
  record("Started container web");
  ASSERT_EQ(server.targets(), std::vector<std::string>{"POST /api/v1/namespaces/x/events"});
  const auto event = api::from_json<Event>(server.requests[0].body);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->involved_object, about);
  EXPECT_EQ(event->type, "Normal");
  EXPECT_EQ(event->reason, "Started");
  EXPECT_EQ(event->message, "Started container web");
  EXPECT_EQ(event->source.component, "kubelet");
  EXPECT_EQ(event->source.host, "node-1");
  EXPECT_EQ(event->count, 1);
  EXPECT_TRUE(event->metadata.name.starts_with("web."));
  EXPECT_EQ(event->first_timestamp.value, executor.wall());
}

TEST_F(EventRecorderTest, CountsUpWhenTheSameHappensAgain) {
  for (int i = 0; i < 3; ++i) server.answer(201, "{}");
  record("again");
  executor.advance(std::chrono::seconds(7));
  record("again");
  record("again");
  ASSERT_EQ(server.requests.size(), 3u);
  const auto first = api::from_json<Event>(server.requests[0].body);
  EXPECT_EQ(server.targets()[1], "PATCH /api/v1/namespaces/x/events/" + first->metadata.name);
  EXPECT_EQ(server.requests[1].body,
            R"({"count":2,"lastTimestamp":")" + rfc3339(executor.wall()) + "\"}");
  EXPECT_TRUE(server.requests[2].body.starts_with(R"({"count":3,)"));
}

TEST_F(EventRecorderTest, BeginsAnewWhenTheCountedEventIsGone) {
  server.answer(201, "{}");
  server.answer(404, status(404, "NotFound"));
  server.answer(201, "{}");
  record("again");
  record("again");
  EXPECT_EQ(server.targets()[2], "POST /api/v1/namespaces/x/events");
}

TEST_F(EventRecorderTest, OneObjectCannotFloodTheServer) {
  for (int i = 0; i < 30; ++i) server.answer(201, "{}");
  for (int i = 0; i < 100; ++i) record("message " + std::to_string(i));
  EXPECT_EQ(server.requests.size(), 25u);
  executor.advance(std::chrono::minutes(5));
  record("later");
  record("too soon");
  EXPECT_EQ(server.requests.size(), 26u);
}

TEST_F(EventRecorderTest, GoesOnAfterAFailure) {
  server.answer(500, status(500, "InternalError"));
  server.answer(201, "{}");
  record("lost");
  record("sent");
  EXPECT_EQ(server.requests.size(), 2u);
}

TEST_F(EventRecorderTest, EventsAboutClusterObjectsGoToDefault) {
  server.answer(201, "{}");
  api::core_v1::Node node;
  node.metadata.name = "n";
  recorder.record(make_reference(node), "Warning", "Rebooted", "again");
  executor.run_until_idle();
  EXPECT_EQ(server.targets()[0], "POST /api/v1/namespaces/default/events");
}

}  // namespace
}  // namespace pinnace::client

#include "client/informer.h"

#include <gtest/gtest.h>

#include "api/types/core_v1.h"
#include "client/local_transport.h"
#include "client/test_support.h"

namespace pinnace::client {
namespace {

using namespace testing;
using api::core_v1::ConfigMap;
using std::chrono::milliseconds;
using std::chrono::seconds;

class InformerTest : public ::testing::Test {
 protected:
  InformerTest() {
    maps.on_change([this](const std::string& key) { changed.push_back(key); });
    maps.on_synced([this] { ++synced; });
  }
  void TearDown() override {
    maps.stop();
    executor.run_until_idle();
  }
  // Lists `items` at `version` and opens a watch.
  void sync(int version, const std::vector<std::string>& items) {
    server.answer(200, list_of(version, items));
    maps.start();
    executor.run_until_idle();
    ASSERT_EQ(server.feeds.size(), 1u);
  }
  Feed& feed() { return *server.feeds.back(); }
  std::string watch_target(int version) {
    return "GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion=" +
           std::to_string(version);
  }

  io::SimExecutor executor;
  SimLoop loop{executor};
  ScriptedServer server;
  LocalTransport transport{server, {"tester", {"group"}}, &loop};
  Client api{transport};
  Informer<ConfigMap> maps{api, executor};
  std::vector<std::string> changed;
  int synced = 0;
};

using Keys = std::vector<std::string>;

TEST_F(InformerTest, ListsThenWatchesFromTheListsVersion) {
  sync(5, {config_map("a", 3), config_map("b", 4, R"(,"data":{"k":"}],"})")});
  EXPECT_TRUE(maps.synced());
  EXPECT_EQ(synced, 1);
  EXPECT_EQ(changed, (Keys{"x/a", "x/b"}));
  EXPECT_EQ(maps.get("x/b")->data.at("k"), "}],");
  EXPECT_EQ(server.targets(), (Keys{"GET /api/v1/configmaps", watch_target(5)}));
  EXPECT_EQ(server.requests[0].peer.certificate_common_name, "tester");
  EXPECT_EQ(server.requests[0].peer.certificate_organizations, Keys{"group"});
}

TEST_F(InformerTest, AReflectorAsksForMetadataAloneWhereThatIsAllItNeeds) {
  server.answer(200, list_of(5, {}));
  Reflector reflector(transport, executor, ConfigMap::kResource, {},
                      {[](std::string_view, bool) { return Result<void>(); }, [] {}, [] {}},
                      Reflector::Content::kMetadata);
  reflector.start();
  executor.run_until_idle();
  ASSERT_EQ(server.requests.size(), 2u);
  EXPECT_EQ(server.requests[0].headers.get("accept"),
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(server.requests[1].headers.get("accept"),
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  reflector.stop();
  executor.run_until_idle();
}

TEST_F(InformerTest, FollowsEvents) {
  sync(5, {config_map("a", 3)});
  feed().write(event("ADDED", config_map("b", 6)));
  feed().write(event("MODIFIED", config_map("a", 7, R"(,"data":{"k":"v"})")));
  feed().write(event("DELETED", config_map("b", 8)));
  executor.run_until_idle();
  EXPECT_EQ(changed, (Keys{"x/a", "x/b", "x/a", "x/b"}));
  EXPECT_EQ(maps.get("x/a")->data.at("k"), "v");
  EXPECT_EQ(maps.get("x/b"), nullptr);
}

TEST_F(InformerTest, GivesBothStatesOfATransition) {
  Keys seen;
  maps.on_transition([&](const auto& before, const auto& after) {
    seen.push_back((before ? before->metadata.resource_version : "-") + ">" +
                   (after ? after->metadata.resource_version : "-"));
  });
  sync(5, {config_map("a", 3)});
  feed().write(event("MODIFIED", config_map("a", 7)));
  feed().write(event("DELETED", config_map("a", 8)));
  executor.run_until_idle();
  EXPECT_EQ(seen, (Keys{"->3", "3>7", "7>-"}));
}

TEST_F(InformerTest, ResumesABrokenWatchFromTheLastVersion) {
  sync(5, {});
  feed().write(event("ADDED", config_map("a", 6)));
  feed().write(event("BOOKMARK", R"({"kind":"ConfigMap","metadata":{"resourceVersion":"9"}})"));
  feed().break_off();
  executor.advance(milliseconds(50));
  EXPECT_EQ(server.targets().back(), watch_target(9));
  ASSERT_EQ(server.feeds.size(), 2u);
  feed().write(event("ADDED", config_map("b", 10)));
  feed().end();
  executor.advance(milliseconds(50));
  EXPECT_EQ(server.targets().back(), watch_target(10));
  EXPECT_EQ(maps.all().size(), 2u);
  EXPECT_EQ(synced, 1);
}

TEST_F(InformerTest, ListsAnewWhenTheWatchIsTooOld) {
  sync(5, {config_map("a", 3), config_map("b", 4)});
  changed.clear();
  feed().write(event("ERROR", status(410, "Expired")));
  feed().end();
  server.answer(200, list_of(20, {config_map("b", 4), config_map("c", 18)}));
  executor.advance(milliseconds(50));
  EXPECT_EQ(changed, (Keys{"x/c", "x/a"}));
  EXPECT_EQ(maps.get("x/a"), nullptr);
  EXPECT_EQ(server.targets().back(), watch_target(20));
}

TEST_F(InformerTest, ListsAnewWhenTheWatchIsRefusedAsTooOld) {
  sync(5, {});
  feed().end();
  server.answer(410, status(410, "Expired"));
  server.answer(200, list_of(20, {config_map("c", 18)}));
  executor.advance(seconds(1));
  EXPECT_EQ(maps.all().size(), 1u);
}

TEST_F(InformerTest, WaitsLongerAfterEachFailureUpToTenSeconds) {
  for (int i = 0; i < 12; ++i) server.answer(500, status(500, "InternalError"));
  server.answer(200, list_of(5, {}));
  maps.start();
  executor.run_until_idle();
  EXPECT_EQ(server.requests.size(), 1u);
  executor.advance(milliseconds(49));
  EXPECT_EQ(server.requests.size(), 1u);
  executor.advance(milliseconds(1));
  EXPECT_EQ(server.requests.size(), 2u);
  executor.advance(milliseconds(100));
  EXPECT_EQ(server.requests.size(), 3u);
  executor.advance(seconds(13));  // 0.2 + 0.4 + ... + 6.4 s
  EXPECT_EQ(server.requests.size(), 9u);
  executor.advance(seconds(40));
  EXPECT_TRUE(maps.synced());
}

TEST_F(InformerTest, LeavesOutWhatIsNotUnderstood) {
  sync(5, {config_map("a", 3), R"({"metadata":{"name":"bad","namespace":"x"},"data":7})"});
  EXPECT_EQ(changed, Keys{"x/a"});
  feed().write("no json at all");
  feed().write(event("ADDED", config_map("b", 6)));
  executor.run_until_idle();
  EXPECT_NE(maps.get("x/b"), nullptr);
}

TEST_F(InformerTest, StopEndsTheWatchAndAllCallbacks) {
  sync(5, {});
  feed().write(event("ADDED", config_map("a", 6)));
  maps.stop();
  executor.run_until_idle();
  EXPECT_TRUE(changed.empty());
  EXPECT_TRUE(server.feeds[0]->closed);
  executor.advance(seconds(60));
  EXPECT_EQ(server.requests.size(), 2u);
}

TEST_F(InformerTest, AHandlerMayStopTheInformer) {
  maps.on_change([this](const std::string&) { maps.stop(); });
  sync(5, {});
  feed().write(event("ADDED", config_map("a", 6)));
  feed().write(event("ADDED", config_map("b", 7)));
  executor.run_until_idle();
  EXPECT_EQ(changed, Keys{"x/a"});
}

TEST_F(InformerTest, HoldsBackTheServerWhenTheReaderIsBusy) {
  sync(5, {});
  feed().piece = 60'000;
  const std::string big(300'000, 'v');
  for (int i = 0; i < 20; ++i) {
    feed().text += event("ADDED", config_map("m" + std::to_string(i), 6 + i,
                                             R"(,"data":{"k":")" + big + "\"}")) +
                   "\n";
  }
  feed().write("");
  executor.run_until_idle();
  EXPECT_EQ(maps.all().size(), 20u);
}

TEST_F(InformerTest, FindsTheObjectsOfANamespace) {
  sync(5, {config_map("a", 3), config_map("b", 4)});
  EXPECT_EQ(maps.in_namespace("x").size(), 2u);
  EXPECT_TRUE(maps.in_namespace("y").empty());
}

}  // namespace
}  // namespace pinnace::client

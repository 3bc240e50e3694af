// What only a store on etcd has to show: several servers on one cluster, and members that fail.
#include "store/etcd/etcd_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <iostream>
#include <thread>

#include "store/etcd/layout.h"
#include "store/test_support.h"

namespace pinnace::store {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

class EtcdStores : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open(EtcdCluster& cluster, Duration compaction = {},
                              Duration timeout = seconds(10)) {
    for (int tries = 0;; ++tries) {  // Members may take a while to find each other.
      auto made = EtcdStore::create(
          {.etcd = {.endpoints = cluster.endpoints(), .prefix = "/two", .request_timeout = timeout},
           .compaction_interval = compaction,
           .executor = timers_.loop()});
      if (made) return std::move(*made);
      if (tries == 10) {
        std::cerr << made.error().message << '\n' << cluster.logs();
        std::abort();
      }
    }
  }
  static Result<void> current(Store& store) {
    std::promise<Result<void>> ready;
    store.when_current([&](Result<void> result) { ready.set_value(std::move(result)); });
    return ready.get_future().get();
  }
  static std::shared_ptr<etcd::Client> raw(EtcdCluster& cluster) {
    return etcd::Client::create({.endpoints = cluster.endpoints()}).value();
  }
  static Revision put_raw(etcd::Client& client, const std::string& key) {
    std::promise<Revision> done;
    client.commit({.puts = {{key, "x"}}}, [&](const Result<etcd::TransactionAnswer>& answer) {
      done.set_value(answer.value().revision);
    });
    return done.get_future().get();
  }
  // A write that may meet a cluster without a leader for a while.
  static ObjectRef put_patiently(Store& store, const std::string& name) {
    for (int tries = 0; tries < 100; ++tries) {
      auto made = store.commit_and_wait(create("x", name));
      if (made) return *made;
      if (made.error().is("AlreadyExists")) return store.get({"pods", "x", name}).value();
    }
    return nullptr;
  }

  ScratchDirectory scratch_;
  io::LoopThread timers_{"timers"};
};

TEST_F(EtcdStores, AReadSeesWhatAnotherServerAcknowledged) {
  const auto a = open(shared_etcd()), b = open(shared_etcd());
  ObjectRef object;
  for (int i = 0; i < 100; ++i) {
    auto& writer = i % 2 == 0 ? *a : *b;
    auto& reader = i % 2 == 0 ? *b : *a;
    auto written = object ? writer.commit_and_wait(update(object, std::to_string(i)))
                          : writer.commit_and_wait(create("x", "seen"));
    ASSERT_TRUE(written.has_value()) << written.error().message;
    ASSERT_TRUE(current(reader).has_value());
    object = reader.get((*written)->key).value();
    EXPECT_EQ(object->revision, (*written)->revision);
    EXPECT_EQ(object->json.text(), (*written)->json.text());
  }
  ASSERT_TRUE(a->commit_and_wait(remove(object)).has_value());
}

TEST_F(EtcdStores, ARefusedWriterFindsWhatItWasRefusedFor) {
  const auto a = open(shared_etcd()), b = open(shared_etcd());
  const auto first = a->commit_and_wait(create("x", "contended")).value();
  ASSERT_TRUE(current(*b).has_value());
  for (int i = 0; i < 20; ++i) {
    const auto seen = b->get(first->key).value();
    ASSERT_TRUE(a->commit_and_wait(update(seen, "a")).has_value());
    EXPECT_TRUE(b->commit_and_wait(update(seen, "b")).error().is("Conflict"));
    EXPECT_GT(b->get(first->key).value()->revision, seen->revision);
  }
  ASSERT_TRUE(a->commit_and_wait(remove(a->get(first->key).value())).has_value());
}

TEST_F(EtcdStores, EveryServerShowsTheLastStateThatADeletionGives) {
  const auto a = open(shared_etcd()), b = open(shared_etcd());
  const auto made = a->commit_and_wait(create("x", "finalized")).value();
  ASSERT_TRUE(current(*b).has_value());
  const auto watcher = b->watch("pods", "", made->revision, [] {}).value();
  Write removal = remove(made);
  removal.head = R"({"metadata":{)";
  removal.tail = R"(,"x":"last"}})";
  const auto gone = a->commit_and_wait(std::move(removal)).value();
  ASSERT_TRUE(current(*b).has_value());
  std::vector<Event> events;
  ASSERT_TRUE(watcher->next(events, 10).has_value());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].object->json.text(), json_of(gone->revision, "last"));
}

TEST_F(EtcdStores, AGuardRefusesWhoDidNotSeeWhatAnotherServerDecided) {
  const auto a = open(shared_etcd()), b = open(shared_etcd());
  const auto guarded = [](const std::string& name, Revision seen) {
    Write write = create("guarded", name);
    write.guards = {{"quota/guarded", seen}};
    return write;
  };
  ASSERT_TRUE(current(*a).has_value());
  const Revision seen = a->revision();
  ASSERT_TRUE(b->commit_and_wait(guarded("by-b", b->revision())).has_value());
  const auto late = a->commit_and_wait(guarded("by-a", seen));
  ASSERT_FALSE(late.has_value());
  EXPECT_TRUE(late.error().is("Conflict"));
  EXPECT_TRUE(a->get({"pods", "guarded", "by-b"}).has_value());  // What it had not seen.
  // Those of one server know of one another: none is in the other's way.
  const Revision now = a->revision();
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      made += a->commit_and_wait(guarded("many-" + std::to_string(i), now)).has_value() ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 16);
  EXPECT_TRUE(a->commit_and_wait(guarded("after-them", now)).has_value());
  EXPECT_EQ(b->commit_and_wait(guarded("again-by-b", now)).error().code, 409);
  // Other guards are no matter.
  Write other = create("guarded", "other");
  other.guards = {{"quota/other", seen}};
  EXPECT_TRUE(b->commit_and_wait(std::move(other)).has_value());
}

TEST_F(EtcdStores, ForeignRevisionsDoNotHoldUpReads) {
  const auto store = open(shared_etcd());
  const auto client = raw(shared_etcd());
  const Revision revision = put_raw(*client, "/somebody/else");
  ASSERT_TRUE(current(*store).has_value());
  EXPECT_GT(store->revision(), revision);
}

TEST_F(EtcdStores, GarbageAmongTheKeysIsPassedOver) {
  const auto store = open(shared_etcd());
  const auto client = raw(shared_etcd());
  for (const char* key : {"/two/pods/x/garbage", "/two/short", "/two//", "/two/a//"}) {
    put_raw(*client, key);
  }
  ASSERT_TRUE(current(*store).has_value());
  EXPECT_FALSE(store->get({"pods", "x", "garbage"}).has_value());
  EXPECT_TRUE(open(shared_etcd())->commit_and_wait(create("x", "beside")).has_value());
}

TEST_F(EtcdStores, OldRevisionsAreCompactedByOneOfTheServers) {
  // Not the cluster of the others: they count on a past that nobody compacts.
  EtcdCluster cluster(scratch_.path(), 1);
  const auto a = open(cluster, milliseconds(200)), b = open(cluster, milliseconds(200));
  const auto client = raw(cluster);
  const Revision old = put_raw(*client, "/two/~/old");
  bool is_gone = false;
  for (int tries = 0; tries < 100 && !is_gone; ++tries) {
    std::this_thread::sleep_for(milliseconds(50));
    std::promise<bool> expired;
    client->range({.keys = {"/two/~/old", ""}, .at = old - 1},
                  [&](const Result<etcd::RangeAnswer>& answer) {
                    expired.set_value(!answer && answer.error().is("Expired"));
                  });
    is_gone = expired.get_future().get();
  }
  EXPECT_TRUE(is_gone);
  EXPECT_TRUE(a->commit_and_wait(create("x", "after-compaction")).has_value());
  EXPECT_TRUE(current(*b).has_value());
  EXPECT_TRUE(open(cluster)->get({"pods", "x", "after-compaction"}).has_value());
}

TEST_F(EtcdStores, ANewServerKnowsThePastSinceACompaction) {
  EtcdCluster cluster(scratch_.path(), 1);
  std::vector<Revision> revisions;
  {
    const auto store = open(cluster);
    for (int i = 0; i < 10; ++i) {
      revisions.push_back((*store->commit_and_wait(create("x", std::to_string(i))))->revision);
    }
  }
  const auto client = raw(cluster);
  std::promise<bool> compacted;
  client->compact(revisions[4], [&](const Result<void>& done) { compacted.set_value(bool{done}); });
  ASSERT_TRUE(compacted.get_future().get());
  const auto store = open(cluster);
  EXPECT_FALSE(store->watch("pods", "", revisions[3], [] {}).has_value());
  const auto watcher = store->watch("pods", "", revisions[4], [] {}).value();
  std::vector<Event> events;
  ASSERT_TRUE(watcher->next(events, 100).has_value());
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].revision, revisions[5]);
  EXPECT_EQ(store->list("pods", "", "", 0, revisions[6])->objects.size(), 7u);
}

TEST_F(EtcdStores, OneMemberMayFailAtATime) {
  EtcdCluster cluster(scratch_.path(), 3);
  const auto store = open(cluster);
  const auto watcher = store->watch("pods", "", store->revision(), [] {}).value();
  int made = 0;
  for (std::size_t member = 0; member < cluster.size(); ++member) {
    cluster.kill(member);
    for (int i = 0; i < 5; ++i) {
      ASSERT_NE(put_patiently(*store, std::to_string(made++)), nullptr);
    }
    cluster.start(member);
    // The next one must not go before this one is back.
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(milliseconds(50));
      (void)current(*store);
    }
  }
  for (int tries = 0; tries < 50 && !current(*store); ++tries) {
  }
  EXPECT_EQ(store->count("pods"), static_cast<std::size_t>(made));
  std::vector<Event> events;
  ASSERT_TRUE(watcher->next(events, 1000).has_value());
  ASSERT_EQ(events.size(), static_cast<std::size_t>(made));
  for (int i = 0; i < made; ++i) {
    EXPECT_EQ(events[static_cast<std::size_t>(i)].object->key.name, std::to_string(i));
  }
}

TEST_F(EtcdStores, AMemberThatHangsIsLeft) {
  EtcdCluster cluster(scratch_.path(), 3);
  const auto store = open(cluster);
  ASSERT_NE(put_patiently(*store, "before"), nullptr);
  for (std::size_t member = 0; member < cluster.size(); ++member) {
    cluster.hold(member);
    EXPECT_NE(put_patiently(*store, "held-" + std::to_string(member)), nullptr);
    cluster.let_go(member);
  }
}

TEST_F(EtcdStores, WithoutAMajorityNothingIsReadOrWrittenUntilItIsBack) {
  EtcdCluster cluster(scratch_.path(), 3);
  const auto store = open(cluster, {}, seconds(2));
  const auto kept = put_patiently(*store, "kept");
  ASSERT_NE(kept, nullptr);
  cluster.kill(0);
  cluster.kill(1);
  const auto write = store->commit_and_wait(create("x", "lost"));
  ASSERT_FALSE(write.has_value());
  EXPECT_TRUE(write.error().code == 503 || write.error().code == 504) << write.error().code;
  const auto read = current(*store);
  ASSERT_FALSE(read.has_value());
  EXPECT_TRUE(read.error().code == 503 || read.error().code == 504) << read.error().code;
  EXPECT_EQ(store->get(kept->key).value(), kept);  // Whoever does not ask for the present.
  cluster.start(0);
  cluster.start(1);
  EXPECT_NE(put_patiently(*store, "again"), nullptr);
}

TEST_F(EtcdStores, EndpointsMustBeUrls) {
  const auto made =
      EtcdStore::create({.etcd = {.endpoints = {"localhost:2379"}}, .executor = timers_.loop()});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, 400);
}

}  // namespace
}  // namespace pinnace::store

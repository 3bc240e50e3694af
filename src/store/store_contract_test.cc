// Every promise of store.h, over memory, over RocksDB, with the inline writer, and on etcd.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/test_support.h"

namespace pinnace::store {
namespace {

using namespace testing;

class StoreContract : public ::testing::TestWithParam<Kind> {
 protected:
  RestartableStore make(EmbeddedStore::Options options = EmbeddedStore::Options()) {
    return RestartableStore(GetParam(), std::move(options));
  }
  static ObjectRef put(RestartableStore& store, Write write) {
    auto result = store->commit_and_wait(std::move(write));
    EXPECT_TRUE(result.has_value());
    return result ? *result : nullptr;
  }
  static std::vector<std::string> names(const Snapshot& snapshot) {
    std::vector<std::string> out;
    for (const auto& each : snapshot.objects) out.push_back(each->key.ns + '/' + each->key.name);
    return out;
  }
  static std::vector<Event> drain(Watcher& watcher, std::size_t max = 1000) {
    std::vector<Event> events;
    EXPECT_TRUE(watcher.next(events, max).has_value());
    return events;
  }
};

using Names = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(Journals, StoreContract,
                         ::testing::Values(Kind::kMemory, Kind::kRocks, Kind::kInline),
                         [](const auto& each) { return name_of(each.param); });
INSTANTIATE_TEST_SUITE_P(Etcd, StoreContract, ::testing::Values(Kind::kEtcd),
                         [](const auto& each) { return name_of(each.param); });

TEST_P(StoreContract, AWriteIsReadBackWithItsRevisionSplicedIn) {
  auto store = make();
  const auto made = put(store, create("default", "web", "hi"));
  EXPECT_EQ(made->json.text(), json_of(made->revision, "hi"));
  EXPECT_EQ(made->created_revision, made->revision);
  EXPECT_EQ(made->uid, "uid-web");
  EXPECT_EQ(store->revision(), made->revision);
  const auto read = store->get({"pods", "default", "web"});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, made);
}

TEST_P(StoreContract, RevisionsGrowByOneOverAllResources) {
  auto store = make();
  const auto first = put(store, create("", "a", "1", "nodes"));
  const auto second = put(store, create("x", "a", "1", "pods"));
  EXPECT_EQ(second->revision, first->revision + 1);
  const auto third = put(store, update(first, "2"));
  EXPECT_EQ(third->revision, second->revision + 1);
  EXPECT_EQ(third->created_revision, first->revision);
}

TEST_P(StoreContract, CreatingWhatExistsFails) {
  auto store = make();
  put(store, create("x", "a", "1", "apps/deployments"));
  const auto again = store->commit_and_wait(create("x", "a", "second", "apps/deployments"));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().message, "deployments.apps \"a\" already exists");
  EXPECT_EQ(store->get({"apps/deployments", "x", "a"}).value()->json.text().find("second"),
            std::string::npos);
}

TEST_P(StoreContract, UpdatingAnOldRevisionIsAConflict) {
  auto store = make();
  const auto first = put(store, create("x", "a"));
  put(store, update(first, "2"));
  const auto late = store->commit_and_wait(update(first, "3"));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, 409);
  EXPECT_TRUE(late.error().is("Conflict"));
  EXPECT_EQ(late.error().retry, Retry::kAfterRead);
  const auto late_removal = store->commit_and_wait(remove(first));
  ASSERT_FALSE(late_removal.has_value());
  EXPECT_TRUE(late_removal.error().is("Conflict"));
}

TEST_P(StoreContract, WhatIsNotThereIsNotFoundWithoutAMessage) {
  auto store = make();
  const auto first = put(store, create("x", "a"));
  put(store, remove(first));
  for (const auto& result :
       {store->get(first->key), store->commit_and_wait(update(first, "2")),
        store->commit_and_wait(remove(first)), store->get({"never", "x", "a"})}) {
    ASSERT_FALSE(result.has_value());
    EXPECT_TRUE(result.error().is("NotFound"));
    EXPECT_EQ(result.error().message, "");
  }
}

TEST_P(StoreContract, DeletionGivesTheLastStateWithTheDeletionsRevision) {
  auto store = make();
  const auto made = put(store, create("x", "a", "last"));
  const auto stored = put(store, remove(made));
  EXPECT_EQ(stored->json.text(), json_of(made->revision + 1, "last"));
  EXPECT_EQ(stored->uid, "uid-a");
  const auto again = put(store, create("x", "a", "second"));
  Write with_state = remove(again);
  with_state.head = R"({"metadata":{)";
  with_state.tail = R"(,"x":"given"}})";
  EXPECT_EQ(put(store, std::move(with_state))->json.text(), json_of(again->revision + 1, "given"));
  EXPECT_EQ(store->count("pods"), 0u);
}

TEST_P(StoreContract, AnObjectMayComeAgainAfterItsDeletion) {
  auto store = make();
  const auto first = put(store, create("x", "a"));
  put(store, remove(first));
  const auto second = put(store, create("x", "a"));
  EXPECT_EQ(second->created_revision, second->revision);
}

TEST_P(StoreContract, ListsAreInKeyOrderByNamespace) {
  auto store = make();
  for (const char* ns : {"b", "a-b", "a"}) {
    for (const char* name : {"2", "1"}) put(store, create(ns, name));
  }
  const auto all = store->list("pods", "").value();
  EXPECT_EQ(names(all), (Names{"a/1", "a/2", "a-b/1", "a-b/2", "b/1", "b/2"}));
  EXPECT_EQ(all.revision, store->revision());
  EXPECT_EQ(names(store->list("pods", "a-b").value()), (Names{"a-b/1", "a-b/2"}));
  EXPECT_TRUE(store->list("pods", "aa").value().objects.empty());
  EXPECT_TRUE(store->list("none", "").value().objects.empty());
  EXPECT_EQ(store->count("pods"), 6u);
}

TEST_P(StoreContract, PagesCoverTheListAndCountWhatIsLeft) {
  auto store = make();
  for (int i = 0; i < 7; ++i) put(store, create(i < 4 ? "a" : "b", std::to_string(i)));
  Names seen;
  std::string after;
  std::size_t left = 7;
  for (bool more = true; more;) {
    const auto page = store->list("pods", "", after, 3).value();
    left -= page.objects.size();
    EXPECT_EQ(page.remaining, left);
    more = page.more;
    for (const auto& name : names(page)) seen.push_back(name);
    after = seen.back();
  }
  EXPECT_EQ(seen, (Names{"a/0", "a/1", "a/2", "a/3", "b/4", "b/5", "b/6"}));
  EXPECT_EQ(names(store->list("pods", "b", "a/3").value()), (Names{"b/4", "b/5", "b/6"}));
  EXPECT_TRUE(store->list("pods", "a", "b/1").value().objects.empty());
}

TEST_P(StoreContract, ClusterScopeIsPagedByName) {
  auto store = make();
  for (const char* name : {"n1", "n2", "n3"}) put(store, create("", name, "1", "nodes"));
  const auto page = store->list("nodes", "", "n1", 1).value();
  EXPECT_EQ(names(page), Names{"/n2"});
  EXPECT_EQ(page.remaining, 1u);
}

TEST_P(StoreContract, ListsAtAnOlderRevisionUndoWhatCameAfter) {
  auto store = make();
  const auto a = put(store, create("x", "a", "old"));
  const auto b = put(store, create("x", "b"));
  const Revision then = store->revision();
  put(store, update(a, "new"));
  put(store, remove(b));
  put(store, create("x", "c"));
  put(store, create("w", "0"));
  const auto past = store->list("pods", "", {}, 0, then).value();
  EXPECT_EQ(past.revision, then);
  EXPECT_EQ(names(past), (Names{"x/a", "x/b"}));
  EXPECT_EQ(past.objects[0], a);
  const auto page = store->list("pods", "x", "x/a", 1, then).value();
  EXPECT_EQ(names(page), Names{"x/b"});
  EXPECT_FALSE(page.more);
  const auto cut = store->list("pods", "", {}, 1, then).value();
  EXPECT_TRUE(cut.more);
  EXPECT_EQ(cut.remaining, 1u);
  EXPECT_EQ(names(store->list("pods", "", {}, 0, a->revision).value()), Names{"x/a"});
}

TEST_P(StoreContract, AFutureRevisionIsTooLarge) {
  auto store = make();
  const auto ahead = store->list("pods", "", {}, 0, store->revision() + 5);
  ASSERT_FALSE(ahead.has_value());
  EXPECT_EQ(ahead.error().code, 504);
  EXPECT_EQ(ahead.error().causes.at(0).type, "ResourceVersionTooLarge");
}

TEST_P(StoreContract, AWatchGivesEachEventOnceAndInOrder) {
  auto store = make();
  const auto early = put(store, create("x", "early"));
  auto watcher = store->watch("pods", "", early->revision, [] {}).value();
  const auto a = put(store, create("x", "a", "1"));
  put(store, create("", "n", "1", "nodes"));
  const auto a2 = put(store, update(a, "2"));
  const auto gone = put(store, remove(a2));
  const auto events = drain(*watcher);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].type, Event::Type::kAdded);
  EXPECT_EQ(events[0].object, a);
  EXPECT_EQ(events[0].previous, nullptr);
  EXPECT_EQ(events[1].type, Event::Type::kModified);
  EXPECT_EQ(events[1].previous, a);
  EXPECT_EQ(events[2].type, Event::Type::kDeleted);
  EXPECT_EQ(events[2].object, gone);
  EXPECT_EQ(events[2].previous, a2);
  EXPECT_EQ(events[2].revision, gone->revision);
  EXPECT_TRUE(drain(*watcher).empty());
}

TEST_P(StoreContract, AWatchResumesFromAnyRevisionInTheRing) {
  auto store = make();
  std::vector<ObjectRef> made;
  for (int i = 0; i < 5; ++i) made.push_back(put(store, create("x", std::to_string(i))));
  auto watcher = store->watch("pods", "", made[2]->revision, [] {}).value();
  const auto events = drain(*watcher, 1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].object, made[3]);
  EXPECT_EQ(watcher->position(), made[3]->revision);
  EXPECT_EQ(drain(*watcher).at(0).object, made[4]);
}

// Counts how often a watcher was woken; who was answered may be ahead of that.
struct Wakes {
  std::function<void()> counter() {
    return [this] {
      ++count;
      count.notify_all();
    };
  }
  void wait_for(int wanted) {
    for (int now = count; now < wanted; now = count) count.wait(now);
  }
  std::atomic<int> count = 0;
};

TEST_P(StoreContract, AWatchOfANamespaceSeesOnlyThat) {
  auto store = make();
  Wakes wakes;
  auto watcher = store->watch("pods", "x", store->revision(), wakes.counter()).value();
  put(store, create("y", "a"));
  const auto mine = put(store, create("x", "a"));
  wakes.wait_for(1);
  EXPECT_EQ(wakes.count, 1);
  const auto events = drain(*watcher);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].object, mine);
}

TEST_P(StoreContract, WakesAreCoalescedUntilTheReaderReads) {
  auto store = make();
  Wakes wakes;
  auto watcher = store->watch("pods", "", store->revision(), wakes.counter()).value();
  for (int i = 0; i < 10; ++i) put(store, create("x", std::to_string(i)));
  EXPECT_EQ(wakes.count, 1);
  EXPECT_EQ(drain(*watcher).size(), 10u);
  put(store, create("x", "more"));
  wakes.wait_for(2);
  EXPECT_EQ(wakes.count, 2);
}

TEST_P(StoreContract, AnIdleWatcherStandsAtTheStoresRevision) {
  auto store = make();
  auto watcher = store->watch("pods", "", store->revision(), [] {}).value();
  const auto other = put(store, create("", "n", "1", "nodes"));
  EXPECT_EQ(watcher->position(), other->revision);
  const auto mine = put(store, create("x", "a"));
  put(store, create("", "n2", "1", "nodes"));
  EXPECT_EQ(watcher->position(), mine->revision - 1);
  drain(*watcher);
  EXPECT_EQ(watcher->position(), store->revision());
}

TEST_P(StoreContract, AWatcherThatTheRingPassedIsExpired) {
  auto store = make({.ring_events = 16});
  const Revision start = store->revision();
  auto slow = store->watch("pods", "", start, [] {}).value();
  for (int i = 0; i < 40; ++i) put(store, create("x", std::to_string(i)));
  std::vector<Event> events;
  const auto late = slow->next(events, 10);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, 410);
  EXPECT_TRUE(late.error().is("Expired"));
  const auto resumed = store->watch("pods", "", start + 1, [] {});
  ASSERT_FALSE(resumed.has_value());
  EXPECT_TRUE(resumed.error().message.starts_with(
      "too old resource version: " + std::to_string(start + 1) + " ("));
  const auto past = store->list("pods", "", {}, 0, start + 1);
  ASSERT_FALSE(past.has_value());
  EXPECT_TRUE(past.error().is("Expired"));
}

TEST_P(StoreContract, AQuietNamespaceInABusyResourceDoesNotExpire) {
  auto store = make({.ring_events = 16});
  auto quiet = store->watch("pods", "quiet", store->revision(), [] {}).value();
  for (int i = 0; i < 100; ++i) put(store, create("busy", std::to_string(i)));
  EXPECT_EQ(quiet->position(), store->revision());
  const auto mine = put(store, create("quiet", "a"));
  EXPECT_EQ(drain(*quiet).at(0).object, mine);
}

TEST_P(StoreContract, TheRingIsBoundedByBytesToo) {
  auto store = make({.ring_bytes = 64 << 10});
  const Revision start = store->revision();
  for (int i = 0; i < 20; ++i) {
    put(store, create("x", std::to_string(i), std::string(8 << 10, 'p')));
  }
  store.catch_up();
  EXPECT_FALSE(store->watch("pods", "", start, [] {}).has_value());
}

TEST_P(StoreContract, NoWakeComesAfterTheWatcherIsGone) {
  auto store = make();
  std::atomic<int> woken = 0;
  auto watcher = store->watch("pods", "", store->revision(), [&] { ++woken; }).value();
  auto other = store->watch("pods", "", store->revision(), [] {}).value();
  watcher.reset();
  put(store, create("x", "a"));
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(drain(*other).size(), 1u);
}

TEST_P(StoreContract, AWakeMayDestroyItsWatcher) {
  auto store = make();
  std::unique_ptr<Watcher> watcher;
  watcher = store->watch("pods", "", store->revision(), [&] { watcher.reset(); }).value();
  put(store, create("x", "a"));
  put(store, create("x", "b"));
  EXPECT_EQ(watcher, nullptr);
}

TEST_P(StoreContract, WatchersMayOutliveTheStore) {
  std::unique_ptr<Watcher> watcher;
  {
    auto store = make();
    watcher = store->watch("pods", "", store->revision(), [] {}).value();
    put(store, create("x", "a"));
  }
  EXPECT_EQ(drain(*watcher).size(), 1u);
}

TEST_P(StoreContract, AFullQueueAnswers503AtOnce) {
  auto store = make({.max_waiting_bytes = 4 << 10});
  const auto refused = store->commit_and_wait(create("x", "a", std::string(8 << 10, 'p')));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, 503);
  EXPECT_EQ(refused.error().retry, Retry::kLater);
  EXPECT_TRUE(store->commit_and_wait(create("x", "a")).has_value());
}

TEST_P(StoreContract, WritesInOneBatchSeeEachOther) {
  auto store = make();
  const auto first = put(store, create("x", "a"));
  std::atomic<int> won = 0, lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { ++(store->commit_and_wait(update(first, "mine")) ? won : lost); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
}

TEST_P(StoreContract, ACallbackMayCommitAgain) {
  auto store = make();
  std::atomic<bool> second = false;
  const Revision start = store->revision();
  store->commit(create("x", "a"), [&](Result<ObjectRef> first) {
    ASSERT_TRUE(first.has_value());
    store->commit(update(*first, "2"), [&](Result<ObjectRef> done) { second = done.has_value(); });
  });
  while (store->revision() < start + 2) std::this_thread::yield();
  put(store, create("x", "after"));
  EXPECT_TRUE(second);
}

TEST_P(StoreContract, AllIsThereAfterARestart) {
  auto store = make();
  const auto kept = put(store, create("x", "kept", "1"));
  const auto kept2 = put(store, update(kept, "2"));
  const auto gone = put(store, create("x", "gone"));
  put(store, remove(gone));
  const auto node = put(store, create("", "n", "1", "nodes"));
  const Revision before = store->revision();
  store.restart();
  // etcd's revisions are not ours alone.
  const bool is_shared = GetParam() == Kind::kEtcd;
  EXPECT_TRUE(is_shared ? store->revision() >= before : store->revision() == before);
  const auto read = store->get(kept->key).value();
  EXPECT_EQ(read->json.text(), kept2->json.text());
  EXPECT_EQ(read->uid, kept2->uid);
  EXPECT_EQ(read->revision, kept2->revision);
  EXPECT_EQ(read->created_revision, kept->created_revision);
  EXPECT_EQ(store->count("pods"), 1u);
  EXPECT_EQ(store->list("nodes", "").value().objects.at(0)->json.text(), node->json.text());
  const Revision next = put(store, create("x", "new"))->revision;
  EXPECT_TRUE(is_shared ? next > before : next == before + 1);
}

TEST_P(StoreContract, WatchesAndOldListsResumeOverARestart) {
  auto store = make();
  const auto a = put(store, create("x", "a", "1"));
  const auto b = put(store, create("x", "b", "1"));
  put(store, update(a, "2"));
  put(store, remove(b));
  store.restart();
  put(store, create("x", "c"));
  store.catch_up();
  auto watcher = store->watch("pods", "", a->revision, [] {}).value();
  const auto events = drain(*watcher);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].type, Event::Type::kAdded);
  EXPECT_EQ(events[1].type, Event::Type::kModified);
  EXPECT_EQ(events[1].previous->json.text(), a->json.text());
  EXPECT_EQ(events[2].type, Event::Type::kDeleted);
  EXPECT_EQ(events[2].previous->json.text(), b->json.text());
  EXPECT_EQ(events[3].object->key.name, "c");
  const auto past = store->list("pods", "", {}, 0, b->revision).value();
  EXPECT_EQ(names(past), (Names{"x/a", "x/b"}));
}

TEST_P(StoreContract, WhatTheRingForgotStaysExpiredAfterARestart) {
  auto store = make({.ring_events = 16});
  const Revision start = store->revision();
  auto object = put(store, create("x", "a"));
  for (int i = 0; i < 50; ++i) object = put(store, update(object, std::to_string(i)));
  for (int i = 0; i < 50; ++i) put(store, remove(put(store, create("x", "b"))));
  const Revision end = store->revision();
  store.restart();
  EXPECT_FALSE(store->watch("pods", "", start, [] {}).has_value());
  EXPECT_FALSE(store->watch("pods", "", end - 40, [] {}).has_value());
  auto watcher = store->watch("pods", "", end - 10, [] {}).value();
  EXPECT_EQ(drain(*watcher).size(), 10u);
  EXPECT_EQ(store->get(object->key).value()->json.text(), object->json.text());
  EXPECT_EQ(store->count("pods"), 1u);
}

}  // namespace
}  // namespace pinnace::store

// A seeded random run of writers, readers and watchers, checked against what the store promises:
// each write takes place once, between its call and its answer; watches are ordered, unique and
// gapless; lists are states that existed.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/rng.h"
#include "store/test_support.h"

namespace pinnace::store {
namespace {

using namespace testing;

constexpr int kWriters = 4;
constexpr int kWritesEach = 400;
constexpr std::size_t kNames = 12;

struct Acknowledged {
  Event::Type type;
  ObjectRef object;
  Revision before_call;   // The store's revision when the write was sent...
  Revision after_answer;  // ...and when it was answered.
};

class RandomCheck : public ::testing::TestWithParam<Kind> {
 protected:
  RandomCheck() : store_(GetParam(), {.ring_events = 1 << 16}), start_(store_->revision()) {}

  void write(std::uint64_t seed) {
    const auto rng = seeded_rng(seed);
    for (int i = 0; i < kWritesEach; ++i) {
      const Key key{"pods", "n" + std::to_string(rng->below(3)),
                    std::to_string(rng->below(kNames))};
      const auto seen = store_->get(key);
      Write write = !seen                ? create(key.ns, key.name, std::to_string(rng->next()))
                    : rng->below(3) == 0 ? remove(*seen)
                                         : update(*seen, std::to_string(rng->next()));
      write.durable = rng->below(4) != 0;
      const auto type = static_cast<Event::Type>(write.type);
      const Revision before = store_->revision();
      const auto result = store_->commit_and_wait(std::move(write));
      if (!result) {  // Somebody was faster; nothing else may go wrong.
        EXPECT_TRUE(result.error().code == 409 || result.error().code == 404);
        continue;
      }
      const std::lock_guard lock(mutex_);
      acknowledged_.push_back({type, *result, before, store_->revision()});
    }
  }

  void list(std::uint64_t seed) {
    const auto rng = seeded_rng(seed);
    while (!done_) {
      const std::string ns = rng->below(2) == 0 ? "" : "n" + std::to_string(rng->below(3));
      const Revision at =
          rng->below(2) == 0 ? 0 : start_ + rng->below(store_->revision() - start_ + 1);
      auto snapshot = store_->list("pods", ns, {}, 0, at);
      ASSERT_TRUE(snapshot.has_value());
      const std::lock_guard lock(mutex_);
      if (lists_.size() < 2000) lists_.emplace_back(ns, std::move(*snapshot));
    }
  }

  void watch(std::uint64_t seed, const std::string& ns) {
    const auto rng = seeded_rng(seed);
    std::vector<Event> events;
    std::mutex mutex;
    std::condition_variable woken;
    bool ready = true;
    const auto wake = [&] {
      const std::lock_guard lock(mutex);
      ready = true;
      woken.notify_one();
    };
    auto watcher = store_->watch("pods", ns, start_, wake).value();
    while (true) {
      const std::size_t max = 1 + rng->below(20), before = events.size();
      ASSERT_TRUE(watcher->next(events, max).has_value());
      if (events.size() - before == max) continue;
      if (rng->below(50) == 0) {  // Go on with another watch, from where this one stands.
        watcher = store_->watch("pods", ns, watcher->position(), wake).value();
        continue;
      }
      std::unique_lock lock(mutex);
      if (watcher->position() >= end_.load()) break;
      woken.wait_for(lock, std::chrono::milliseconds(5), [&] { return ready; });
      ready = false;
    }
    const std::lock_guard lock(mutex_);
    watched_.emplace_back(ns, std::move(events));
  }

  void run(std::uint64_t seed) {
    std::vector<std::thread> writers, readers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([this, i, seed] { write(seed * 100 + static_cast<std::uint64_t>(i)); });
    }
    readers.emplace_back([this, seed] { list(seed + 1); });
    readers.emplace_back([this, seed] { watch(seed + 2, ""); });
    readers.emplace_back([this, seed] { watch(seed + 3, "n1"); });
    for (auto& writer : writers) writer.join();
    end_ = store_->revision();
    done_ = true;
    for (auto& reader : readers) reader.join();
  }

  void check_writes(const std::vector<Event>& all) {
    std::map<Revision, const Event*> by_revision;
    for (const auto& event : all) by_revision[event.revision] = &event;
    EXPECT_EQ(by_revision.size(), acknowledged_.size());
    for (const auto& each : acknowledged_) {
      const auto found = by_revision.find(each.object->revision);
      ASSERT_NE(found, by_revision.end());
      EXPECT_EQ(found->second->object, each.object);
      EXPECT_EQ(found->second->type, each.type);
      EXPECT_GT(each.object->revision, each.before_call);
      EXPECT_LE(each.object->revision, each.after_answer);
    }
  }

  void check_watch(const std::string& ns, const std::vector<Event>& events,
                   const std::vector<Event>& all) {
    std::vector<Revision> expected, seen;
    for (const auto& event : all) {
      if (ns.empty() || event.object->key.ns == ns) expected.push_back(event.revision);
    }
    for (const auto& event : events) seen.push_back(event.revision);
    EXPECT_EQ(seen, expected) << "watch of '" << ns << "'";
  }

  // Replays the events and compares each list with the state at its revision.
  void check_lists(const std::vector<Event>& all) {
    std::sort(lists_.begin(), lists_.end(),
              [](const auto& a, const auto& b) { return a.second.revision < b.second.revision; });
    std::map<Key, ObjectRef> state;
    auto event = all.begin();
    for (const auto& [ns, snapshot] : lists_) {
      for (; event != all.end() && event->revision <= snapshot.revision; ++event) {
        EXPECT_EQ(event->previous, state[event->object->key]);
        state[event->object->key] = event->type == Event::Type::kDeleted ? nullptr : event->object;
      }
      std::vector<ObjectRef> expected;
      for (const auto& [key, object] : state) {
        if (object && (ns.empty() || key.ns == ns)) expected.push_back(object);
      }
      ASSERT_EQ(snapshot.objects, expected) << "list at " << snapshot.revision;
    }
  }

  RestartableStore store_;
  const Revision start_;
  std::mutex mutex_;
  std::vector<Acknowledged> acknowledged_;
  std::vector<std::pair<std::string, Snapshot>> lists_;
  std::vector<std::pair<std::string, std::vector<Event>>> watched_;
  std::atomic<Revision> end_{~Revision{0}};
  std::atomic<bool> done_{false};
};

INSTANTIATE_TEST_SUITE_P(Journals, RandomCheck, ::testing::Values(Kind::kMemory, Kind::kRocks),
                         [](const auto& each) { return name_of(each.param); });
INSTANTIATE_TEST_SUITE_P(Etcd, RandomCheck, ::testing::Values(Kind::kEtcd),
                         [](const auto& each) { return name_of(each.param); });

TEST_P(RandomCheck, WritesListsAndWatchesAgreeOnOneHistory) {
  run(static_cast<std::uint64_t>(GetParam()) + 11);
  auto watcher = store_->watch("pods", "", start_, [] {}).value();
  std::vector<Event> all;
  ASSERT_TRUE(watcher->next(all, 1 << 20).has_value());
  check_writes(all);
  for (const auto& [ns, events] : watched_) check_watch(ns, events, all);
  check_lists(all);
  const auto before = store_->list("pods", "").value();
  store_.restart();
  const auto after = store_->list("pods", "").value();
  ASSERT_EQ(after.objects.size(), before.objects.size());
  for (std::size_t i = 0; i < after.objects.size(); ++i) {
    EXPECT_EQ(after.objects[i]->json.text(), before.objects[i]->json.text());
  }
}

}  // namespace
}  // namespace pinnace::store

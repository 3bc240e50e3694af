// What is kept when the power, the process or the disk goes away.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <semaphore>
#include <thread>

#include "store/record.h"
#include "store/test_support.h"

namespace pinnace::store {
namespace {

using namespace testing;

std::unique_ptr<EmbeddedStore> open(const std::shared_ptr<MemoryDisk>& disk,
                                    EmbeddedStore::Options options = EmbeddedStore::Options()) {
  return std::move(
      EmbeddedStore::create(std::move(options), std::make_unique<MemoryJournal>(disk)).value());
}

Write soft(Write write) {
  write.durable = false;
  return write;
}

TEST(Durability, DurableWritesAreSyncedAndOthersAreNot) {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto store = open(disk);
  ASSERT_TRUE(store->commit_and_wait(create("x", "first")).has_value());
  const auto syncs = disk->syncs();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(store->commit_and_wait(soft(create("x", std::to_string(i)))).has_value());
  }
  EXPECT_EQ(disk->syncs(), syncs);
  ASSERT_TRUE(store->commit_and_wait(create("x", "last")).has_value());
  EXPECT_EQ(disk->syncs(), syncs + 1);
}

TEST(Durability, ALossOfPowerTakesOnlyWhatWasNotDurable) {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto store = open(disk);
  store->commit_and_wait(soft(create("x", "before")));
  store->commit_and_wait(create("x", "durable"));
  store->commit_and_wait(soft(create("x", "after")));
  const auto again = open(disk->after_power_loss());
  EXPECT_TRUE(again->get({"pods", "x", "before"}).has_value());  // The sync covered it.
  EXPECT_TRUE(again->get({"pods", "x", "durable"}).has_value());
  EXPECT_FALSE(again->get({"pods", "x", "after"}).has_value());
}

TEST(Durability, RevisionsAreNeverGivenTwiceEvenIfWritesWereLost) {
  auto disk = std::make_shared<MemoryDisk>();
  auto store = open(disk, {.reserved_revisions = 10});
  store->commit_and_wait(create("x", "durable"));
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 25; ++i) {
      store->commit_and_wait(soft(create("x", std::to_string(round) + "-" + std::to_string(i))));
    }
    const Revision seen = store->revision();
    disk = disk->after_power_loss();
    store = open(disk, {.reserved_revisions = 10});
    EXPECT_GT(store->revision(), seen);
    // Somebody who saw lost objects must list anew; and still after one more restart in order.
    EXPECT_FALSE(store->watch("pods", "", seen, [] {}).has_value());
    EXPECT_FALSE(store->list("pods", "", {}, 0, seen).has_value());
    store = open(disk, {.reserved_revisions = 10});
    EXPECT_FALSE(store->watch("pods", "", seen, [] {}).has_value());
    EXPECT_TRUE(store->watch("pods", "", store->revision(), [] {}).has_value());
  }
}

// The keys of Pinnace 0.1 stood before the records.
TEST(Durability, WhatStandsUnderOldKeysIsFoundAndMoved) {
  const auto disk = std::make_shared<MemoryDisk>();
  const EmbeddedStore::Options options{.ring_events = 4, .reserved_revisions = 10};
  Revision last = 0;
  {
    const auto store = open(disk, options);
    for (int i = 0; i < 20; ++i) store->commit_and_wait(create("x", std::to_string(i)));
    last = store->revision();
  }
  MemoryJournal journal(disk);
  Journal::Batch back;
  const auto put_back = [&](std::string key, std::string_view today, std::string_view value) {
    back.puts.push_back({std::move(key), std::string(value), {}});
    back.removals.emplace_back(today);
  };
  ASSERT_TRUE(journal.scan([&](std::string_view key, std::string_view value) -> Result<void> {
    if (key.starts_with(kFloorPrefix)) {
      put_back("f" + std::string(key.substr(kFloorPrefix.size())), key, value);
    }
    // As if power had been lost while more revisions were reserved.
    if (key == kReservedKey) put_back("mreserved", key, number_put("", last + 5).head);
    return {};
  }));
  ASSERT_EQ(back.removals.size(), 2u);
  ASSERT_TRUE(journal.write(back, true));
  for (int start = 0; start < 2; ++start) {
    const auto store = open(disk, options);
    EXPECT_EQ(store->count("pods"), 20u);
    EXPECT_GT(store->revision(), last + 5);
    EXPECT_FALSE(store->watch("pods", "", last - 10, [] {}).has_value());
    EXPECT_FALSE(store->watch("pods", "", last + 1, [] {}).has_value());
  }
  ASSERT_TRUE(journal.scan([](std::string_view key, std::string_view) -> Result<void> {
    EXPECT_EQ(today_key(key), key);
    return {};
  }));
}

TEST(Durability, TheJournalKeepsOnlyLiveObjectsAndTheRing) {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto store = open(disk, {.ring_events = 32});
  auto object = store->commit_and_wait(create("x", "a")).value();
  for (int i = 0; i < 1000; ++i) {
    object = store->commit_and_wait(update(object, std::to_string(i))).value();
    const auto other = store->commit_and_wait(create("x", "b")).value();
    store->commit_and_wait(remove(other));
  }
  EXPECT_LT(disk->entries(), 110u);
}

// Each look at it is ten seconds later.
class LeapingClock final : public Clock {
 public:
  WallTime wall() const override { return {}; }
  MonotonicTime monotonic() const override {
    return {(now_ += std::chrono::nanoseconds(std::chrono::seconds(10)).count())};
  }

 private:
  mutable std::atomic<std::int64_t> now_ = 0;
};

// Writes when it is let, once for each `let`.
class HeldJournal final : public Journal {
 public:
  explicit HeldJournal(std::shared_ptr<MemoryDisk> disk) : journal_(std::move(disk)) {}
  Result<void> write(const Batch& batch, bool sync) override {
    begun.release();
    let.acquire();
    return journal_.write(batch, sync);
  }
  Result<void> scan(const Visit& visit) override { return journal_.scan(visit); }
  Result<void> purge() override { return journal_.purge(); }
  std::counting_semaphore<> begun{0}, let{0};

 private:
  MemoryJournal journal_;
};

// A store whose syncs take ten seconds, by its clock.
struct SlowStore {
  SlowStore() {
    auto owned = std::make_unique<HeldJournal>(std::make_shared<MemoryDisk>());
    journal = owned.get();
    EmbeddedStore::Options options;
    options.clock = &clock;
    store = EmbeddedStore::create(options, std::move(owned)).value();
  }
  const LeapingClock clock;
  HeldJournal* journal = nullptr;
  std::unique_ptr<EmbeddedStore> store;
};

TEST(Durability, OneSyncDoesForThoseWhoWaitAndThoseJustAnswered) {
  const SlowStore slow;
  const auto& store = slow.store;
  HeldJournal& journal = *slow.journal;
  const auto commit = [&](const char* name) {
    const auto promise = std::make_shared<std::promise<bool>>();
    store->commit(create("x", name), [promise](const Result<ObjectRef>& made) {
      promise->set_value(made.has_value());
    });
    return promise->get_future();
  };
  auto first = commit("a");
  journal.begun.acquire();
  auto second = commit("b");  // Comes while the first is written.
  journal.let.release();
  EXPECT_TRUE(first.get());
  auto again = commit("c");  // The first one again, who was answered a moment ago.
  journal.begun.acquire();
  journal.let.release(2);  // One of them for the end of the store.
  EXPECT_TRUE(second.get() && again.get());
  EXPECT_EQ(store->counts().batches, 2u);
}

TEST(Durability, OneWhoWritesAgainAtOnceIsNotTakenForTwo) {
  const SlowStore slow;
  const auto& store = slow.store;
  slow.journal->let.release(3);  // One of them for the end of the store.
  std::promise<bool> again;
  store->commit(create("x", "a"), [&](const Result<ObjectRef>&) {
    store->commit(create("x", "b"),
                  [&](const Result<ObjectRef>& made) { again.set_value(made.has_value()); });
  });
  auto done = again.get_future();
  // Who waited for a second one would wait for four syncs of ten seconds.
  ASSERT_EQ(done.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(done.get());
}

TEST(Durability, DamagedRecordsAreReported) {
  const auto disk = std::make_shared<MemoryDisk>();
  MemoryJournal journal(disk);
  Journal::Batch batch;
  batch.puts.push_back({std::string("r\0\0\0\0\0\0\0\7", 9), "nonsense", {}});
  ASSERT_TRUE(journal.write(batch, true).has_value());
  const auto store =
      EmbeddedStore::create(EmbeddedStore::Options(), std::make_unique<MemoryJournal>(disk));
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().message, "the store is damaged: record 7 does not decode");
}

TEST(Durability, ADirectoryThatCannotBeUsedIsReported) {
  const ScratchDirectory scratch;
  EmbeddedStore::Options options;
  options.directory = scratch.path() + "/store";
  const auto first = EmbeddedStore::create(options);
  ASSERT_TRUE(first.has_value());
  const auto second = EmbeddedStore::create(options);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(options.directory), std::string::npos);
}

using DurabilityDeathTest = ::testing::Test;

TEST(DurabilityDeathTest, AFailedWriteStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const auto disk = std::make_shared<MemoryDisk>();
        const auto store = open(disk);
        disk->break_down();
        store->commit_and_wait(create("x", "a"));
      },
      "cannot be written; stopping");
}

constexpr int kAcknowledged = 100;  // The child's end of the pipe.

// Runs as a process of its own, started by the next test: creates from several threads and tells
// each acknowledged name through the pipe, until it is killed.
TEST(DurabilityChild, DISABLED_WritesUntilKilled) {
  const char* directory = getenv("PINNACE_TEST_STORE");
  ASSERT_NE(directory, nullptr);
  EmbeddedStore::Options options;
  options.directory = directory;
  const auto store = std::move(EmbeddedStore::create(options).value());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0;; ++i) {
        const std::uint32_t id = static_cast<std::uint32_t>(t) << 24 | i;
        const auto made = store->commit_and_wait(create("x", std::to_string(id)));
        // Less than PIPE_BUF: the reader gets whole ids.
        if (!made || ::write(kAcknowledged, &id, sizeof id) != sizeof id) _exit(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

pid_t start_child(const std::string& directory, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, kAcknowledged);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = "/proc/self/exe", brief = "--gtest_brief=1",
              all = "--gtest_also_run_disabled_tests", filter = "--gtest_filter=DurabilityChild.*",
              where = "PINNACE_TEST_STORE=" + directory;
  char* arguments[] = {program.data(), brief.data(), all.data(), filter.data(), nullptr};
  char* environment[] = {where.data(), nullptr};
  pid_t child = -1;
  const int failed =
      posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? child : -1;
}

TEST(Durability, WhatWasAcknowledgedIsThereAfterAKill) {
  const ScratchDirectory scratch;
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  const pid_t child = start_child(scratch.path(), pipe_ends[1]);
  ASSERT_GT(child, 0);
  close(pipe_ends[1]);
  std::vector<std::uint32_t> acknowledged;
  std::uint32_t id = 0;
  while (read(pipe_ends[0], &id, sizeof id) == sizeof id) {
    acknowledged.push_back(id);
    if (acknowledged.size() == 1000) kill(child, SIGKILL);  // In the middle of what others write.
  }
  close(pipe_ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GE(acknowledged.size(), 1000u);

  EmbeddedStore::Options options;
  options.directory = scratch.path();
  const auto store = std::move(EmbeddedStore::create(options).value());
  for (const std::uint32_t each : acknowledged) {
    ASSERT_TRUE(store->get({"pods", "x", std::to_string(each)}).has_value()) << each;
  }
  // The history is whole, too: every object's creation can be watched from the start.
  auto watcher = store->watch("pods", "", 1, [] {});
  if (store->count("pods") > 4096) return;  // The ring may have dropped the first ones.
  ASSERT_TRUE(watcher.has_value());
  std::vector<Event> events;
  ASSERT_TRUE((*watcher)->next(events, 1 << 20).has_value());
  EXPECT_EQ(events.size(), store->count("pods"));
}

}  // namespace
}  // namespace pinnace::store

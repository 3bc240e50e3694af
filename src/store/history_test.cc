// What readers are told of a past that is not whole.
#include "store/history.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace pinnace::store {
namespace {

Event added(Revision revision) {
  auto object = std::make_shared<Object>();
  object->key = {"pods", "x", std::to_string(revision)};
  object->revision = object->created_revision = revision;
  return {Event::Type::kAdded, revision, std::move(object), nullptr};
}

std::shared_ptr<History> loaded_at(Revision revision) {
  auto history = std::make_shared<History>(History::Limits{.max_events = 4, .max_bytes = 1 << 20});
  history->load({.resources = {}, .lost = {{0, revision}}, .revision = revision});
  return history;
}

TEST(History, BeforeWhatWasLostNobodyCanBegin) {
  const auto history = loaded_at(10);
  history->publish({added(11)});
  EXPECT_FALSE(history->watch("pods", "", 9, [] {}).has_value());
  EXPECT_FALSE(history->list("pods", "", "", 0, 9).has_value());
  const auto watcher = history->watch("pods", "", 10, [] {}).value();
  std::vector<Event> events;
  ASSERT_TRUE(watcher->next(events, 10).has_value());
  EXPECT_EQ(events.size(), 1u);
}

TEST(History, AtTheEndOfWhatWasLostTheRingStillDecides) {
  const auto history = loaded_at(10);
  for (Revision revision = 11; revision <= 20; ++revision) history->publish({added(revision)});
  EXPECT_FALSE(history->watch("pods", "", 10, [] {}).has_value());
  EXPECT_FALSE(history->list("pods", "", "", 0, 10).has_value());
  EXPECT_TRUE(history->watch("pods", "", 16, [] {}).has_value());
}

TEST(History, AWatcherThatIsBeingWokenGoesWhenThatIsOver) {
  const auto history = loaded_at(10);
  std::promise<void> waking, go_on;
  std::atomic<bool> is_woken = false, is_gone = false;
  auto watcher = history
                     ->watch("pods", "", 10,
                             [&] {
                               waking.set_value();
                               go_on.get_future().wait();
                               EXPECT_FALSE(is_gone);
                               is_woken = true;
                             })
                     .value();
  std::thread writer([&] { history->publish({added(11)}); });
  waking.get_future().wait();
  std::thread reader([&] {
    watcher.reset();
    EXPECT_TRUE(is_woken);
    is_gone = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  go_on.set_value();
  writer.join();
  reader.join();
  history->publish({added(12)});  // Wakes nobody: `waking` may be set once.
}

TEST(History, AWakeMayEndItsWatcherAndOthers) {
  const auto history = loaded_at(10);
  std::unique_ptr<Watcher> first, second;
  int woken = 0;
  const auto wake = [&] {
    ++woken;
    first.reset();
    second.reset();
  };
  first = history->watch("pods", "", 10, wake).value();
  second = history->watch("pods", "x", 10, wake).value();
  history->publish({added(11)});
  EXPECT_EQ(woken, 1);
}

}  // namespace
}  // namespace pinnace::store

// A level on several threads: every request is decided once, and none keeps a seat.
#include "apiserver/fairness/level.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/rng.h"
#include "io/loop.h"
#include "io/sim_executor.h"

namespace pinnace::apiserver::fairness {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

PriorityLevel queueing() {
  PriorityLevel level;
  level.name = "l";
  level.queuing = {.queues = 16, .hand_size = 4, .queue_length = 8};
  return level;
}

LevelRef make_level(Duration max_wait, Executor& executor, metrics::Registry& registry) {
  return std::make_shared<Level>(queueing(), max_wait, executor, LevelUse(registry, "l", 600));
}

bool is_empty(const Level& level) {
  bool empty = false;
  level.inspect([&](const QueueSet& queues, const Level::Counts&) {
    empty = queues.demand() == 0 && queues.waiting() == 0 && queues.serving() == 0;
  });
  return empty;
}

TEST(Level, TellsWhoeverWaitedTooLong) {
  metrics::Registry registry;
  io::SimExecutor executor;
  const auto level = make_level(seconds(15), executor, registry);
  level->set_seats(1);
  Place running, waiting;
  const auto never = []() -> Place::Decided { return [](Outcome) { FAIL(); }; };
  EXPECT_EQ(level->admit(running, never), Outcome::kServe);
  std::optional<Outcome> decided;
  EXPECT_FALSE(level->admit(
      waiting, [&]() -> Place::Decided { return [&](Outcome outcome) { decided = outcome; }; }));
  executor.advance(seconds(14));
  EXPECT_FALSE(decided);
  executor.advance(seconds(1));
  EXPECT_EQ(decided, Outcome::kTimedOut);
  EXPECT_EQ(level->give_back(running), seconds(15));
  EXPECT_EQ(level->give_back(running), Duration::zero());
  EXPECT_TRUE(level->is_idle());
}

TEST(Level, GivesFinalSeatsBackByItself) {
  metrics::Registry registry;
  io::SimExecutor executor;
  const auto level = make_level(seconds(15), executor, registry);
  level->set_seats(2);
  Place write, next;
  write.width = {.seats = 1, .final_seats = 2, .final_time = milliseconds(5)};
  const auto decided = []() -> Place::Decided { return [](Outcome) {}; };
  level->admit(write, decided);
  level->give_back(write);
  EXPECT_FALSE(level->admit(next, decided));
  executor.advance(milliseconds(5));
  EXPECT_EQ(next.state(), Place::State::kServed);
  level->give_back(next);
  EXPECT_TRUE(is_empty(*level));
}

// One request after the other, each of which is served, refused, or leaves.
class Client {
 public:
  Client(std::shared_ptr<Level> level, std::uint64_t seed)
      : level_(std::move(level)), rng_(seeded_rng(seed)) {}

  void run(int requests) {
    for (int i = 0; i < requests; ++i) one();
  }
  int decided() const { return decided_; }

 private:
  struct Request {
    Place place;
    std::atomic<int> outcome{-1};
  };

  void one() {
    const auto request = std::make_shared<Request>();
    request->place.flow = rng_->below(50);
    request->place.width.seats = static_cast<std::uint32_t>(1 + rng_->below(3));
    const auto at_once = level_->admit(request->place, [&]() -> Place::Decided {
      return [request](Outcome outcome) {
        ASSERT_EQ(request->outcome.exchange(static_cast<int>(outcome)), -1);
      };
    });
    if (at_once) request->outcome = static_cast<int>(*at_once);
    // Patience of a few looks; some lose it at once.
    for (std::uint64_t looks = rng_->below(200); request->outcome < 0 && looks > 0; --looks) {
      std::this_thread::yield();
    }
    if (request->outcome < 0) level_->leave(request->place);
    while (request->outcome < 0) std::this_thread::yield();
    level_->give_back(request->place);
    ++decided_;
  }

  const std::shared_ptr<Level> level_;
  const std::unique_ptr<Rng> rng_;
  int decided_ = 0;
};

TEST(Level, DecidesOnceOnManyThreads) {
  metrics::Registry registry;
  io::LoopThread loop("fairness");
  const auto level = make_level(milliseconds(2), loop.loop(), registry);
  level->set_seats(4);
  constexpr int kThreads = 4, kRequests = 3000;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kThreads; ++i) {
    clients.push_back(std::make_unique<Client>(level, static_cast<std::uint64_t>(i)));
  }
  std::vector<std::thread> threads;
  for (const auto& client : clients) {
    threads.emplace_back([&client] { client->run(kRequests); });
  }
  std::thread changes([&] {
    for (std::uint32_t i = 0; i < 200; ++i) {
      level->set_seats(1 + i % 6);
      PriorityLevel settings = queueing();
      settings.queuing.queues = 4 + i % 5;
      if (i % 7 == 0) level->configure(settings);
      level->take_demand();
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  changes.join();
  for (const auto& client : clients) EXPECT_EQ(client->decided(), kRequests);
  EXPECT_TRUE(is_empty(*level));
}

TEST(Level, ShowsHowMuchOfItIsInUseAndForHowLong) {
  metrics::Registry registry;
  io::SimExecutor executor;
  const auto level = make_level(seconds(15), executor, registry);
  level->set_seats(4);
  const auto decided = []() -> Place::Decided { return [](Outcome) {}; };
  executor.advance(seconds(3));
  Place running;
  running.width = {.seats = 2};
  level->admit(running, decided);
  executor.advance(seconds(1));
  level->give_back(running);
  executor.advance(seconds(2));
  level->publish();
  const std::string text = registry.text();
  const auto shows = [&](const std::string& line) {
    EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\n" << text;
  };
  const std::string name = "apiserver_flowcontrol_priority_level_seat_utilization";
  const std::string of = "{phase=\"executing\",priority_level=\"l\"";
  shows(name + "_bucket" + of + ",le=\"0.4\"} 5000000000");
  shows(name + "_bucket" + of + ",le=\"0.5\"} 6000000000");
  shows(name + "_count" + of + "} 6000000000");
  shows(name + "_sum" + of + "} 500000000");
  shows("apiserver_flowcontrol_priority_level_request_utilization_sum" + of + "} 250000000");
  shows("apiserver_flowcontrol_demand_seats_sum{priority_level=\"l\"} 500000000");
}

TEST(Level, LetsAllGoThatWaitWhenItCloses) {
  metrics::Registry registry;
  io::SimExecutor executor;
  const auto level = make_level(seconds(15), executor, registry);
  level->set_seats(1);
  Place running;
  std::vector<Place> waiting(5);
  int cancelled = 0;
  const auto decided = [&]() -> Place::Decided {
    return [&](Outcome outcome) { cancelled += outcome == Outcome::kCancelled ? 1 : 0; };
  };
  level->admit(running, decided);
  for (Place& place : waiting) level->admit(place, decided);
  level->close();
  EXPECT_EQ(cancelled, 5);
  level->give_back(running);
  EXPECT_TRUE(is_empty(*level));
}

}  // namespace
}  // namespace pinnace::apiserver::fairness

// Fair queueing on a virtual clock: who is served, who waits, who is rejected, and who cannot be
// starved.
#include "apiserver/fairness/queue_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <set>

#include "apiserver/fairness/shuffle.h"
#include "base/rng.h"

namespace pinnace::apiserver::fairness {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonotonicTime at(Duration since) { return MonotonicTime{} + since; }

// A queue set, and what became of those that waited.
class Tried {
 public:
  explicit Tried(QueueSet::Options options) : set(options) {}

  std::optional<Outcome> arrive(Place& place, std::uint64_t flow, MonotonicTime now,
                                Width width = {}) {
    place.flow = flow;
    place.width = width;
    const auto outcome = set.arrive(place, now, [this]() -> Place::Decided {
      return [this](Outcome what) { decided.push_back(what); };
    });
    tell();
    return outcome;
  }
  void end(Place& place, MonotonicTime now) {
    set.end(place, now);
    tell();
  }
  void tell() {
    for (const auto& [told, outcome] : set.take_decisions()) told(outcome);
  }

  QueueSet set;
  std::vector<Outcome> decided;
};

TEST(ShuffleSharding, AHandHasDistinctCardsAndIsAlwaysTheSame) {
  const auto rng = seeded_rng(1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t flow = rng->next();
    std::array<std::uint32_t, kMaxHandSize> first{}, second{};
    const auto hand = deal(flow, 64, 8, first);
    const std::set<std::uint32_t> cards(hand.begin(), hand.end());
    EXPECT_EQ(cards.size(), 8u);
    EXPECT_LT(*cards.rbegin(), 64u);
    deal(flow, 64, 8, second);
    EXPECT_EQ(first, second);
  }
}

TEST(ShuffleSharding, EveryQueueIsDealtAboutAsOften) {
  const auto rng = seeded_rng(2);
  std::map<std::uint32_t, int> counts;
  for (int i = 0; i < 64'000; ++i) {
    std::array<std::uint32_t, kMaxHandSize> cards{};
    for (const auto card : deal(rng->next(), 64, 8, cards)) ++counts[card];
  }
  for (const auto& [card, count] : counts) {
    EXPECT_GT(count, 7400) << card;
    EXPECT_LT(count, 8600) << card;
  }
}

TEST(QueueSet, ServesWhatFitsAndQueuesTheRest) {
  Tried tried({.queues = 4, .hand_size = 2, .queue_length = 10});
  QueueSet& set = tried.set;
  set.set_seats(2, at({}));
  Place a, b, c;
  EXPECT_EQ(tried.arrive(a, 1, at({})), Outcome::kServe);
  EXPECT_EQ(tried.arrive(b, 1, at({})), Outcome::kServe);
  EXPECT_FALSE(tried.arrive(c, 1, at({})).has_value());
  EXPECT_EQ(set.waiting(), 1u);
  EXPECT_EQ(set.demand(), 3u);
  tried.end(a, at(milliseconds(5)));
  EXPECT_EQ(tried.decided, std::vector{Outcome::kServe});
  EXPECT_EQ(c.arrived(), at({}));
  EXPECT_EQ(c.began(), at(milliseconds(5)));
  EXPECT_EQ(set.seats_in_use(), 2u);
  tried.end(b, at(milliseconds(6)));
  tried.end(c, at(milliseconds(7)));
  EXPECT_EQ(set.seats_in_use(), 0u);
  EXPECT_EQ(set.serving(), 0u);
}

TEST(QueueSet, RefusesWhenTheQueueIsFullAndWhenTheWaitIsTooLong) {
  Tried tried({.queues = 1, .hand_size = 1, .queue_length = 2, .max_wait = seconds(15)});
  QueueSet& set = tried.set;
  set.set_seats(1, at({}));
  Place running, first, second, third;
  tried.arrive(running, 1, at({}));
  EXPECT_FALSE(tried.arrive(first, 1, at(seconds(1))).has_value());
  EXPECT_FALSE(tried.arrive(second, 1, at(seconds(2))).has_value());
  EXPECT_EQ(tried.arrive(third, 1, at(seconds(3))), Outcome::kQueueFull);
  EXPECT_EQ(set.next_tick(), at(seconds(16)));
  set.tick(at(seconds(16)));
  tried.tell();
  EXPECT_EQ(tried.decided, std::vector{Outcome::kTimedOut});
  EXPECT_TRUE(set.leave(second, at(seconds(16))));  // Its client went away.
  EXPECT_FALSE(set.leave(second, at(seconds(16))));
  tried.end(running, at(seconds(17)));
  EXPECT_EQ(tried.decided, (std::vector{Outcome::kTimedOut, Outcome::kCancelled}));
  EXPECT_EQ(set.demand(), 0u);
}

TEST(QueueSet, WithoutQueuesWhatDoesNotFitIsRefused) {
  Tried tried({.queues = 0});
  tried.set.set_seats(1, at({}));
  Place a, b;
  EXPECT_EQ(tried.arrive(a, 1, at({})), Outcome::kServe);
  EXPECT_EQ(tried.arrive(b, 1, at({})), Outcome::kConcurrencyLimit);
  tried.end(b, at({}));  // It has nothing to give back.
  EXPECT_EQ(tried.set.seats_in_use(), 1u);
}

TEST(QueueSet, WhoIsExemptNeverWaits) {
  Tried tried({.is_exempt = true});
  std::vector<Place> places(100);
  for (auto& place : places) EXPECT_EQ(tried.arrive(place, 1, at({})), Outcome::kServe);
  EXPECT_EQ(tried.set.demand(), 100u);
  for (auto& place : places) tried.end(place, at({}));
  EXPECT_EQ(tried.set.demand(), 0u);
}

TEST(QueueSet, AWideRequestGetsItsSeatsThoughNarrowOnesKeepComing) {
  Tried tried({.queues = 8, .hand_size = 1, .queue_length = 100});
  QueueSet& set = tried.set;
  set.set_seats(4, at({}));
  std::vector<Place> narrow(4);
  for (auto& each : narrow) tried.arrive(each, 1, at({}));
  Place wide, late;
  tried.arrive(wide, 2, at({}), {.seats = 10});
  tried.arrive(late, 1, at({}));
  for (int i = 0; i < 4; ++i) tried.end(narrow[static_cast<std::size_t>(i)], at(milliseconds(i)));
  tried.end(late, at(milliseconds(9)));
  EXPECT_EQ(wide.state(), Place::State::kServed);
  EXPECT_EQ(set.seats_in_use(), 10u);  // Alone.
}

TEST(QueueSet, FinalSeatsAreTakenFromTheBeginAndHeldAfterTheAnswer) {
  Tried tried({.queues = 1, .hand_size = 1});
  QueueSet& set = tried.set;
  set.set_seats(3, at({}));
  Place request;
  tried.arrive(request, 1, at({}), {.seats = 1, .final_seats = 2, .final_time = milliseconds(5)});
  EXPECT_EQ(set.seats_in_use(), 2u);
  tried.end(request, at(milliseconds(1)));
  EXPECT_EQ(set.seats_in_use(), 2u);
  EXPECT_EQ(set.next_tick(), at(milliseconds(6)));
  set.tick(at(milliseconds(6)));
  EXPECT_EQ(set.seats_in_use(), 0u);
}

TEST(QueueSet, WhatWaitsOutlivesAChangeOfTheQueues) {
  Tried tried({.queues = 8, .hand_size = 2});
  QueueSet& set = tried.set;
  set.set_seats(1, at({}));
  Place running;
  tried.arrive(running, 1, at({}));
  std::vector<Place> waiting(5);
  for (auto& each : waiting) tried.arrive(each, 2, at({}));
  set.set_options({.queues = 2, .hand_size = 1}, at({}));
  EXPECT_EQ(set.waiting(), 5u);
  tried.end(running, at(milliseconds(1)));
  EXPECT_EQ(tried.decided, std::vector{Outcome::kServe});
  set.set_options({.queues = 0}, at(milliseconds(1)));
  tried.tell();
  EXPECT_EQ(std::ranges::count(tried.decided, Outcome::kServe), 1);
  EXPECT_EQ(std::ranges::count(tried.decided, Outcome::kConcurrencyLimit), 4);
  for (auto& each : waiting) tried.end(each, at(milliseconds(2)));
  EXPECT_EQ(set.demand(), 0u);
}

TEST(QueueSet, MoreQueuesThanAreOfUseAreNotMade) {
  QueueSet set({.queues = 10'000'000, .hand_size = 8});
  EXPECT_EQ(set.view().size(), QueueSet::kMaxQueues);
}

// Whatever happens in whatever order: seats and queues are left as they were found.
TEST(QueueSet, NothingIsLost) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto rng = seeded_rng(seed);
    Tried tried({.queues = 8, .hand_size = 3, .queue_length = 5});
    QueueSet& set = tried.set;
    set.set_seats(6, at({}));
    std::list<Place> places;
    MonotonicTime now = at({});
    for (int step = 0; step < 2000; ++step) {
      now = now + milliseconds(static_cast<int>(rng->below(4)));
      const std::uint64_t what = rng->below(100);
      const auto any = [&] {
        return std::next(places.begin(), static_cast<std::ptrdiff_t>(rng->below(places.size())));
      };
      if (what < 50 || places.empty()) {
        const auto seats = static_cast<std::uint32_t>(rng->below(8)) + 1;
        const auto final_seats = static_cast<std::uint32_t>(rng->below(3));
        tried.arrive(places.emplace_back(), rng->below(5), now,
                     {seats, final_seats, milliseconds(final_seats * 3)});
      } else if (what < 85) {
        const auto place = any();
        set.leave(*place, now);
        tried.end(*place, now);
        places.erase(place);
      } else if (what < 95) {
        set.tick(now);
      } else if (what < 98) {
        set.set_seats(static_cast<std::uint32_t>(rng->below(10)), now);
      } else {
        set.set_options({.queues = static_cast<std::uint32_t>(rng->below(10)), .hand_size = 2},
                        now);
      }
      tried.tell();
      std::uint32_t held = 0;
      set.each_served([&](const Place& place) { held += place.width.most(); });
      ASSERT_GE(set.seats_in_use(), held);
    }
    for (auto& place : places) {
      set.leave(place, now);
      tried.end(place, now);
    }
    set.tick(now + seconds(60));
    EXPECT_EQ(set.demand(), 0u) << seed;
    EXPECT_EQ(set.waiting() + set.serving(), 0u) << seed;
    for (const auto& queue : set.view()) EXPECT_EQ(queue.seats_held + queue.serving, 0u) << seed;
  }
}

// Clients that send as fast as they can, and nodes that renew a Lease every ten seconds.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : rng_(seeded_rng(seed)), set_({.queues = 64, .hand_size = 8, .queue_length = 50}) {
    set_.set_seats(10, now_);
  }

  // Each client has `flood` requests under way or waiting, always.
  void run(int clients, int flood, int nodes, Duration length) {
    for (int client = 0; client < clients; ++client) {
      const std::uint64_t flow = rng_->next();
      for (int i = 0; i < flood; ++i) plan(now_, [this, flow] { send_again(flow); });
    }
    for (int node = 0; node < nodes; ++node) {
      const std::uint64_t flow = rng_->next();
      plan(now_ + Duration(static_cast<std::int64_t>(rng_->below(10'000'000'000))),
           [this, flow] { beat(flow); });
    }
    const MonotonicTime end = now_ + length;
    while (!plans_.empty() && plans_.begin()->first <= end) {
      now_ = plans_.begin()->first;
      const auto work = std::move(plans_.begin()->second);
      plans_.erase(plans_.begin());
      work();
      if (const auto next = set_.next_tick(); next && *next <= now_) set_.tick(now_);
      for (const auto& [told, outcome] : set_.take_decisions()) told(outcome);
      // Whatever happens, the seats are never overrun by narrow requests.
      ASSERT_LE(set_.seats_in_use(), 10u);
    }
  }
  int beats() const { return beats_; }
  int missed() const { return missed_; }
  Duration longest_wait() const { return longest_wait_; }
  std::uint64_t floods_served() const { return floods_served_; }

 private:
  void plan(MonotonicTime when, std::function<void()> work) {
    plans_.emplace(when, std::move(work));
  }
  void submit(std::uint64_t flow, std::function<void(Outcome)> decided,
              std::function<void()> finished) {
    Place& place = places_.emplace_back();
    place.flow = flow;
    const auto served = [this, &place, decided, finished](Outcome what) {
      decided(what);
      if (what != Outcome::kServe) return;
      plan(now_ + milliseconds(1 + static_cast<int>(rng_->below(20))), [this, &place, finished] {
        set_.end(place, now_);
        finished();
      });
    };
    if (const auto at_once = set_.arrive(place, now_, [&] { return served; })) served(*at_once);
  }
  void send_again(std::uint64_t flow) {
    submit(
        flow,
        [this, flow](Outcome what) {
          if (what == Outcome::kServe) ++floods_served_;
          if (what != Outcome::kServe) {
            plan(now_ + milliseconds(10), [this, flow] { send_again(flow); });
          }
        },
        [this, flow] { send_again(flow); });
  }
  void beat(std::uint64_t flow) {
    const MonotonicTime sent = now_;
    submit(
        flow,
        [this, sent](Outcome what) {
          ++(what == Outcome::kServe ? beats_ : missed_);
          longest_wait_ = std::max(longest_wait_, now_ - sent);
        },
        [] {});
    plan(now_ + seconds(10), [this, flow] { beat(flow); });
  }

  const std::unique_ptr<Rng> rng_;
  MonotonicTime now_;
  std::deque<Place> places_;  // Of all that was ever sent.
  QueueSet set_;
  std::multimap<MonotonicTime, std::function<void()>> plans_;
  int beats_ = 0, missed_ = 0;
  std::uint64_t floods_served_ = 0;
  Duration longest_wait_{0};
};

TEST(QueueSetSimulation, OneFloodingClientCannotStarveHeartbeats) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Simulation simulation(seed);
    simulation.run(1, 300, 100, seconds(120));
    EXPECT_GE(simulation.beats(), 1190) << seed;
    EXPECT_EQ(simulation.missed(), 0) << seed;
    EXPECT_LT(simulation.longest_wait(), seconds(1)) << seed;
    // And the flood gets what the nodes leave.
    EXPECT_GT(simulation.floods_served(), 80'000u) << seed;
  }
}

}  // namespace
}  // namespace pinnace::apiserver::fairness

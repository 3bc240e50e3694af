#include "apiserver/fairness/allocation.h"

#include <gtest/gtest.h>

#include <numeric>

namespace pinnace::apiserver::fairness {
namespace {

using std::chrono::seconds;

TEST(SeatAllocation, NominalSeatsAreSharesRoundedUp) {
  EXPECT_EQ(seat_limits(600, {.shares = 30}, 245).nominal, 74u);
  EXPECT_EQ(seat_limits(600, {.shares = 5}, 245).nominal, 13u);
  EXPECT_EQ(seat_limits(600, {.shares = 0}, 245).nominal, 0u);
}

TEST(SeatAllocation, ALevelLendsAndBorrowsByPercent) {
  const SeatLimits low = seat_limits(600, {.shares = 100, .lendable_percent = 90}, 245);
  EXPECT_EQ(low.nominal, 245u);
  EXPECT_EQ(low.least, 24u);
  EXPECT_EQ(low.most, 845u);
  const SeatLimits bound =
      seat_limits(600, {.shares = 100, .lendable_percent = 0, .borrowing_limit_percent = 10}, 245);
  EXPECT_EQ(bound.least, 245u);
  EXPECT_EQ(bound.most, 270u);
  // However much somebody writes down.
  EXPECT_GT(seat_limits(600, {100, 0, 2147483647}, 245).most, 600u);
}

TEST(SeatAllocation, OneRequestMayNotTakeWhatAHandCouldHold) {
  EXPECT_EQ(most_of_one_request(245, 6), 37u);
  EXPECT_EQ(most_of_one_request(10, 6), 1u);
  EXPECT_EQ(most_of_one_request(0, 8), 1u);
}

TEST(SeatAllocation, IdleSeatsAreLentToThoseWhoWantThem) {
  const auto seats = allocate({{10, 600, 10}, {67, 600, 600}, {20, 600, 20}}, 600).seats;
  EXPECT_NEAR(std::accumulate(seats.begin(), seats.end(), 0.0), 600, 1e-6);
  EXPECT_GT(seats[1], 500);
  EXPECT_GE(seats[0], 10);
}

TEST(SeatAllocation, WhatIsWantedByAllIsSharedInTheSameFraction) {
  const auto seats = allocate({{0, 600, 400}, {0, 600, 800}}, 600).seats;
  EXPECT_NEAR(seats[0], 200, 1e-6);
  EXPECT_NEAR(seats[1], 400, 1e-6);
}

TEST(SeatAllocation, NobodyBorrowsMoreThanHeMay) {
  const auto seats = allocate({{10, 50, 500}, {10, 600, 20}}, 600).seats;
  EXPECT_NEAR(seats[0], 50, 1e-6);
  EXPECT_NEAR(seats[1], 550, 1e-6);
}

TEST(SeatAllocation, WhoHasBeenIdleForDaysDoesNotSpoilTheSum) {
  const auto seats = allocate({{0, 600, 1e-300}, {100, 1200, 500}, {0, 600, 0}}, 600).seats;
  EXPECT_NEAR(std::accumulate(seats.begin(), seats.end(), 0.0), 600, 1e-6);
  EXPECT_GT(seats[1], 590);
}

TEST(SeatAllocation, ExemptRequestsTakeWhatTheyWantFromAll) {
  const SeatClaim exempt{true, {0, 0, 600}, 100, 0};
  const SeatClaim busy{false, {300, 100, 900}, 300, 300};
  const SeatClaim idle{false, {300, 100, 900}, 0, 0};
  const auto shares = share_out({exempt, busy, idle});
  const auto& seats = shares.seats;
  EXPECT_GT(shares.fair_fraction, 0);
  EXPECT_EQ(shares.targets[0], 100);
  EXPECT_EQ(seats[0], 100u);
  EXPECT_EQ(seats[0] + seats[1] + seats[2], 600u);
  EXPECT_GT(seats[1], 300u);
}

TEST(SeatAllocation, WhatIsNotLentIsKeptThoughExemptRequestsTakeAll) {
  const SeatClaim exempt{true, {0, 0, 600}, 1000, 0};
  const SeatClaim busy{false, {300, 100, 900}, 300, 300};
  EXPECT_EQ(share_out({exempt, busy, busy}).fair_fraction, 0);
  EXPECT_EQ(share_out({exempt, busy, busy}).seats, (std::vector<std::uint32_t>{1000, 100, 100}));
  // In between, they share what is left of what they want.
  const SeatClaim some{true, {0, 0, 600}, 200, 0};
  EXPECT_EQ(share_out({some, busy, busy}).seats, (std::vector<std::uint32_t>{200, 200, 200}));
}

TEST(SeatDemand, SumsUpOverTime) {
  Demand demand;
  const auto at = [](int second) { return MonotonicTime{} + seconds(second); };
  demand.set(4, at(0));
  demand.set(0, at(5));
  const auto summary = demand.take(at(10));
  EXPECT_DOUBLE_EQ(summary.highest, 4);
  EXPECT_DOUBLE_EQ(summary.average, 2);
  EXPECT_DOUBLE_EQ(summary.deviation, 2);
  EXPECT_DOUBLE_EQ(demand.take(at(20)).highest, 0);
  EXPECT_DOUBLE_EQ(smooth(0, summary), 4);
  EXPECT_NEAR(smooth(4, {}), 3.908, 1e-9);
}

}  // namespace
}  // namespace pinnace::apiserver::fairness

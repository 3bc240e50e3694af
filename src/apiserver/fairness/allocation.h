// How the server's seats are shared out among priority levels: nominal shares, what is lent, and
// what is borrowed.
//
// How: every level has at least what it does not lend (or wants less of), at most what it may
//   borrow, and in between the same fraction of what it wants as all others. Exempt levels have
//   what they want, and the rest is shared out.
// Pure. Source: KEP-1040, "Dispatching" and "Seat demand".
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace pinnace::apiserver::fairness {

struct SeatBounds {
  double least = 0, most = 0, target = 0;
};
struct Allocation {
  std::vector<double> seats;  // Adding up to the total as far as the bounds allow.
  double fair_fraction = 0;   // Of its target that each level has, its bounds apart.
};
Allocation allocate(const std::vector<SeatBounds>& levels, double total);

// What a level's configuration gives it.
struct SeatLimits {
  std::uint32_t nominal = 0;
  std::uint32_t least = 0;  // What it never lends.
  std::uint32_t most = 0;   // With all that it may borrow.
};
struct SeatShares {
  std::int64_t shares = 0, lendable_percent = 0;
  std::int64_t borrowing_limit_percent = -1;  // -1: none
};
SeatLimits seat_limits(std::uint32_t total, const SeatShares& own, std::int64_t all_shares);
// The most that one request may take of a level that queues; 0: no such bound.
std::uint32_t most_of_one_request(std::uint32_t nominal, std::uint32_t hand_size);

// What a level has wanted over a time: how much at most, and how much as a rule.
class Demand {
 public:
  void set(std::uint32_t seats, MonotonicTime now);
  struct Summary {
    double highest = 0, average = 0, deviation = 0;
  };
  // Of the time since the last call.
  Summary take(MonotonicTime now);

 private:
  void advance(MonotonicTime now);
  double seats_ = 0, highest_ = 0, seconds_ = 0, sum_ = 0, sum_of_squares_ = 0;
  MonotonicTime last_;
};

// Follows peaks at once and forgets them slowly.
double smooth(double before, const Demand::Summary& summary);

// One level at the time of sharing out.
struct SeatClaim {
  bool is_exempt = false;
  SeatLimits limits;
  double highest = 0, smoothed = 0;  // Of its demand.
};
// What each level has from now on, and would have had for itself.
struct Shares {
  std::vector<std::uint32_t> seats;
  std::vector<double> targets;
  double fair_fraction = 0;  // 0: exempt requests took what the others do not lend.
};
Shares share_out(const std::vector<SeatClaim>& claims);

}  // namespace pinnace::apiserver::fairness

#include "apiserver/fairness/allocation.h"

#include <algorithm>
#include <cmath>

namespace pinnace::apiserver::fairness {

namespace {

// At ten seconds a step a peak is half forgotten in five minutes.
constexpr double kMemory = 0.977;
constexpr int kSteps = 60;  // Of halving: as exact as a double is.
// What a level is taken to want at least: what has been idle for days wants next to nothing, and
// fractions of that would have no bound.
constexpr double kLeastTarget = 0.1;
constexpr double kManySeats = 1e9;
// Of a level's nominal seats.
constexpr double kMostOfOneRequest = 0.15;

double seats_at(const SeatBounds& level, double fraction) {
  return std::clamp(std::max(level.target, kLeastTarget) * fraction, level.least, level.most);
}

double sum_at(const std::vector<SeatBounds>& levels, double fraction) {
  double sum = 0;
  for (const SeatBounds& level : levels) {
    sum += seats_at(level, fraction);
  }
  return sum;
}

}  // namespace

Allocation allocate(const std::vector<SeatBounds>& levels, double total) {
  double low = 0, high = 1;
  for (const SeatBounds& level : levels) {
    high = std::max(high, level.most / std::max(level.target, kLeastTarget));
  }
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (low + high) / 2;
    (sum_at(levels, middle) < total ? low : high) = middle;
  }
  Allocation made{{}, high};
  for (const SeatBounds& level : levels) made.seats.push_back(seats_at(level, high));
  return made;
}

SeatLimits seat_limits(std::uint32_t total, const SeatShares& own, std::int64_t all_shares) {
  SeatLimits limits;
  if (all_shares > 0 && own.shares > 0) {
    limits.nominal = static_cast<std::uint32_t>(
        std::ceil(static_cast<double>(total) * static_cast<double>(own.shares) /
                  static_cast<double>(all_shares)));
  }
  const auto percent = [&](std::int64_t of) {
    const double seats = std::round(limits.nominal * static_cast<double>(of) / 100);
    return static_cast<std::uint32_t>(std::min(seats, kManySeats));
  };
  limits.least = limits.nominal - percent(own.lendable_percent);
  limits.most = limits.nominal +
                (own.borrowing_limit_percent < 0 ? total : percent(own.borrowing_limit_percent));
  return limits;
}

std::uint32_t most_of_one_request(std::uint32_t nominal, std::uint32_t hand_size) {
  const double part = std::ceil(nominal * kMostOfOneRequest);
  const std::uint32_t of_hand = nominal / std::max<std::uint32_t>(hand_size, 1);
  return std::max<std::uint32_t>(1, std::min(static_cast<std::uint32_t>(part), of_hand));
}

void Demand::advance(MonotonicTime now) {
  const double passed = std::chrono::duration<double>(now - last_).count();
  last_ = std::max(last_, now);
  if (passed <= 0) return;
  seconds_ += passed;
  sum_ += seats_ * passed;
  sum_of_squares_ += seats_ * seats_ * passed;
}

void Demand::set(std::uint32_t seats, MonotonicTime now) {
  advance(now);
  seats_ = seats;
  highest_ = std::max(highest_, seats_);
}

Demand::Summary Demand::take(MonotonicTime now) {
  advance(now);
  Summary summary{highest_, seats_, 0};
  if (seconds_ > 0) {
    summary.average = sum_ / seconds_;
    const double variance = sum_of_squares_ / seconds_ - summary.average * summary.average;
    summary.deviation = std::sqrt(std::max(0.0, variance));
  }
  highest_ = seats_;
  seconds_ = sum_ = sum_of_squares_ = 0;
  return summary;
}

double smooth(double before, const Demand::Summary& summary) {
  const double envelope = summary.average + summary.deviation;
  return std::max(envelope, kMemory * before + (1 - kMemory) * envelope);
}

Shares share_out(const std::vector<SeatClaim>& claims) {
  std::vector<SeatBounds> bounds;
  double rest = 0, least_sum = 0, wanted_sum = 0;
  for (const SeatClaim& claim : claims) {
    const auto& [nominal, least, most] = claim.limits;
    const double wanted =
        std::max<double>(least, std::min(static_cast<double>(nominal), claim.highest));
    rest += nominal;
    if (claim.is_exempt) {
      rest -= std::max<double>(least, claim.highest);
      continue;
    }
    least_sum += least;
    wanted_sum += wanted;
    bounds.push_back({wanted, static_cast<double>(most), std::max(wanted, claim.smoothed)});
  }
  const bool is_short = rest <= wanted_sum;
  if (is_short) {
    // What exempt requests take is missing elsewhere: first what levels want of what they lend.
    const double part = rest <= least_sum ? 0 : (rest - least_sum) / (wanted_sum - least_sum);
    std::size_t at = 0;
    for (const SeatClaim& claim : claims) {
      if (claim.is_exempt) continue;
      SeatBounds& own = bounds[at++];
      own.least = own.most = claim.limits.least + (own.least - claim.limits.least) * part;
    }
  }
  const Allocation shared = allocate(bounds, rest);
  Shares shares;
  if (!is_short) shares.fair_fraction = shared.fair_fraction;
  std::size_t at = 0;
  for (const SeatClaim& claim : claims) {
    const double exempt = std::max<double>(claim.limits.least, claim.highest);
    const double own = claim.is_exempt ? exempt : shared.seats[at];
    shares.seats.push_back(static_cast<std::uint32_t>(std::round(own)));
    shares.targets.push_back(claim.is_exempt ? exempt : bounds[at].target);
    if (!claim.is_exempt) ++at;
  }
  return shares;
}

}  // namespace pinnace::apiserver::fairness

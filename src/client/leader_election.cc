#include "client/leader_election.h"

#include <utility>

#include "base/log.h"

namespace pinnace::client {

namespace {

constexpr double kJitter = 1.2;  // Candidates wait up to so much longer than the period.
constexpr std::uint64_t kSteps = 1000;

std::string holder_of(const api::coordination_v1::Lease& lease) {
  return lease.spec.holder_identity.value_or("");
}

}  // namespace

LeaderElection::LeaderElection(Options options)
    : options_(std::move(options)), fibers_(options_.executor) {}

LeaderElection::~LeaderElection() {
  options_.executor.cancel(round_timer_);
  options_.executor.cancel(end_timer_);
}

void LeaderElection::start() { round(); }

void LeaderElection::round() {
  fibers_.run([this] {
    const MonotonicTime began = now();
    finish(began, acquire_or_renew());
  });
}

LeaderElection::Outcome LeaderElection::acquire_or_renew() {
  auto found = options_.api.get<Lease>(options_.ns, options_.name);
  if (!found) {
    if (found.error().code != 404) return Outcome::kFailed;
    Lease lease;
    lease.metadata.namespace_ = options_.ns;
    lease.metadata.name = options_.name;
    return take(lease, true);
  }
  observe(*found);
  const std::string holder = holder_of(*found);
  if (!holder.empty() && holder != options_.identity) {
    const auto lasts = std::chrono::seconds(found->spec.lease_duration_seconds.value_or(0));
    if (now() < observed_at_ + lasts) return Outcome::kHeldByAnother;
  }
  return take(*found, false);
}

LeaderElection::Outcome LeaderElection::take(const Lease& lease, bool is_new) {
  Lease wanted = lease;
  const WallTime time = options_.executor.clock().wall();
  if (holder_of(lease) != options_.identity) {
    wanted.spec.acquire_time = time;
    wanted.spec.lease_transitions =
        is_new ? 0 : static_cast<std::int32_t>(lease.spec.lease_transitions.value_or(0) + 1);
  }
  wanted.spec.holder_identity = options_.identity;
  wanted.spec.lease_duration_seconds = static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(options_.lease_duration).count());
  wanted.spec.renew_time = time;
  const auto written = is_new ? options_.api.create(wanted) : options_.api.update(wanted);
  if (!written) return Outcome::kFailed;
  observe(*written);
  return Outcome::kHeld;
}

void LeaderElection::observe(const Lease& lease) {
  if (observed_ && observed_->spec == lease.spec) return;
  observed_ = lease;
  observed_at_ = now();
}

void LeaderElection::finish(MonotonicTime began, Outcome outcome) {
  if (is_released_) return;
  if (outcome == Outcome::kHeld && now() < began + options_.renew_deadline) {
    lead_until(began + options_.renew_deadline);
  } else if (outcome == Outcome::kHeldByAnother) {
    stop_leading();
  }
  Duration wait = options_.retry_period;
  if (!is_leader_) {
    const double share = static_cast<double>(options_.rng.below(kSteps)) / kSteps;
    wait += std::chrono::duration_cast<Duration>(options_.retry_period * (kJitter * share));
  }
  round_timer_ = options_.executor.schedule_after(wait, [this] { round(); });
}

void LeaderElection::lead_until(MonotonicTime end) {
  options_.executor.cancel(end_timer_);
  end_timer_ = options_.executor.schedule_after(end - now(), [this] { stop_leading(); });
  if (std::exchange(is_leader_, true)) return;
  log::info("leading", {{"lease", options_.name}, {"identity", options_.identity}});
  options_.on_started();
}

void LeaderElection::stop_leading() {
  options_.executor.cancel(end_timer_);
  if (!std::exchange(is_leader_, false)) return;
  log::warning("no longer leading", {{"lease", options_.name}});
  options_.on_stopped();
}

void LeaderElection::release() {
  is_released_ = true;
  options_.executor.cancel(round_timer_);
  options_.executor.cancel(end_timer_);
  if (!std::exchange(is_leader_, false) || !observed_) return;
  Lease given_up = *observed_;
  given_up.spec.holder_identity = "";
  given_up.spec.lease_duration_seconds = 1;
  given_up.spec.renew_time = options_.executor.clock().wall();
  if (auto written = options_.api.update(given_up); !written) {
    log::info("the lease was not given up",
              {{"lease", options_.name}, {"error", written.error().message}});
  }
}

}  // namespace pinnace::client

#include "apiserver/fairness/turns.h"

#include <algorithm>
#include <utility>

#include "apiserver/fairness/default_objects.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver::fairness {
namespace {

// Without a reason: Kubernetes answers with the bare sentence.
Unexpected too_many(unsigned retry_after_seconds) {
  auto refused = errors::too_many_requests("Too many requests, please try again later.",
                                           static_cast<int>(retry_after_seconds));
  refused.error().reason.clear();
  return refused;
}

// Of the time that a request has.
constexpr int kPartInQueue = 4;

bool only_reads(const RequestInfo& info) {
  return info.verb == "get" || info.verb == "list" || info.verb == "watch";
}

}  // namespace

Turn::~Turn() { release(); }

void Turn::release() {
  if (!holds_.load(std::memory_order_relaxed)) return;
  if (!holds_.exchange(false, std::memory_order_acq_rel)) return;
  if (counted_in_ != nullptr) {
    counted_in_->fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const Duration took = flow_->level->give_back(place_);
  auto& series = place_.call->info.verb == "watch" ? flow_->executed_watch : flow_->executed;
  series.observe(std::chrono::duration<double>(took).count());
}

void Turn::leave() {
  if (flow_ != nullptr) flow_->level->leave(place_);
}

void Turn::add_headers(net::Headers& headers) const {
  if (flow_ == nullptr || flow_->schema.uid.empty()) return;
  headers.add("x-kubernetes-pf-flowschema-uid", flow_->schema.uid);
  headers.add("x-kubernetes-pf-prioritylevel-uid", flow_->level_uid);
}

Turns::Turns(const RequestLimits& limits, const store::Store& store, const CatalogHolder& catalog,
             Executor& executor, metrics::Registry& registry)
    : limits_(limits),
      executor_(executor),
      registry_(registry),
      metrics_(registry),
      widths_(store, catalog, executor.clock()) {
  configure(digest({}, {}, concurrency()));
}

std::uint32_t Turns::concurrency() const {
  return static_cast<std::uint32_t>(limits_.max_requests_inflight +
                                    limits_.max_mutating_requests_inflight);
}

std::optional<Outcome> Turns::ask(Call& call, const std::function<Place::Decided()>& when_waiting) {
  if (call.info.verb != "watch" && lasts(call.info)) return Outcome::kServe;
  if (!limits_.is_fair) return ask_plainly(call);
  Turn& turn = call.turn;
  turn.flows_ = current();
  turn.flow_ = &turn.flows_->find(call.user, call.info);
  turn.place_.call = &call;
  turn.place_.flow = turn.flow_->schema.flow_of(call.user, call.info);
  const auto estimate = widths_.of(call, turn.flow_->most_seats);
  turn.place_.width = estimate.width;
  if (estimate.watches) turn.flow_->watch_count.observe(static_cast<double>(*estimate.watches));
  turn.flow_->work_seats.observe(turn.place_.width.most());
  turn.holds_.store(true, std::memory_order_relaxed);
  auto outcome = turn.flow_->level->admit(turn.place_, when_waiting);
  if (!outcome) {
    turn.flow_->queue_length.observe(static_cast<double>(turn.place_.queue_length()));
  }
  return outcome;
}

// As many as there are of its kind; administrators and what lasts are not counted.
std::optional<Outcome> Turns::ask_plainly(Call& call) {
  const bool reads = only_reads(call.info);
  const std::size_t most =
      reads ? limits_.max_requests_inflight : limits_.max_mutating_requests_inflight;
  if (most == 0 || lasts(call.info) || call.user.in_group(kMasters)) return Outcome::kServe;
  std::atomic<std::size_t>& count = reads ? reading_ : writing_;
  if (count.fetch_add(1, std::memory_order_relaxed) >= most) {
    count.fetch_sub(1, std::memory_order_relaxed);
    return Outcome::kConcurrencyLimit;
  }
  call.turn.counted_in_ = &count;
  call.turn.holds_.store(true, std::memory_order_relaxed);
  return Outcome::kServe;
}

Result<void> Turns::settle(Call& call, Outcome outcome) {
  const Flow* flow = call.turn.flow();
  if (flow == nullptr) {
    if (outcome == Outcome::kServe) return {};
    return too_many(1);
  }
  const Place& place = call.turn.place();
  if (outcome == Outcome::kServe) {
    flow->dispatched.add(1);
    flow->waited_and_served.observe(
        std::chrono::duration<double>(place.began() - place.arrived()).count());
    return {};
  }
  call.turn.holds_.store(false, std::memory_order_relaxed);
  flow->rejected[static_cast<std::size_t>(outcome)]->add(1);
  const Duration waited = executor_.clock().monotonic() - place.arrived();
  flow->waited_in_vain.observe(std::chrono::duration<double>(waited).count());
  return too_many(static_cast<unsigned>(flow->level->retry_after_seconds()));
}

void Turns::configure_level(Digest::LevelAtWork& wanted) {
  Entry& entry = levels_[wanted.settings.name];
  entry.settings = wanted.settings;
  entry.limits = wanted.limits;
  entry.is_leaving = false;
  if (entry.level != nullptr) return entry.level->configure(entry.settings);
  entry.level =
      std::make_shared<Level>(entry.settings, limits_.request_timeout / kPartInQueue, executor_,
                              LevelUse(registry_, entry.settings.name, concurrency()));
  entry.seats = wanted.limits.nominal - (wanted.limits.nominal - wanted.limits.least) / 2;
}

void Turns::configure(Digest digest) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, entry] : levels_) entry.is_leaving = true;
  for (Digest::LevelAtWork& wanted : digest.levels) configure_level(wanted);
  auto flows = std::make_shared<Flows>();
  for (FlowSchema& schema : digest.schemas) {
    const Entry& entry = levels_.at(schema.level);
    const bool queues = entry.settings.queuing.queues > 0;
    const std::uint32_t most =
        queues ? most_of_one_request(entry.limits.nominal, entry.settings.queuing.hand_size) : 0;
    flows->all.emplace_back(std::move(schema), entry.level, entry.settings, most, metrics_);
  }
  share_out_locked();
  const std::lock_guard current_lock(current_mutex_);
  current_ = std::move(flows);
}

void Turns::share_out() {
  const std::lock_guard lock(mutex_);
  share_out_locked();
}

void Turns::share_out_locked() {
  std::erase_if(levels_, [](const auto& item) {
    return item.second.is_leaving && item.second.level->is_idle();
  });
  std::vector<SeatClaim> claims;
  for (auto& [name, entry] : levels_) {
    const Demand::Summary demand = entry.level->take_demand();
    entry.smoothed = smooth(entry.smoothed, demand);
    claims.push_back({entry.settings.is_exempt, entry.limits, demand.highest, entry.smoothed});
    metrics_.demand_highest.with({name}).set(demand.highest);
    metrics_.demand_average.with({name}).set(demand.average);
    metrics_.demand_deviation.with({name}).set(demand.deviation);
    metrics_.demand_smoothed.with({name}).set(entry.smoothed);
  }
  const Shares shares = fairness::share_out(claims);
  metrics_.fair_fraction.set(shares.fair_fraction);
  std::size_t at = 0;
  for (auto& [name, entry] : levels_) {
    metrics_.target_seats.with({name}).set(shares.targets[at]);
    entry.seats = shares.seats[at++];
    entry.level->set_seats(entry.seats);
    metrics_.nominal_seats.with({name}).set(entry.limits.nominal);
    metrics_.lower_seats.with({name}).set(entry.limits.least);
    metrics_.upper_seats.with({name}).set(entry.limits.most);
    metrics_.current_seats.with({name}).set(entry.seats);
  }
}

void Turns::close() {
  for (const LevelView& view : levels()) view.level->close();
}

std::vector<Turns::LevelView> Turns::levels() const {
  const std::lock_guard lock(mutex_);
  std::vector<LevelView> out;
  for (const auto& [name, entry] : levels_) {
    out.push_back({entry.level, entry.is_leaving, entry.settings.is_exempt});
  }
  return out;
}

void Turns::publish() {
  struct Sums {
    double waiting = 0, waiting_seats = 0, serving = 0, seats = 0;
  };
  std::map<std::pair<std::string, std::string>, Sums> sums;
  // Those that have nothing now are told so, too.
  for (const Flow& flow : current()->all) sums[{flow.level->name(), flow.schema.name}];
  for (const LevelView& view : levels()) {
    view.level->publish();
    view.level->inspect([&](const QueueSet& queues, const Level::Counts&) {
      const auto of = [&](const Place& place) -> Sums& {
        return sums[{view.level->name(), place.call->turn.flow()->schema.name}];
      };
      queues.each_waiting([&](const Place& place) {
        Sums& own = of(place);
        ++own.waiting;
        own.waiting_seats += place.width.most();
      });
      queues.each_served([&](const Place& place) {
        Sums& own = of(place);
        ++own.serving;
        own.seats += place.width.most();
      });
    });
  }
  for (const auto& [names, own] : sums) {
    const std::vector<std::string> labels = {names.first, names.second};
    metrics_.in_queue.with(labels).set(own.waiting);
    metrics_.in_queue_seats.with(labels).set(own.waiting_seats);
    metrics_.executing.with(labels).set(own.serving);
    metrics_.executing_seats.with(labels).set(own.seats);
  }
}

}  // namespace pinnace::apiserver::fairness

#include "cluster/control_loops.h"

#include <functional>
#include <utility>

#include "client/leader_election.h"
#include "controllers/manager.h"
#include "io/loop.h"
#include "scheduler/scheduler.h"

namespace pinnace::cluster {

namespace {

// One of the loops: there while it leads.
template <typename T>
class Led {
 public:
  using Make = std::function<std::unique_ptr<T>()>;
  Led(client::LeaderElection::Options election, bool elects, Make make) : make_(std::move(make)) {
    if (!elects) {
      begin();
      return;
    }
    election.on_started = [this] { begin(); };
    election.on_stopped = [this] { led_.reset(); };
    election_ = std::make_unique<client::LeaderElection>(std::move(election));
    election_->start();
  }
  // Nothing is written by us any more when another one may begin.
  ~Led() {
    led_.reset();
    if (election_) election_->release();
  }

 private:
  void begin() {
    led_ = make_();
    led_->start();
  }
  const Make make_;
  std::unique_ptr<T> led_;
  std::unique_ptr<client::LeaderElection> election_;
};

class ControlLoopsImpl final : public ControlLoops {
 public:
  explicit ControlLoopsImpl(Options options) : options_(std::move(options)) {
    options_.loop.run_and_wait([this] { begin(); });
  }
  ~ControlLoopsImpl() override { stop(); }
  void stop() override {
    options_.loop.run_and_wait([this] {
      scheduler_.reset();
      manager_.reset();
    });
  }

 private:
  client::LeaderElection::Options election(const client::Client& api, const char* lease) {
    return {.api = api,
            .executor = options_.loop.loop(),
            .rng = options_.rng,
            .name = lease,
            .identity = options_.identity};
  }
  void begin() {
    manager_ = std::make_unique<Led<controllers::Manager>>(
        election(options_.controllers, "kube-controller-manager"), options_.elects, [this] {
          return std::make_unique<controllers::Manager>(
              controllers::Manager::Options{.api = options_.controllers,
                                            .executor = options_.loop.loop(),
                                            .rng = options_.rng,
                                            .settings = options_.settings,
                                            .metrics = &options_.metrics});
        });
    scheduler_ = std::make_unique<Led<scheduler::Scheduler>>(
        election(options_.scheduler, "kube-scheduler"), options_.elects, [this] {
          return std::make_unique<scheduler::Scheduler>(
              scheduler::Scheduler::Options{.api = options_.scheduler,
                                            .executor = options_.loop.loop(),
                                            .rng = options_.rng,
                                            .metrics = &options_.metrics});
        });
  }

  const Options options_;
  std::unique_ptr<Led<controllers::Manager>> manager_;
  std::unique_ptr<Led<scheduler::Scheduler>> scheduler_;
};

}  // namespace

std::unique_ptr<ControlLoops> ControlLoops::start(Options options) {
  return std::make_unique<ControlLoopsImpl>(std::move(options));
}

}  // namespace pinnace::cluster

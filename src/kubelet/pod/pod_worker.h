// PodWorker brings one pod's containers to what the API wants, and its status to the API.
//
// It looks at the runtime afresh each time that it is woken; it keeps only what the runtime cannot
// tell (why a container waits, what is being pulled or stopped).
// Threads: public functions from any; the work itself runs on the pool, one at a time.
// Lifetime: shared with work in flight.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "kubelet/pod/pod_context.h"
#include "kubelet/pod/pod_state.h"

namespace pinnace::kubelet {

class PodWorker : public std::enable_shared_from_this<PodWorker> {
 public:
  using PodRef = std::shared_ptr<const core::Pod>;

  // `done` is called from the pool when nothing of the pod is left on the node.
  PodWorker(const PodContext& context, PodRef pod, std::function<void()> done);

  void update(PodRef pod);
  // The API has the pod no more: end what still runs.
  void removed();
  void wake();
  void stop();  // Does nothing from now on; containers stay.
  bool stopped() const;

  // With the newest status.
  PodRef pod() const;
  // A sandbox or container has ended. True if it is known to be one of this pod's.
  bool ended(const std::string& id);
  // One that no pod knows has ended: it may be what this one is just making.
  void ended_unknown(const std::string& id);
  // The runtime's lists show this of the pod: if it is news, the worker looks closer.
  void compare(const Glance& seen);

 private:
  struct Pull {
    bool done = false;
    ImagePuller::Outcome outcome;
  };
  struct Kill {
    std::int64_t grace_seconds = 0;
    int in_flight = 0;
  };
  // A postStart hook; gone when it has succeeded.
  struct Hook {
    bool done = false;
    std::string failure;
  };

  // pod_worker.cc: when to look, and what to do.
  void run();
  void look_again(Duration delay);
  void sync();
  void remember(const PodState& state);
  // What to do while the pod shall run. False: look at the state again at once.
  bool sync_running(const PodRef& pod, PodState& state);
  Plan plan_for(const PodRef& pod, const PodState& state);
  bool act(const PodRef& pod, const Plan& plan, PodState& state);
  void when_settled(const PodRef& pod, const PodState& state);
  std::optional<Verdict> deadline_verdict(const core::Pod& pod);

  // pod_starting.cc
  bool create_sandbox(const PodRef& pod, const Plan& plan, PodState& state);
  bool start(const PodRef& pod, const StartContainer& action, const PodState& state,
             const Volumes::Paths& volumes);
  std::optional<Volumes::Paths> prepare_volumes(const PodRef& pod, const PodState& state);
  // The image if it is there or was pulled; nothing while it is being pulled.
  std::optional<ImagePuller::Outcome> image_for(const PodRef& pod,
                                                const core::Container& container);
  ImagePuller::Outcome pull_image(const core::Pod& pod, const core::Container& container) const;
  void run_post_start(const PodRef& pod, const core::Container& container, const std::string& id,
                      const std::string& ip);
  bool any_hook_runs() const;
  bool hook_runs(const std::string& container_id) const;
  void end_failed_hooks(const PodRef& pod, const PodState& state);
  void collect_dead(const PodState& state);

  // pod_ending.cc
  // Ends everything. True when no container runs any more.
  bool end_containers(const PodRef& pod, const PodState& state, std::int64_t grace_seconds,
                      const std::string& message);
  void kill(const PodRef& pod, const ContainerRecord& record, std::int64_t grace_seconds,
            const std::string& message);
  bool end_sandboxes(const PodState& state);
  void sync_ending(const PodRef& pod, PodState& state);
  void clean_up(const PodRef& pod, const PodState& state);
  Result<void> remove_from_runtime(const PodState& state);

  // pod_publishing.cc
  void read_termination_messages(PodState& state) const;
  void note_waiting(const Waiting& waiting);
  void tell_back_off(const core::Pod& pod, const Waiting& waiting);
  void publish(const PodRef& pod, const PodState& state, bool terminal);
  PodRef newest(const PodRef& pod) const;

  const PodContext& context_;
  const std::function<void()> done_;

  mutable std::mutex mutex_;
  PodRef pod_;
  PodRef written_;  // What the API answered to our last status.
  bool removed_ = false, stopped_ = false;
  bool running_ = false, again_ = false;
  std::map<std::string, std::shared_ptr<Pull>> pulls_;  // By container name.
  std::map<std::string, Kill> kills_;                   // By container id.
  std::map<std::string, Hook> hooks_;                   // By container id.
  Glance seen_;
  std::map<std::string, MonotonicTime> ended_;  // Told by events, not yet by the lists.
  Executor::TimerId timer_ = 0;
  std::optional<MonotonicTime> timer_at_;

  // Of the work only.
  bool admitted_ = false;
  bool finished_ = false;  // All of it has ended for good, but the pod is still in the API.
  bool cleaned_ = false;
  std::optional<Verdict> verdict_;
  std::vector<Waiting> waiting_;
  std::optional<MonotonicTime> ending_since_;
  int sandbox_failures_ = 0, volume_failures_ = 0, write_failures_ = 0;
  std::set<std::string> told_back_off_;
  std::map<std::string, MonotonicTime> retry_image_at_;  // By container and image.
};

// `first`, doubled with each further failure.
Duration doubling(Duration first, int failures, Duration longest);

}  // namespace pinnace::kubelet

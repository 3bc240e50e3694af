// The part of PodWorker that tells: the pod's status, and why its containers wait.
#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/pod/container_starter.h"
#include "kubelet/pod/log_tail.h"
#include "kubelet/pod/pod_worker.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxLogMessage = 2048;
constexpr int kMaxLogLines = 80;

}  // namespace

void PodWorker::read_termination_messages(PodState& state) const {
  const PodRef pod = this->pod();
  for (auto& record : state.containers) {
    auto& status = record.status;
    if (!record.exited() || !status.message.empty()) continue;
    const auto path =
        message_path(context_.volumes, pod->metadata.uid, status.name, record.restart_count());
    if (auto text = read_head(path, kMaxMessage)) status.message = std::move(*text);
    const auto policy = status.annotations.find(kMessagePolicyAnnotation);
    if (status.message.empty() && status.exit_code != 0 && policy != status.annotations.end() &&
        policy->second == "FallbackToLogsOnError") {
      status.message = log_tail(status.log_path, kMaxLogLines, kMaxLogMessage);
    }
  }
}

void PodWorker::note_waiting(const Waiting& waiting) {
  const auto found = std::ranges::find(waiting_, waiting.container, &Waiting::container);
  if (found == waiting_.end())
    waiting_.push_back(waiting);
  else
    *found = waiting;
}

void PodWorker::tell_back_off(const core::Pod& pod, const Waiting& waiting) {
  if (!told_back_off_.insert(waiting.container).second) return;
  const auto container = find_container(pod, waiting.container);
  const auto& meta = pod.metadata;
  context_.events(reference_to(pod, container ? &*container : nullptr), kWarning, "BackOff",
                  "Back-off restarting failed container " + waiting.container + " in pod " +
                      meta.name + '_' + meta.namespace_ + '(' + meta.uid + ')');
}

// Of the API's copy and the answer to our last write. Under the lock.
PodWorker::PodRef PodWorker::newest(const PodRef& pod) const {
  if (!written_) return pod;
  const auto ours = parse_uint(written_->metadata.resource_version);
  const auto theirs = parse_uint(pod->metadata.resource_version);
  return ours && theirs && *ours > *theirs ? written_ : pod;
}

void PodWorker::publish(const PodRef& pod, const PodState& state, bool terminal) {
  const PodRef known = this->pod();
  const auto& meta = pod->metadata;
  const auto ready = [this](const std::string& id) {
    return !hook_runs(id) && context_.prober.ready(id);
  };
  const auto started = [this](const std::string& id) {
    return !hook_runs(id) && context_.prober.started(id);
  };
  const auto status = make_status({*known, state, waiting_, ready, started, context_.node_ip,
                                   verdict_, terminal, context_.clock.wall()});
  const std::string patch = status_patch(*known, known->status, status);
  if (patch.empty()) return;
  auto answer = context_.api.patch<core::Pod>(meta.namespace_, meta.name, client::PatchType::kMerge,
                                              patch, "status");
  if (answer) {
    write_failures_ = 0;
    const std::lock_guard lock(mutex_);
    written_ = std::make_shared<const core::Pod>(std::move(*answer));
  } else if (answer.error().code != 404 && answer.error().code != 409) {
    log::warning("cannot write a pod's status",
                 {{"pod", meta.namespace_ + '/' + meta.name}, {"error", answer.error().message}});
    look_again(doubling(std::chrono::seconds(1), ++write_failures_, std::chrono::seconds(20)));
  }
}

}  // namespace pinnace::kubelet

// ImagePuller makes sure that a container's image is there, by the pod's pull policy.
//
// Threads: any; `pull` blocks. Pulls of one image by one user at one time are one pull.
// Errors: what stands in the container's waiting state, and why.
// Source: Kubernetes documentation, "Images".
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "kubelet/cri/runtime.h"
#include "kubelet/events.h"
#include "kubelet/pod/backoff.h"
#include "kubelet/pod/plan.h"

namespace pinnace::kubelet {

class ImagePuller {
 public:
  // `pulled` is called after each pull, from the thread that did it.
  ImagePuller(cri::Runtime& runtime, const Clock& clock, EventSink events,
              std::function<void()> pulled)
      : runtime_(runtime), clock_(clock), events_(std::move(events)), pulled_(std::move(pulled)) {}

  struct Outcome {
    std::string image_ref;  // Empty: the image is not there, see `waiting`.
    std::optional<cri::Image> image;
    Waiting waiting;
    std::optional<Duration> retry_after;
  };
  // What can be said without a pull; nothing when the image must be pulled.
  std::optional<Outcome> look(const core::Pod& pod, const core::Container& container);
  // Pulls, unless a failure of a moment ago forbids it.
  Outcome pull(const core::Pod& pod, const core::Container& container,
               const cri::PullCredentials* credentials);
  void forget(const std::string& pod_uid);

 private:
  struct Flight {
    bool done = false;
    Result<std::string> result = std::string();
  };
  Result<std::string> pull_once(const std::string& image, const cri::PullCredentials* credentials);
  Outcome failed(const core::Container& container, std::string reason, std::string message) const;

  cri::Runtime& runtime_;
  const Clock& clock_;
  EventSink events_;
  const std::function<void()> pulled_;
  Backoff backoff_{std::chrono::seconds(10), std::chrono::minutes(5)};
  std::mutex mutex_;
  std::condition_variable landed_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;
  std::map<std::string, std::pair<WallTime, std::string>> failures_;  // By pod and image.
};

// True for a reference that a registry could have: "[host[:port]/]path[:tag][@digest]".
bool is_image_reference(std::string_view image);

}  // namespace pinnace::kubelet

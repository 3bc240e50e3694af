#include "kubelet/pod/image_puller.h"

#include <algorithm>
#include <cstdio>

#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

std::string seconds_text(Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  char text[32];
  if (seconds < 1)
    std::snprintf(text, sizeof text, "%.0fms", seconds * 1000);
  else
    std::snprintf(text, sizeof text, "%.3fs", seconds);
  return text;
}

bool is_path_part(std::string_view part) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !part.empty() && alnum(part.front()) && alnum(part.back()) &&
         std::ranges::all_of(part,
                             [&](char c) { return alnum(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && tag[0] != '.' && tag[0] != '-' &&
         std::ranges::all_of(tag, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

bool is_image_reference(std::string_view image) {
  if (const auto at = image.find('@'); at != std::string_view::npos) {
    const auto digest = image.substr(at + 1);
    if (!digest.starts_with("sha256:") || digest.size() != 7 + 64) return false;
    image = image.substr(0, at);
  }
  auto parts = split(image, '/');
  if (parts.size() > 1 &&
      (parts[0].find_first_of(".:") != std::string_view::npos || parts[0] == "localhost")) {
    if (!is_host(parts[0])) return false;
    parts.erase(parts.begin());
  }
  std::string_view& last = parts.back();
  if (const auto colon = last.find(':'); colon != std::string_view::npos) {
    if (!is_tag(last.substr(colon + 1))) return false;
    last = last.substr(0, colon);
  }
  return std::ranges::all_of(parts, is_path_part);
}

ImagePuller::Outcome ImagePuller::failed(const core::Container& container, std::string reason,
                                         std::string message) const {
  Outcome out;
  out.waiting = {container.name, std::move(reason), std::move(message)};
  return out;
}

std::optional<ImagePuller::Outcome> ImagePuller::look(const core::Pod& pod,
                                                      const core::Container& container) {
  const std::string& image = container.image;
  const auto about = reference_to(pod, &container);
  if (!is_image_reference(image)) {
    std::string message = "Failed to apply default image tag \"" + image +
                          "\": couldn't parse image name \"" + image +
                          "\": invalid reference format";
    events_(about, kWarning, "InspectFailed", message);
    return failed(container, "InvalidImageName", std::move(message));
  }
  if (container.image_pull_policy == "Always") return std::nullopt;
  auto present = runtime_.image_status(image);
  if (!present) {
    events_(about, kWarning, "InspectFailed",
            "Failed to inspect image \"" + image + "\": " + present.error().message);
    auto out = failed(container, "ImageInspectError", present.error().message);
    out.retry_after = std::chrono::seconds(2);
    return out;
  }
  if (*present) {
    events_(about, kNormal, "Pulled",
            "Container image \"" + image + "\" already present on machine");
    Outcome out;
    out.image_ref = (*present)->id;
    out.image = std::move(*present);
    return out;
  }
  if (container.image_pull_policy == "Never") {
    std::string message =
        "Container image \"" + image + "\" is not present with pull policy of Never";
    events_(about, kWarning, "ErrImageNeverPull", message);
    return failed(container, "ErrImageNeverPull", std::move(message));
  }
  return std::nullopt;
}

ImagePuller::Outcome ImagePuller::pull(const core::Pod& pod, const core::Container& container,
                                       const cri::PullCredentials* credentials) {
  const std::string& image = container.image;
  const auto about = reference_to(pod, &container);
  const std::string key = pod.metadata.uid + '_' + image;
  std::pair<WallTime, std::string> last;
  {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(key);
    if (found != failures_.end()) last = found->second;
  }
  const WallTime begin = clock_.wall();
  if (const auto delay = backoff_.waiting(key, last.first, begin)) {
    const std::string message = "Back-off pulling image \"" + image + '"';
    events_(about, kNormal, "BackOff", message);
    auto out = failed(container, "ImagePullBackOff", message + ": ErrImagePull: " + last.second);
    out.retry_after = *delay - (begin - last.first);
    return out;
  }
  events_(about, kNormal, "Pulling", "Pulling image \"" + image + '"');
  auto pulled = pull_once(image, credentials);
  const WallTime now = clock_.wall();
  if (!pulled) {
    const std::string& why = pulled.error().message;
    events_(about, kWarning, "Failed", "Failed to pull image \"" + image + "\": " + why);
    events_(about, kWarning, "Failed", "Error: ErrImagePull");
    backoff_.next(key, now, now);
    const std::lock_guard lock(mutex_);
    failures_[key] = {now, why};
    auto out = failed(container, "ErrImagePull", why);
    out.retry_after = std::chrono::seconds(2);
    return out;
  }
  backoff_.reset(key);
  {
    const std::lock_guard lock(mutex_);
    failures_.erase(key);
  }
  Outcome out;
  out.image_ref = *pulled;
  if (auto image_now = runtime_.image_status(*pulled); image_now) out.image = *image_now;
  pulled_();
  const std::string took = seconds_text(now - begin);
  events_(about, kNormal, "Pulled",
          "Successfully pulled image \"" + image + "\" in " + took + " (" + took +
              " including waiting). Image size: " +
              std::to_string(out.image ? out.image->size_bytes : 0) + " bytes.");
  return out;
}

void ImagePuller::forget(const std::string& pod_uid) {
  backoff_.forget_prefix(pod_uid + '_');
  const std::lock_guard lock(mutex_);
  std::erase_if(failures_, [&](const auto& item) { return item.first.starts_with(pod_uid + '_'); });
}

Result<std::string> ImagePuller::pull_once(const std::string& image,
                                           const cri::PullCredentials* credentials) {
  const std::string key = image + '\n' + (credentials ? credentials->username : std::string());
  std::shared_ptr<Flight> flight;
  {
    std::unique_lock lock(mutex_);
    auto& entry = flights_[key];
    if (entry) {
      flight = entry;
      landed_.wait(lock, [&] { return flight->done; });
      return flight->result;
    }
    flight = entry = std::make_shared<Flight>();
  }
  auto result = runtime_.pull_image(image, credentials);
  const std::lock_guard lock(mutex_);
  flight->done = true;
  flight->result = result;
  flights_.erase(key);
  landed_.notify_all();
  return result;
}

}  // namespace pinnace::kubelet

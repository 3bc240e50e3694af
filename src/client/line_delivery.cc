#include "client/line_delivery.h"

#include <utility>

namespace pinnace::client {

bool LineDelivery::feed(std::string_view bytes) {
  std::deque<std::string> whole;
  std::size_t size = 0;
  for (auto newline = bytes.find('\n'); newline != std::string_view::npos;
       newline = bytes.find('\n')) {
    partial_.append(bytes.substr(0, newline));
    bytes.remove_prefix(newline + 1);
    if (partial_.empty()) continue;
    size += partial_.size();
    whole.push_back(std::exchange(partial_, {}));
  }
  partial_.append(bytes);
  if (partial_.size() > kMaxLine) {
    finish(errors::internal("a watch event is too large"));
    return false;
  }
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  for (auto& line : whole) lines_.push_back(std::move(line));
  waiting_bytes_ += size;
  if (!lines_.empty()) post_drain();
  held_back_ = waiting_bytes_ > kHighMark;
  return !held_back_;
}

void LineDelivery::finish(Result<void> result) {
  const std::lock_guard lock(mutex_);
  if (finished_ || stopped_) return;
  finished_ = true;
  end_ = std::move(result);
  post_drain();
}

// Whoever feeds holds the mutex from looking at `stopped_` until it has posted.
void LineDelivery::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

void LineDelivery::post_drain() {
  if (std::exchange(draining_, true)) return;
  executor_.post([self = shared_from_this()] { self->drain(); });
}

void LineDelivery::drain() {
  std::deque<std::string> lines;
  std::optional<Result<void>> end;
  bool resumes = false;
  {
    const std::lock_guard lock(mutex_);
    draining_ = false;
    lines.swap(lines_);
    end.swap(end_);
    waiting_bytes_ = 0;
    resumes = std::exchange(held_back_, false);
  }
  for (const auto& line : lines) {
    if (stopped_) return;
    on_line_(line);
  }
  if (stopped_) return;
  if (resumes && resume_) resume_();
  if (end) on_end_(std::move(*end));
}

}  // namespace pinnace::client

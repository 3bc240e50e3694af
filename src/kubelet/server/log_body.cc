#include "kubelet/server/log_body.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <mutex>
#include <optional>

#include "io/fd.h"
#include "io/loop.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kReadAhead = 256 << 10;
constexpr Duration kLookInterval = std::chrono::seconds(1);

// The part that the pool's work shares with the body, and which may outlive it.
class LogFeed : public std::enable_shared_from_this<LogFeed> {
 public:
  explicit LogFeed(LogSource source) : source_(std::move(source)) {}

  // On the loop.
  net::Body::Read read(std::span<char> buffer) {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = text_.copy(buffer.data(), buffer.size(), taken_);
    taken_ += bytes;
    if (taken_ < text_.size()) return {bytes, net::Body::State::kMore};
    if (!at_end_) start();
    return {bytes, over_ ? net::Body::State::kEnd : net::Body::State::kWaiting};
  }

  // There may be more: in the file, or (`ask`) the container may have ended.
  void look(bool ask) {
    const std::lock_guard lock(mutex_);
    ask_ = ask_ || ask;
    at_end_ = false;
    if (taken_ == text_.size()) start();  // Else the next `read` will.
  }

  bool follows() const { return source_.options.follow; }
  const std::string& path() const { return source_.path; }

 private:
  // Reads on, on the pool; if that is under way already, once more after it.
  void start() {
    if (over_) return;
    if (working_) {
      again_ = true;
      return;
    }
    working_ = true;
    source_.pool.submit([self = shared_from_this()] { self->work(); });
  }

  void work() {
    std::unique_lock lock(mutex_);
    const bool ask = ask_;
    lock.unlock();
    std::string more;
    const Outcome outcome = read_more(more, ask);
    lock.lock();
    text_ = std::move(more);
    taken_ = 0;
    if (outcome != Outcome::kMore) ask_ = false;
    over_ = outcome == Outcome::kOver;
    at_end_ = outcome == Outcome::kAtEnd && !again_;
    working_ = again_ = false;
    if (text_.empty() && !at_end_) start();
    lock.unlock();
    source_.exchange->wake();
  }

  enum class Outcome { kMore, kAtEnd, kOver };
  Outcome read_more(std::string& out, bool ask) {
    if (!reader_) reader_.emplace(source_.path, source_.options);
    if (reader_->read(out, kReadAhead)) return Outcome::kMore;
    if (!source_.options.follow || reader_->full()) return Outcome::kOver;
    if (reader_->reopen_if_rotated()) return Outcome::kMore;
    if (ended_) return Outcome::kOver;
    if (!ask) return Outcome::kAtEnd;
    const auto status = source_.runtime.container_status(source_.container_id);
    ended_ = status ? status->state != cri::ContainerState::kRunning &&
                          status->state != cri::ContainerState::kCreated
                    : status.error().code == 404;
    if (!ended_) return Outcome::kAtEnd;
    // What it wrote last may have come after our read.
    return reader_->read(out, kReadAhead) ? Outcome::kMore : Outcome::kOver;
  }

  const LogSource source_;
  std::optional<LogReader> reader_;  // Of the pool's work, as is `ended_`.
  bool ended_ = false;

  std::mutex mutex_;
  std::string text_;
  std::size_t taken_ = 0;  // Of `text_`.
  bool at_end_ = false, over_ = false;
  bool working_ = false, again_ = false;
  bool ask_ = true;
};

class LogBody final : public net::Body {
 public:
  explicit LogBody(LogSource source)
      : exchange_(source.exchange), feed_(std::make_shared<LogFeed>(std::move(source))) {}

  ~LogBody() override {
    if (!loop_) return;
    loop_->cancel(timer_);
    if (watch_.valid()) loop_->remove_fd(watch_.get());
  }

  Read read(std::span<char> buffer) override {
    if (!loop_) {
      loop_ = &exchange_->loop();
      if (feed_->follows()) watch();
    }
    return feed_->read(buffer);
  }

 private:
  void watch() {
    look_later();
    watch_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    const std::string folder = feed_->path().substr(0, feed_->path().rfind('/'));
    if (!watch_.valid() ||
        inotify_add_watch(watch_.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
      return watch_.reset();  // The timer alone, then.
    }
    loop_->add_fd(watch_.get(), EPOLLIN, [this](std::uint32_t) {
      char events[4096];
      while (::read(watch_.get(), events, sizeof events) > 0) {
      }
      feed_->look(false);
    });
  }

  void look_later() {
    timer_ = loop_->schedule_after(kLookInterval, [this] {
      feed_->look(true);
      look_later();
    });
  }

  const std::shared_ptr<net::Exchange> exchange_;
  const std::shared_ptr<LogFeed> feed_;
  io::Loop* loop_ = nullptr;
  io::UniqueFd watch_;
  Executor::TimerId timer_ = 0;
};

}  // namespace

std::unique_ptr<net::Body> make_log_body(LogSource source) {
  return std::make_unique<LogBody>(std::move(source));
}

}  // namespace pinnace::kubelet

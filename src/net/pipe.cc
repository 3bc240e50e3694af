#include "net/pipe.h"

#include <optional>

#include "io/loop.h"
#include "net/idle_timer.h"

namespace pinnace::net {
namespace {

constexpr std::size_t kMaxWaitingBytes = 256 << 10;
// How long the other side may take nothing of what is left for it after one has gone.
constexpr Duration kLingerTime = std::chrono::seconds(30);

class Pipe final : public std::enable_shared_from_this<Pipe> {
 public:
  Pipe(std::unique_ptr<Stream> a, std::unique_ptr<Stream> b, Duration idle_limit)
      : a_(std::move(a)),
        b_(std::move(b)),
        loop_(a_->loop()),
        timer_(std::in_place, loop_, idle_limit, [this] { finish(); }) {}

  void start() {
    wire(*a_, *b_);
    wire(*b_, *a_);
  }

 private:
  // The streams hold us, by their events, until `finish`.
  void wire(Stream& from, Stream& to) {
    auto self = shared_from_this();
    from.start({.on_data =
                    [self, &from, &to](std::string_view bytes) {
                      if (self->timer_) self->timer_->touch();
                      to.write(bytes);
                      if (to.unsent_bytes() > kMaxWaitingBytes) from.pause_reading(true);
                    },
                .on_end = [self, &to] { to.end(); },
                .on_drained = [self, &to] { to.pause_reading(false); },
                .on_closed = [self, &to] { self->on_closed(to); }});
  }

  void on_closed(Stream& other) {
    if (std::exchange(closing_, true) || other.unsent_bytes() == 0) return finish();
    other.pause_reading(false);  // Or its end would not be seen.
    other.end();
    timer_.reset();
    linger(other, other.unsent_bytes());
  }

  void linger(Stream& other, std::size_t unsent) {
    loop_.schedule_after(kLingerTime, [weak = weak_from_this(), &other, unsent] {
      const auto self = weak.lock();
      if (!self || !self->a_) return;
      const std::size_t now = other.unsent_bytes();
      if (now >= unsent) return self->finish();
      self->linger(other, now);
    });
  }

  void finish() {
    const auto self = shared_from_this();
    timer_.reset();
    a_.reset();
    b_.reset();
  }

  std::unique_ptr<Stream> a_, b_;
  io::Loop& loop_;
  std::optional<IdleTimer> timer_;
  bool closing_ = false;
};

}  // namespace

void join_streams(std::unique_ptr<Stream> a, std::unique_ptr<Stream> b, Duration idle_limit) {
  std::make_shared<Pipe>(std::move(a), std::move(b), idle_limit)->start();
}

}  // namespace pinnace::net

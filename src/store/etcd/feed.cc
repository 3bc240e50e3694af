#include "store/etcd/feed.h"

#include <utility>

#include "base/log.h"
#include "store/etcd/loader.h"
#include "store/etcd/translate.h"

namespace pinnace::store::etcd {

namespace {

constexpr auto kPause = std::chrono::milliseconds(100);

}  // namespace

void Feed::start() {
  std::unique_lock lock(mutex_);
  if (is_stopped_) return;
  const std::uint64_t stream = ++stream_;
  auto previous = std::exchange(watch_, nullptr);
  const Revision first = options_.layout.to_etcd(options_.history->revision()) + 1;
  lock.unlock();
  previous.reset();
  auto watch = options_.client->watch(
      options_.layout.everything(), first,
      [self = shared_from_this(), stream](const WatchEvents& events) {
        self->take(stream, events);
      },
      [self = shared_from_this(), stream](const Error& error) { self->ended(stream, error); });
  lock.lock();
  if (stream == stream_ && !is_stopped_) watch_ = std::move(watch);
}

void Feed::restart() {
  log::warning("etcd's watch hangs; going on with another member");
  options_.client->try_another_member();
  start();
}

void Feed::stop() {
  std::unique_ptr<Watch> watch;
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  ++stream_;
  watch = std::move(watch_);
}

void Feed::take(std::uint64_t stream, const WatchEvents& events) {
  {
    const std::lock_guard lock(mutex_);
    if (stream != stream_) return;
    is_down_ = false;
    const Translated translated = translate(options_.layout, *options_.history, events);
    options_.history->publish(translated.events, translated.through);
  }
  options_.on_advance();
}

void Feed::ended(std::uint64_t stream, const Error& error) {
  bool was_down = false;
  {
    const std::lock_guard lock(mutex_);
    if (stream != stream_ || is_stopped_) return;
    ++stream_;
    was_down = std::exchange(is_down_, true);
  }
  if (error.is("Expired")) {
    log::warning("etcd was compacted beyond what this server has seen; reading all anew");
    return reload();
  }
  if (!was_down) log::warning("etcd's watch ended", {{"error", error.message}});
  options_.client->try_another_member();
  start_later();
}

void Feed::start_later() {
  options_.executor.schedule_after(kPause, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->start();
  });
}

void Feed::reload() {
  load(options_.client, options_.layout, options_.replay,
       [self = shared_from_this()](Result<History::Loaded> loaded) {
         if (!loaded) {
           log::warning("etcd cannot be read", {{"error", loaded.error().message}});
           return self->start_later();  // It is Expired again, and comes back here.
         }
         self->options_.history->replace(std::move(*loaded));
         self->options_.on_advance();
         self->start();
       });
}

}  // namespace pinnace::store::etcd

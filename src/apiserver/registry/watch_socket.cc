#include "apiserver/registry/watch_socket.h"

#include <array>

#include "io/loop.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxWaitingBytes = 256 << 10;
constexpr int kNormalClosure = 1000;

// Cuts the first whole event off `rest`; false when there is none.
bool cut_event(std::string_view& rest, bool is_binary, std::string_view& event) {
  if (!is_binary) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    event = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  }
  constexpr std::size_t kLengthBytes = 4;
  if (rest.size() < kLengthBytes) return false;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    bytes = bytes << 8 | static_cast<unsigned char>(rest[i]);
  }
  if (rest.size() < kLengthBytes + bytes) return false;
  event = rest.substr(kLengthBytes, bytes);
  rest.remove_prefix(kLengthBytes + bytes);
  return true;
}

}  // namespace

void WatchSocket::wake() {
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void WatchSocket::start(std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::Body> events,
                        bool is_binary) {
  client_ = std::move(client);
  events_ = std::move(events);
  is_binary_ = is_binary;
  const auto self = shared_from_this();
  client_->start({.on_message = {},  // A watch has nothing to be told.
                  .on_drained = [self] { self->pump(); },
                  .on_closed = [self](int, std::string_view) { self->finish(); }});
  pump();
}

void WatchSocket::pump() {
  const auto self = shared_from_this();
  while (client_ && !is_ending_ && client_->unsent_bytes() < kMaxWaitingBytes) {
    std::array<char, 16 << 10> buffer;
    const auto read = events_->read(buffer);
    unsent_.append(buffer.data(), read.bytes);
    send_whole_events();
    if (read.state == net::Body::State::kMore) continue;
    if (read.state == net::Body::State::kWaiting) return;
    is_ending_ = true;
    if (client_) client_->close(kNormalClosure);
  }
}

void WatchSocket::send_whole_events() {
  std::string_view rest = unsent_, event;
  while (client_ && cut_event(rest, is_binary_, event)) {
    if (is_binary_)
      client_->send_binary(event);
    else
      client_->send_text(event);
  }
  unsent_.erase(0, unsent_.size() - rest.size());
}

void WatchSocket::finish() {
  const auto self = shared_from_this();
  events_.reset();
  client_.reset();
}

}  // namespace pinnace::apiserver

#include "net/internal/channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "io/loop.h"

namespace pinnace::net::internal {
namespace {

constexpr std::size_t kScratchBytes = 64 << 10;
// An output buffer that grew larger than this is given back when it is empty.
constexpr std::size_t kKeptOutputBytes = 4 << 10;
// What one record of TLS holds, and what it has besides: its header, its type and its tag, or more
// in TLS 1.2.
constexpr std::size_t kRecordBytes = 16 << 10, kRecordExtraBytes = 32;

}  // namespace

std::span<char> read_scratch() {
  thread_local std::unique_ptr<char[]> buffer(new char[kScratchBytes]);
  return {buffer.get(), kScratchBytes};
}

std::span<char> body_scratch() {
  thread_local std::unique_ptr<char[]> buffer(new char[kScratchBytes]);
  return {buffer.get(), kScratchBytes};
}

Channel::Channel(io::Loop& loop, io::UniqueFd fd, Ssl ssl, ChannelOwner& owner)
    : loop_(&loop), fd_(std::move(fd)), ssl_(std::move(ssl)), owner_(&owner) {
  if (!ssl_) return;
  SSL_set_read_ahead(ssl_.get(), 1);
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

Channel::~Channel() {
  alive_.reset();
  if (registered_) loop_->remove_fd(fd_.get());
  if (ssl_ && phase_ == Phase::kOpen && !ended_ && !ending_) {
    SSL_shutdown(ssl_.get());  // A courtesy: one try to say goodbye.
    forget_openssl_errors();
  }
  if (phase_ == Phase::kOpen && unsent() > 0 && !ended_) [[maybe_unused]]
    ssize_t n = ::send(fd_.get(), out_.data() + out_start_, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
  fd_.reset();
  if (on_destroyed) on_destroyed();
}

const BIO_METHOD* Channel::bio_method() {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int Channel::bio_read(BIO* bio, char* to, int size) {
  auto* self = static_cast<Channel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  ssize_t n = ::recv(self->fd_.get(), to, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int Channel::bio_write(BIO* bio, const char* from, int size) {
  auto* self = static_cast<Channel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  self->out_.append(from, static_cast<std::size_t>(size));
  return size;
}

long Channel::bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<Channel*>(BIO_get_data(bio))->ended_ ? 1 : 0;
  return 0;
}

void Channel::start(bool connecting) {
  if (connecting) {
    phase_ = Phase::kConnecting;
    interest_ = EPOLLOUT;
  } else {
    phase_ = ssl_ ? Phase::kHandshaking : Phase::kOpen;
    interest_ = EPOLLIN;
  }
  loop_->add_fd(fd_.get(), interest_, [this](std::uint32_t events) { on_events(events); });
  registered_ = true;
  if (!connecting && !ssl_) {
    loop_->post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) opened();
    });
  }
}

void Channel::on_events(std::uint32_t events) {
  std::weak_ptr<char> alive = alive_;
  if (phase_ == Phase::kConnecting) {
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return fail(std::strerror(failed));
    phase_ = ssl_ ? Phase::kHandshaking : Phase::kOpen;
    update_interest();
    return ssl_ ? handshake() : opened();
  }
  if (phase_ == Phase::kHandshaking) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) handshake();
    if (!alive.expired() && phase_ != Phase::kBroken && (events & EPOLLOUT) != 0) flush();
    return;
  }
  if ((events & EPOLLIN) != 0 && want_read_) {
    owner_->on_readable();
    if (alive.expired()) return;
  }
  if (phase_ == Phase::kBroken) return fail(error_);
  if ((events & EPOLLOUT) != 0 && send_waiting() && phase_ == Phase::kOpen) {
    owner_->on_drained();
    if (alive.expired()) return;
  }
  if ((events & EPOLLERR) != 0) return fail("the connection was reset");
  // Both ways are shut. What came before is still to be read, but epoll would not let us wait.
  if ((events & EPOLLHUP) != 0 && !want_read_) {
    loop_->remove_fd(fd_.get());
    registered_ = false;
    parked_ = true;
  }
}

void Channel::handshake() {
  forget_openssl_errors();
  int done = SSL_do_handshake(ssl_.get());
  int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
  long verdict = SSL_get_verify_result(ssl_.get());
  bool refused = done != 1 && why != SSL_ERROR_WANT_READ;
  std::string message;
  if (refused) {
    message = openssl_message("TLS handshake");
    if (verdict != X509_V_OK)
      message += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  }
  flush();  // An alert to the peer, too.
  if (refused) return fail(message);
  if (done == 1) {
    phase_ = Phase::kOpen;
    opened();
  }
}

void Channel::opened() {
  std::weak_ptr<char> alive = alive_;
  owner_->on_connected();
  // The first request often comes with the end of the handshake, in the same segment.
  if (!alive.expired() && ssl_ && want_read_ && SSL_has_pending(ssl_.get()) == 1)
    owner_->on_readable();
}

void Channel::fail(std::string why) {
  phase_ = Phase::kBroken;
  error_ = std::move(why);
  if (registered_) {
    loop_->remove_fd(fd_.get());
    registered_ = false;
  }
  owner_->on_broken();
}

Channel::Read Channel::read(std::span<char> buffer) {
  if (phase_ != Phase::kOpen) return {0, State::kBroken};
  if (!ssl_) {
    ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n > 0) {
      auto bytes = static_cast<std::size_t>(n);
      return {bytes, State::kOk, bytes == buffer.size()};
    }
    if (n == 0) return {0, State::kEnd};
    return {0, errno == EAGAIN || errno == EINTR ? State::kWouldBlock : State::kBroken};
  }
  forget_openssl_errors();
  std::size_t bytes = 0;
  if (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes) == 1)
    return {bytes, State::kOk, SSL_has_pending(ssl_.get()) == 1};
  switch (SSL_get_error(ssl_.get(), 0)) {
    case SSL_ERROR_WANT_READ:
      if (unsent() > 0) flush();  // An answer to a key update.
      return {0, State::kWouldBlock};
    case SSL_ERROR_ZERO_RETURN:
      return {0, State::kEnd};
    default:
      return {0, State::kBroken};
  }
}

void Channel::want_read(bool wanted) {
  if (wanted == want_read_) return;
  want_read_ = wanted;
  if (wanted && parked_) {
    parked_ = false;
    interest_ = EPOLLIN;
    loop_->add_fd(fd_.get(), interest_, [this](std::uint32_t events) { on_events(events); });
    registered_ = true;
  }
  update_interest();
  // TLS may hold bytes that epoll knows nothing of.
  if (wanted && ssl_ && SSL_has_pending(ssl_.get()) == 1 && !resume_posted_ && loop_ != nullptr) {
    resume_posted_ = true;
    loop_->post([this, alive = std::weak_ptr(alive_)] {
      if (alive.expired()) return;
      resume_posted_ = false;
      if (want_read_ && phase_ == Phase::kOpen) owner_->on_readable();
    });
  }
}

void Channel::write(std::string_view bytes) {
  if (phase_ == Phase::kBroken || ending_ || bytes.empty()) return;
  if (unsent() == 0) last_progress_ = loop_->clock().monotonic();
  if (!ssl_) {
    out_.append(bytes);
    return;
  }
  out_.reserve(out_.size() + bytes.size() + (bytes.size() / kRecordBytes + 1) * kRecordExtraBytes);
  forget_openssl_errors();
  while (!bytes.empty()) {
    std::size_t taken = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &taken) != 1) {
      error_ = openssl_message("TLS");
      ::shutdown(fd_.get(), SHUT_RDWR);  // The loop will say that it broke.
      return;
    }
    bytes.remove_prefix(taken);
  }
}

void Channel::flush() {
  if (!send_waiting()) return;
  // Not from here: the owner may be in the middle of something.
  loop_->post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && unsent() == 0 && phase_ == Phase::kOpen) owner_->on_drained();
  });
}

bool Channel::send_waiting() {
  while (unsent() > 0 && registered_) {
    ssize_t n = ::send(fd_.get(), out_.data() + out_start_, unsent(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        error_ = std::strerror(errno);
        out_.clear();
        out_start_ = 0;
        ::shutdown(fd_.get(), SHUT_RDWR);
      }
      break;
    }
    out_start_ += static_cast<std::size_t>(n);
    last_progress_ = loop_->clock().monotonic();
  }
  if (unsent() == 0) {
    out_start_ = 0;
    if (out_.capacity() > kKeptOutputBytes)
      std::string().swap(out_);
    else
      out_.clear();
    finish_end();
  } else if (out_start_ > (256 << 10)) {
    out_.erase(0, out_start_);
    out_start_ = 0;
  }
  update_interest();
  const bool was_blocked = std::exchange(blocked_, unsent() > 0);
  return was_blocked && !blocked_;
}

void Channel::update_interest() {
  if (!registered_ || phase_ == Phase::kConnecting || phase_ == Phase::kBroken) return;
  std::uint32_t wanted = 0;
  if (want_read_ || phase_ == Phase::kHandshaking) wanted |= EPOLLIN;
  if (unsent() > 0) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_->modify_fd(fd_.get(), wanted);
}

void Channel::end_writing() {
  if (ending_ || phase_ == Phase::kBroken) return;
  ending_ = true;
  if (ssl_) SSL_shutdown(ssl_.get());
  forget_openssl_errors();
  flush();
}

void Channel::finish_end() {
  if (!ending_ || ended_) return;
  ended_ = true;
  ::shutdown(fd_.get(), SHUT_WR);
}

void Channel::abort() {
  linger reset{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ended_ = true;  // No goodbye.
}

void Channel::detach() {
  if (registered_) loop_->remove_fd(fd_.get());
  registered_ = false;
  if (phase_ == Phase::kBroken) return;
  fail("shutting down");
}

bool Channel::is_http2() const {
  if (!ssl_) return false;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "h2";
}

}  // namespace pinnace::net::internal

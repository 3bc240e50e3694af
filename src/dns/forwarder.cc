#include "dns/forwarder.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "dns/dns_message.h"

namespace pinnace::dns {

namespace {
constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxMessageBytes = 65535;
}  // namespace

struct Forwarder::Flight {
  std::string query;
  std::uint16_t asker_id = 0, id = 0;
  std::size_t question_end = 0;  // The question is query[12, question_end).
  bool over_tcp = false;
  std::size_t server = 0;
  io::UniqueFd fd;
  Executor::TimerId timer = 0;
  Done done;
  std::string out, in;  // TCP, with the two bytes of length
};

Forwarder::Forwarder(io::Loop& loop, Rng& rng, Options options)
    : loop_(loop), rng_(rng), options_(std::move(options)) {}

Forwarder::~Forwarder() {
  for (auto& [key, flight] : flights_) land(*flight);
}

void Forwarder::ask(std::string query, bool over_tcp, Done done) {
  const std::size_t name_end = query.size() > kHeaderBytes ? skip_name(query, kHeaderBytes) : 0;
  if (options_.servers.empty() || flights_.size() >= options_.max_in_flight || name_end == 0) {
    return done(std::nullopt);
  }
  auto flight = std::make_unique<Flight>();
  flight->asker_id = message_id(query);
  flight->query = std::move(query);
  flight->question_end = name_end + 4;
  flight->over_tcp = over_tcp;
  flight->done = std::move(done);
  const std::uint64_t key = ++last_key_;
  flights_[key] = std::move(flight);
  launch(key);
}

void Forwarder::launch(std::uint64_t key) {
  Flight& flight = *flights_[key];
  flight.id = static_cast<std::uint16_t>(rng_.next());
  set_message_id(flight.query, flight.id);
  const auto server = options_.servers[flight.server];
  auto fd = flight.over_tcp ? io::tcp_connect(server) : io::udp_connect(server);
  if (!fd) return next_server(key);
  flight.fd = std::move(*fd);
  std::uint32_t events = EPOLLIN;
  if (flight.over_tcp) {
    events |= EPOLLOUT;
    flight.in.clear();
    flight.out = {static_cast<char>(flight.query.size() >> 8),
                  static_cast<char>(flight.query.size())};
    flight.out += flight.query;
  } else if (send(flight.fd.get(), flight.query.data(), flight.query.size(), 0) < 0) {
    return next_server(key);
  }
  loop_.add_fd(flight.fd.get(), events, [this, key](std::uint32_t ready) { on_ready(key, ready); });
  flight.timer = loop_.schedule_after(options_.timeout, [this, key] {
    if (const auto found = flights_.find(key); found != flights_.end()) {
      found->second->timer = 0;
      next_server(key);
    }
  });
}

void Forwarder::on_ready(std::uint64_t key, std::uint32_t events) {
  const auto found = flights_.find(key);
  if (found == flights_.end()) return;
  Flight& flight = *found->second;
  if (flight.over_tcp) {
    if (!pump_tcp(flight, events)) return next_server(key);
    if (flight.in.size() < 2) return;
    const std::size_t size =
        static_cast<unsigned char>(flight.in[0]) << 8 | static_cast<unsigned char>(flight.in[1]);
    if (flight.in.size() >= size + 2) accept_answer(key, flight.in.substr(2, size));
    return;
  }
  std::string buffer(kMaxMessageBytes, '\0');
  const ssize_t got = recv(flight.fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return next_server(key);  // Such as ECONNREFUSED: nobody listens there.
  }
  buffer.resize(static_cast<std::size_t>(got));
  accept_answer(key, std::move(buffer));
}

bool Forwarder::pump_tcp(Flight& flight, std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !flight.out.empty()) {
    if (io::connect_error(flight.fd.get()) != 0) return false;
    const ssize_t sent = send(flight.fd.get(), flight.out.data(), flight.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    flight.out.erase(0, static_cast<std::size_t>(sent));
    if (flight.out.empty()) loop_.modify_fd(flight.fd.get(), EPOLLIN);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return true;
  char buffer[4096];
  const ssize_t got = recv(flight.fd.get(), buffer, sizeof buffer, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  flight.in.append(buffer, static_cast<std::size_t>(got));
  return true;
}

// An answer to another question, or a forged one, is passed over; the true one may still come.
void Forwarder::accept_answer(std::uint64_t key, std::string bytes) {
  const Flight& flight = *flights_[key];
  const bool ours =
      bytes.size() >= kHeaderBytes && message_id(bytes) == flight.id && (bytes[2] & 0x80) != 0;
  if (!ours) return;
  // Servers that cannot parse the question may leave it out.
  const bool has_question = bytes[4] != 0 || bytes[5] != 0;
  if (has_question) {
    const auto question =
        std::string_view(flight.query).substr(kHeaderBytes, flight.question_end - kHeaderBytes);
    const auto echoed = std::string_view(bytes).substr(kHeaderBytes);
    if (!same_name(echoed.substr(0, question.size()), question)) return;
  }
  set_message_id(bytes, flight.asker_id);
  finish(key, std::move(bytes));
}

void Forwarder::land(Flight& flight) {
  if (flight.timer != 0) loop_.cancel(flight.timer);
  flight.timer = 0;
  if (flight.fd.valid()) loop_.remove_fd(flight.fd.get());
  flight.fd.reset();
}

void Forwarder::next_server(std::uint64_t key) {
  Flight& flight = *flights_[key];
  land(flight);
  if (++flight.server < options_.servers.size()) return launch(key);
  finish(key, std::nullopt);
}

void Forwarder::finish(std::uint64_t key, std::optional<std::string> answer) {
  auto node = flights_.extract(key);
  land(*node.mapped());
  node.mapped()->done(std::move(answer));
}

}  // namespace pinnace::dns

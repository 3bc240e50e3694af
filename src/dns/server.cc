#include "dns/server.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"

namespace pinnace::dns {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kPlainUdpBytes = 512;
constexpr std::size_t kMaxUdpBytes = 4096;
constexpr std::size_t kMaxTcpBytes = 65535;
constexpr std::size_t kMaxConnections = 256;
constexpr int kMaxWaiting = 16;
constexpr int kMaxDatagramsPerWake = 64;
constexpr Duration kIdle = std::chrono::seconds(10);
constexpr std::uint16_t kInternet = 1;

DnsMessage answer_to(const DnsMessage& query) {
  DnsMessage answer;
  answer.id = query.id;
  answer.response = answer.recursion_available = true;
  answer.recursion_desired = query.recursion_desired;
  answer.opcode = query.opcode;
  answer.question = query.question;
  if (query.udp_size) answer.udp_size = kMaxUdpBytes;
  answer.dnssec_ok = query.dnssec_ok;
  return answer;
}

// What is left of an answer that is too long for the asker: the header, the question and TC.
std::string shorten(const std::string& bytes, std::size_t limit) {
  if (bytes.size() <= limit) return bytes;
  auto message = decode(bytes);
  if (message) return encode(*message, limit);
  std::string header = bytes.substr(0, kHeaderBytes);
  header[2] = static_cast<char>(header[2] | 0x02);
  std::fill(header.begin() + 4, header.end(), '\0');
  return header;
}

std::string cache_key(const Question& question, bool dnssec_ok) {
  return to_lower(question.name) + '/' + std::to_string(static_cast<unsigned>(question.type)) +
         (dnssec_ok ? "/do" : "");
}

}  // namespace

struct DnsServer::Connection {
  io::UniqueFd fd;
  std::string in, out;
  int waiting = 0;         // Questions without an answer yet.
  bool answering = false;  // `answer_questions` runs.
  bool ended = false;      // The peer sends no more.
  Executor::TimerId idle = 0;
};

Result<std::unique_ptr<DnsServer>> DnsServer::create(io::Loop& loop, Rng& rng,
                                                     const Directory& directory, Options options) {
  const auto address = options.listen;
  std::unique_ptr<DnsServer> server(new DnsServer(loop, rng, directory, std::move(options)));
  if (auto listening = server->listen(address); !listening) {
    return std::unexpected(std::move(listening.error()));
  }
  return server;
}

DnsServer::DnsServer(io::Loop& loop, Rng& rng, const Directory& directory, Options options)
    : loop_(loop), directory_(directory), forwarder_(loop, rng, std::move(options.forward)) {}

DnsServer::~DnsServer() {
  while (!connections_.empty()) close_connection(connections_.begin()->first);
  if (udp_.valid()) loop_.remove_fd(udp_.get());
  if (tcp_.valid()) loop_.remove_fd(tcp_.get());
}

Result<void> DnsServer::listen(io::InetAddress address) {
  auto tcp = io::tcp_listen(address);
  if (!tcp) return std::unexpected(std::move(tcp.error()));
  address_ = {address.ip, io::local_address(tcp->get()).port};
  auto udp = io::udp_bind(address_);
  if (!udp) return std::unexpected(std::move(udp.error()));
  udp_ = std::move(*udp);
  tcp_ = std::move(*tcp);
  loop_.add_fd(udp_.get(), EPOLLIN, [this](std::uint32_t) { on_udp(); });
  loop_.add_fd(tcp_.get(), EPOLLIN, [this](std::uint32_t) { on_accept(); });
  return {};
}

void DnsServer::on_udp() {
  char buffer[kMaxUdpBytes];
  for (int i = 0; i < kMaxDatagramsPerWake; ++i) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got =
        recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < 0) return;
    handle(std::string(buffer, static_cast<std::size_t>(got)), false,
           [this, peer](const std::string& bytes) {
             // A full socket buffer loses the answer; the asker asks again.
             sendto(udp_.get(), bytes.data(), bytes.size(), 0,
                    reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
           });
  }
}

void DnsServer::on_accept() {
  while (true) {
    io::UniqueFd fd(accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    if (connections_.size() >= kMaxConnections) continue;
    const std::uint64_t key = ++last_connection_;
    auto connection = std::make_unique<Connection>();
    connection->fd = std::move(fd);
    loop_.add_fd(connection->fd.get(), EPOLLIN,
                 [this, key](std::uint32_t events) { on_connection(key, events); });
    touch(key, *connection);
    connections_[key] = std::move(connection);
  }
}

void DnsServer::touch(std::uint64_t key, Connection& connection) {
  if (connection.idle != 0) loop_.cancel(connection.idle);
  connection.idle = loop_.schedule_after(kIdle, [this, key] { close_connection(key); });
}

void DnsServer::on_connection(std::uint64_t key, std::uint32_t events) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if ((events & EPOLLOUT) != 0 && !flush(connection)) return close_connection(key);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_connection(connection)) {
    return close_connection(key);
  }
  touch(key, connection);
  answer_questions(key);
}

void DnsServer::answer_questions(std::uint64_t key) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  connection.answering = true;
  while (connection.in.size() >= 2 && connection.waiting < kMaxWaiting) {
    const std::size_t size = static_cast<unsigned char>(connection.in[0]) << 8 |
                             static_cast<unsigned char>(connection.in[1]);
    if (connection.in.size() < size + 2) break;
    std::string query = connection.in.substr(2, size);
    connection.in.erase(0, size + 2);
    ++connection.waiting;
    handle(std::move(query), true,
           [this, key](const std::string& bytes) { answer_connection(key, bytes); });
    if (!connections_.contains(key)) return;  // The answer could not be written.
  }
  connection.answering = false;
  if (connection.ended && connection.waiting == 0 && connection.out.empty()) {
    close_connection(key);
  }
}

bool DnsServer::read_connection(Connection& connection) {
  char buffer[4096];
  const ssize_t got = recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) {
    connection.ended = true;
    loop_.modify_fd(connection.fd.get(),
                    connection.out.empty() ? 0 : static_cast<std::uint32_t>(EPOLLOUT));
    return connection.waiting > 0 || !connection.out.empty() || !connection.in.empty();
  }
  connection.in.append(buffer, static_cast<std::size_t>(got));
  return connection.in.size() <= kMaxTcpBytes + 2 + sizeof buffer;
}

void DnsServer::answer_connection(std::uint64_t key, const std::string& bytes) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  --connection.waiting;
  connection.out += static_cast<char>(bytes.size() >> 8);
  connection.out += static_cast<char>(bytes.size());
  connection.out += bytes;
  if (!flush(connection)) return close_connection(key);
  // Those that had to wait; not from here when their loop is running already.
  if (!connection.answering) answer_questions(key);
}

bool DnsServer::flush(Connection& connection) {
  if (!connection.out.empty()) {
    const ssize_t sent =
        send(connection.fd.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) connection.out.erase(0, static_cast<std::size_t>(sent));
  }
  const std::uint32_t reading = connection.ended ? 0 : static_cast<std::uint32_t>(EPOLLIN);
  loop_.modify_fd(connection.fd.get(),
                  reading | (connection.out.empty() ? 0 : static_cast<std::uint32_t>(EPOLLOUT)));
  return true;
}

void DnsServer::close_connection(std::uint64_t key) {
  const auto node = connections_.extract(key);
  if (node.empty()) return;
  loop_.cancel(node.mapped()->idle);
  loop_.remove_fd(node.mapped()->fd.get());
}

void DnsServer::handle(std::string bytes, bool over_tcp, Reply reply) {
  // No answer to what is no query: an answer to an answer could go on for ever.
  if (bytes.size() < kHeaderBytes || (bytes[2] & 0x80) != 0) {
    if (over_tcp) reply(std::string());
    return;
  }
  const auto query = decode(bytes);
  if (!query || !query->question) {
    DnsMessage refusal;
    refusal.id = message_id(bytes);
    refusal.response = true;
    refusal.rcode = Rcode::kFormErr;
    return reply(encode(refusal));
  }
  DnsMessage answer = answer_to(*query);
  const std::size_t limit = over_tcp
                                ? kMaxTcpBytes
                                : std::clamp<std::size_t>(query->udp_size.value_or(kPlainUdpBytes),
                                                          kPlainUdpBytes, kMaxUdpBytes);
  if (query->opcode != 0 || query->question->klass != kInternet) {
    answer.rcode = query->opcode != 0 ? Rcode::kNotImp : Rcode::kRefused;
    return reply(encode(answer, limit));
  }
  Answer found = directory_.resolve(*query->question, rotation_++);
  if (found.forward) return forward(std::move(bytes), *query->question, limit, over_tcp, reply);
  if (!ready_) {
    answer.rcode = Rcode::kServFail;
    return reply(encode(answer, limit));
  }
  answer.authoritative = true;
  answer.rcode = found.rcode;
  answer.answers = std::move(found.answers);
  answer.authority = std::move(found.authority);
  answer.additional = std::move(found.additional);
  if (!found.follow.empty()) {
    return follow(std::move(answer), found.follow, limit, over_tcp, std::move(reply));
  }
  reply(encode(answer, limit));
}

void DnsServer::forward(std::string query, const Question& question, std::size_t limit,
                        bool over_tcp, Reply reply) {
  const auto parsed = decode(query);
  const std::string key = cache_key(question, parsed && parsed->dnssec_ok);
  const std::uint16_t id = message_id(query);
  if (auto known = cache_.get(key, loop_.clock().monotonic())) {
    set_message_id(*known, id);
    return reply(shorten(*known, limit));
  }
  DnsMessage failed = answer_to(*parsed);
  failed.rcode = Rcode::kServFail;
  forwarder_.ask(std::move(query), over_tcp,
                 [this, key, limit, failed = std::move(failed),
                  reply = std::move(reply)](std::optional<std::string> answer) {
                   if (!answer) return reply(encode(failed, limit));
                   const auto rcode = static_cast<Rcode>((*answer)[3] & 0xf);
                   const bool truncated = ((*answer)[2] & 0x02) != 0;
                   if (!truncated && (rcode == Rcode::kNoError || rcode == Rcode::kNxDomain)) {
                     cache_.put(key, *answer, loop_.clock().monotonic());
                   }
                   reply(shorten(*answer, limit));
                 });
}

// Asks for the addresses of an ExternalName's target and appends them to its CNAME.
void DnsServer::follow(DnsMessage answer, const std::string& target, std::size_t limit,
                       bool over_tcp, Reply reply) {
  DnsMessage query;
  query.id = answer.id;
  query.recursion_desired = true;
  query.question = Question{target, answer.question->type, kInternet};
  const Question question = *query.question;
  forward(encode(query), question, kMaxTcpBytes, over_tcp,
          [answer = std::move(answer), limit, reply = std::move(reply)](const std::string& bytes) {
            DnsMessage whole = answer;
            const auto found = decode(bytes);
            if (!found || found->rcode == Rcode::kServFail) {
              whole.rcode = Rcode::kServFail;
            } else {
              std::ranges::copy(found->answers, std::back_inserter(whole.answers));
              whole.rcode = found->rcode;
              whole.truncated = found->truncated;
            }
            reply(encode(whole, limit));
          });
}

}  // namespace pinnace::dns

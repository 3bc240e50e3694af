#include <algorithm>
#include <charconv>

#include "io/loop.h"
#include "net/internal/connection.h"
#include "net/internal/http1_parser.h"

namespace pinnace::net::internal {
namespace {

// Input that waits behind a request under way (pipelining); then reading stops.
constexpr std::size_t kMaxWaitingInput = 64 << 10;
// Output that waits for the peer; then the Body is not asked any more.
constexpr std::size_t kMaxWaitingOutput = 64 << 10;
// A whole body up to this size goes out in one piece with its head.
constexpr std::size_t kJoinedBodyBytes = 16 << 10;
// Pieces per turn, so that one fast reader does not starve the others on the loop.
constexpr int kPiecesPerTurn = 16;
// Room around a piece for its chunk size and line ends.
constexpr std::size_t kChunkHeadBytes = 12;
constexpr Duration kLingerTime = std::chrono::seconds(5);

class Http1Connection final : public Connection {
 public:
  using Connection::Connection;

  void start() override {
    deadline_ = after(host_.options().idle_timeout);
    channel_->set_owner(*this);
  }

  void on_readable() override {
    auto self = shared_from_this();
    while (channel_ && channel_->wants_read()) {
      auto read = channel_->read(read_scratch());
      if (read.state == Channel::State::kEnd || read.state == Channel::State::kBroken) return cut();
      if (read.state == Channel::State::kWouldBlock) break;
      if (phase_ == Phase::kLinger) continue;  // Thrown away.
      if (in_.empty()) deadline_ = phase_ == Phase::kHead ? after(request_timeout()) : deadline_;
      in_.append(read_scratch().data(), read.bytes);
      process();
      if (!read.more) break;
    }
  }

  void on_drained() override {
    auto self = shared_from_this();
    if (sending_) return pump();
    if (phase_ == Phase::kClosing) cut();
  }

  void on_broken() override { cut(); }

  void check_deadlines(MonotonicTime now) override {
    if (!channel_) return;
    if (write_is_stuck(now)) {
      channel_->abort();
      return cut();
    }
    if (phase_ == Phase::kHandling || now < deadline_) return;
    auto self = shared_from_this();
    if (phase_ == Phase::kBody) return fail_request(408, "the request's body took too long");
    cut();
  }

  void go_away() override {
    if (!channel_) return;
    keep_alive_ = false;
    if (phase_ == Phase::kHead && in_.empty()) cut();
  }

  void cut() override {
    if (!channel_) return;
    auto self = shared_from_this();
    auto cancelled = std::exchange(cancelled_, nullptr);
    bool under_way = phase_ == Phase::kHandling;
    phase_ = Phase::kOver;
    sending_ = false;
    body_.reset();
    channel_.reset();
    host_.release(*this);
    if (under_way && cancelled) cancelled();
  }

  // Responder.

  void respond(std::uint32_t id, int status, Headers headers,
               std::shared_ptr<const std::string> body) override {
    if (!is_current(id) || sending_) return;
    auto self = shared_from_this();
    whole_ = std::move(body);
    std::size_t size = whole_ ? whole_->size() : 0;
    bool bodiless = is_bodiless(status);
    if (!bodiless) headers.set("content-length", std::to_string(size));
    if (bodiless || is_head_request_) size = 0;
    chunked_ = false;
    begin_answer(status, headers);
    if (size <= kJoinedBodyBytes) {
      if (size > 0) staged_.append(*whole_);
      whole_.reset();
      send_staged();
      return finish_answer();
    }
    send_staged();
    offset_ = 0;
    sending_ = true;
    pump();
  }

  void stream(std::uint32_t id, int status, Headers headers, std::unique_ptr<Body> body) override {
    if (!is_current(id) || sending_) return;
    auto self = shared_from_this();
    chunked_ = false;
    if (!headers.has("content-length") && !is_bodiless(status)) {
      chunked_ = http_minor_ >= 1;
      if (chunked_)
        headers.set("transfer-encoding", "chunked");
      else
        keep_alive_ = false;
    }
    begin_answer(status, headers);
    send_staged();
    if (is_bodiless(status) || is_head_request_) return finish_answer();
    body_ = std::move(body);
    sending_ = true;
    pump();
    if (channel_) channel_->flush();
  }

  void wake(std::uint32_t id) override {
    if (!is_current(id) || !sending_ || !body_) return;
    auto self = shared_from_this();
    pump();
  }

  std::unique_ptr<Stream> upgrade(std::uint32_t id, Headers headers) override {
    if (!is_current(id) || sending_) return nullptr;
    auto self = shared_from_this();
    if (!headers.has("connection")) headers.add("connection", "Upgrade");
    keep_alive_ = true;
    begin_answer(101, headers);
    send_staged();
    channel_->flush();
    phase_ = Phase::kOver;
    cancelled_ = nullptr;
    auto stream = make_socket_stream(std::move(channel_), std::exchange(in_, {}));
    host_.release(*this);
    return stream;
  }

  void on_cancel(std::uint32_t id, std::function<void()> cancelled) override {
    if (is_current(id)) cancelled_ = std::move(cancelled);
  }

  void unanswered(std::uint32_t id) override {
    if (!is_current(id) || sending_) return;
    ErrorBody error = make_error_body(host_.options(), 500, "the server gave no answer");
    Headers headers;
    headers.add("content-type", error.content_type);
    respond(id, 500, std::move(headers),
            std::make_shared<const std::string>(std::move(error.body)));
  }

 private:
  enum class Phase { kHead, kBody, kHandling, kClosing, kLinger, kOver };

  Duration request_timeout() const { return host_.options().request_timeout; }
  bool is_current(std::uint32_t id) const {
    return channel_ && phase_ == Phase::kHandling && id == number_;
  }

  // Takes as many requests from the input as are whole; answers leave together.
  void process() {
    if (processing_) return;
    processing_ = true;
    while (channel_ && step()) {
    }
    processing_ = false;
    if (!channel_) return;
    channel_->flush();
    if (!channel_) return;
    channel_->want_read(phase_ != Phase::kHandling || in_.size() < kMaxWaitingInput);
    if (in_.empty() && in_.capacity() > 4096) std::string().swap(in_);
  }

  // True if it got further.
  bool step() {
    if (phase_ == Phase::kHead) return read_head();
    if (phase_ == Phase::kBody) return read_body();
    return false;
  }

  bool read_head() {
    // An empty line before a request is allowed, and some clients send one.
    if (in_.starts_with("\r\n")) {
      in_.erase(0, 2);
      searched_ = 0;
    }
    if (in_.empty()) return false;
    std::size_t end = find_head_end(in_, searched_);
    std::size_t limit = host_.options().max_head_bytes;
    if (end == std::string::npos ? in_.size() > limit : end > limit) {
      fail_request(431, "the request's header is too large");
      return false;
    }
    if (end == std::string::npos) return false;
    request_ = Request();
    info_ = HeadInfo();
    const char* why = nullptr;
    int status = parse_request_head(std::string_view(in_).substr(0, end), request_, info_, why);
    if (status != 0) {
      fail_request(status, why);
      return false;
    }
    in_.erase(0, end);
    searched_ = 0;
    keep_alive_ = info_.keep_alive && !host_.stopping();
    http_minor_ = request_.http_version - 10;
    is_head_request_ = request_.method == "HEAD";
    request_.peer = peer_;
    return begin_body();
  }

  bool begin_body() {
    if (info_.framing == Framing::kNone) {
      dispatch();
      return true;
    }
    if (info_.content_length > host_.options().max_body_bytes) {
      fail_request(413, too_large_body(host_.options()));
      return false;
    }
    if (info_.expects_continue && in_.empty()) channel_->write("HTTP/1.1 100 Continue\r\n\r\n");
    decoder_ = ChunkDecoder();
    phase_ = Phase::kBody;
    deadline_ = after(request_timeout());
    return true;
  }

  bool read_body() {
    if (in_.empty()) return false;
    std::size_t used = 0;
    bool done = false;
    const std::size_t before = request_.body.size();
    if (info_.framing == Framing::kLength) {
      used = std::min<std::size_t>(in_.size(), info_.content_length - request_.body.size());
      request_.body.append(in_, 0, used);
      done = request_.body.size() == info_.content_length;
    } else {
      auto state = decoder_.feed(in_, used, request_.body);
      if (state == ChunkDecoder::State::kBad) {
        fail_request(400, "malformed chunk");
        return false;
      }
      if (request_.body.size() > host_.options().max_body_bytes) {
        fail_request(413, too_large_body(host_.options()));
        return false;
      }
      done = state == ChunkDecoder::State::kDone;
    }
    in_.erase(0, used);
    if (!has_room(request_, request_.body.size() - before)) {
      fail_request(503, kNoRoom);
      return false;
    }
    if (done) dispatch();
    return done;
  }

  void dispatch() {
    phase_ = Phase::kHandling;
    auto exchange = std::make_shared<ServerExchange>(host_.handle(), weak_from_this(), ++number_);
    host_.options().handler->handle(std::move(request_), std::move(exchange));
  }

  // Answers by ourselves; where the next request begins is not known any more, so it is the last.
  void fail_request(int status, std::string_view why) {
    keep_alive_ = false;
    is_head_request_ = false;
    ErrorBody error = make_error_body(host_.options(), status, why);
    Headers headers;
    headers.add("content-type", error.content_type);
    headers.add("content-length", std::to_string(error.body.size()));
    begin_answer(status, headers);
    staged_.append(error.body);
    send_staged();
    in_.clear();
    linger();
  }

  void begin_answer(int status, const Headers& headers) {
    staged_.clear();
    staged_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
    staged_.append(reason_phrase(status)).append("\r\n");
    for (const auto& [name, value] : headers.all())
      staged_.append(name).append(": ").append(value).append("\r\n");
    if (!headers.has("date"))
      staged_.append("date: ").append(http_date(channel_->loop().clock().wall())).append("\r\n");
    if (!keep_alive_)
      staged_.append("connection: close\r\n");
    else if (http_minor_ == 0)
      staged_.append("connection: keep-alive\r\n");
    staged_.append("\r\n");
  }

  void send_staged() {
    channel_->write(staged_);
    staged_.clear();
    if (staged_.capacity() > 4096) std::string().swap(staged_);
    if (!processing_) channel_->flush();
  }

  // Moves body to the channel until the peer is slow, the body waits, or it has ended.
  void pump() {
    bool ended = false, waiting = false;
    int pieces = 0;
    while (channel_ && !ended && !waiting && pieces < kPiecesPerTurn) {
      if (channel_->unsent() >= kMaxWaitingOutput) {
        channel_->flush();
        if (channel_->unsent() >= kMaxWaitingOutput) break;
      }
      ++pieces;
      if (!(whole_ ? send_whole_piece(ended) : send_body_piece(ended, waiting))) return;
    }
    if (!channel_) return;
    if (ended) return finish_answer();
    channel_->flush();
    if (waiting || channel_->unsent() > 0) return;  // `wake` or `on_drained` goes on.
    channel_->loop().post([weak = weak_from_this()] {
      if (auto self = weak.lock()) static_cast<Http1Connection&>(*self).on_drained();
    });
  }

  bool send_whole_piece(bool& ended) {
    std::size_t size = std::min(kMaxWaitingOutput, whole_->size() - offset_);
    channel_->write(std::string_view(*whole_).substr(offset_, size));
    offset_ += size;
    ended = offset_ == whole_->size();
    return true;
  }

  bool send_body_piece(bool& ended, bool& waiting) {
    auto scratch = body_scratch();
    auto room = scratch.subspan(kChunkHeadBytes, scratch.size() - kChunkHeadBytes - 2);
    Body::Read read = body_->read(room);
    if (!channel_) return false;  // The Body ended us.
    if (read.bytes > 0) write_piece(scratch, read.bytes);
    if (read.state == Body::State::kFailed) {
      channel_->flush();
      channel_->abort();
      cut();
      return false;
    }
    ended = read.state == Body::State::kEnd;
    waiting = read.state == Body::State::kWaiting;
    if (ended && chunked_) channel_->write("0\r\n\r\n");
    return true;
  }

  void write_piece(std::span<char> scratch, std::size_t bytes) {
    char* from = scratch.data() + kChunkHeadBytes;
    if (!chunked_) return channel_->write({from, bytes});
    char digits[kChunkHeadBytes];
    auto end = std::to_chars(digits, digits + sizeof digits, bytes, 16).ptr;
    auto size = static_cast<std::size_t>(end - digits);
    from[bytes] = '\r';
    from[bytes + 1] = '\n';
    from[-1] = '\n';
    from[-2] = '\r';
    char* begin = from - 2 - size;
    std::copy(digits, end, begin);
    channel_->write({begin, size + 2 + bytes + 2});
  }

  void finish_answer() {
    sending_ = false;
    whole_.reset();
    cancelled_ = nullptr;
    body_.reset();
    if (!channel_) return;
    if (!keep_alive_) return in_.empty() ? close_when_sent() : linger();
    phase_ = Phase::kHead;
    deadline_ = after(in_.empty() ? host_.options().idle_timeout : request_timeout());
    if (!processing_) process();
  }

  // Everything that the peer sent was read, so that closing cannot hurt our answer.
  void close_when_sent() {
    phase_ = Phase::kClosing;
    deadline_ = after(kLingerTime);
    channel_->end_writing();
    if (channel_ && channel_->unsent() == 0) cut();
  }

  // Says that no more will come, and reads on for a while: closing with unread input would make
  // the kernel send a reset that can overtake our answer.
  void linger() {
    phase_ = Phase::kLinger;
    deadline_ = after(kLingerTime);
    channel_->end_writing();
    if (channel_) channel_->want_read(true);
  }

  Phase phase_ = Phase::kHead;
  bool processing_ = false;
  std::string in_;
  std::size_t searched_ = 0;
  MonotonicTime deadline_;
  Request request_;
  HeadInfo info_;
  ChunkDecoder decoder_;
  std::uint32_t number_ = 0;
  bool keep_alive_ = true, is_head_request_ = false;
  int http_minor_ = 1;
  std::function<void()> cancelled_;
  std::string staged_;
  bool sending_ = false, chunked_ = false;
  std::shared_ptr<const std::string> whole_;
  std::size_t offset_ = 0;
  std::unique_ptr<Body> body_;
};

}  // namespace

std::shared_ptr<Connection> make_http1_connection(ConnectionHost& host,
                                                  std::unique_ptr<Channel> channel, Peer peer) {
  return std::make_shared<Http1Connection>(host, std::move(channel), std::move(peer));
}

}  // namespace pinnace::net::internal

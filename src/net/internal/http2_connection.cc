#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <unordered_map>

#include "base/log.h"
#include "io/loop.h"
#include "net/internal/connection.h"

namespace pinnace::net::internal {
namespace {

// Output that waits for the peer; then no frame is made any more.
constexpr std::size_t kMaxWaitingOutput = 64 << 10;
// Frames are joined up to this size before they are encrypted.
constexpr std::size_t kStagedBytes = 64 << 10;
// Flow-control windows for request bodies: of one stream, and of the connection.
constexpr std::uint32_t kStreamWindow = 256 << 10;
constexpr std::int32_t kConnectionWindow = 1 << 20;
// Bytes of request bodies that are not whole yet, on one connection: more resets the stream.
constexpr std::size_t kMaxBufferedBodies = 32 << 20;
constexpr std::size_t kMaxDiscarded = 16 << 20;
// A peer may cancel this many streams at once and then this many per second (CVE-2023-44487);
// closing a thousand watches together is normal.
constexpr std::uint64_t kResetBurst = 4000, kResetsPerSecond = 400;
// How much is read of a Body before nghttp2 is told that there is something to send: one frame.
constexpr std::size_t kFirstBytes = 16 << 10;
// A Body that gives nothing and does not wait is asked this often in a row.
constexpr int kMaxEmptyReads = 4;
// Headers of answers whose values do not come again: remembered, they would push out those that do,
// and be compared with all that follow.
constexpr std::string_view kNeverAgain[] = {"audit-id"};
// Rounds of make-and-send per turn of the loop.
constexpr int kRoundsPerTurn = 16;

struct Deleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

// What nghttp2 has of an answer's body.
enum class Flow : std::uint8_t {
  kResting,   // Nothing: the Body waits.
  kLeaving,   // A frame that is on its way, after which it rests.
  kFlowing,   // It asks for more as it likes.
  kDeferred,  // It waits for nghttp2_session_resume_data.
};

// Small, as there may be tens of thousands at rest.
struct H2Stream {
  std::unique_ptr<Request> request;  // Until it is handed to the handler, or refused.
  std::int32_t id = 0;
  std::uint32_t head_bytes = 0;
  std::uint32_t discarded = 0;
  bool is_head = false;       // HEAD: the answer has no body.
  bool request_over = false;  // Handed to the handler, or refused by ourselves.
  bool answered = false;
  bool finished = false;  // The answer's end was handed to nghttp2.
  bool waiting = false;   // The Body said kWaiting and nobody called `wake` since.
  Flow flow = Flow::kResting;
  std::function<void()> cancelled;
  std::shared_ptr<const std::string> whole;  // All of it, or what comes before `body`.
  std::size_t offset = 0;
  std::unique_ptr<Body> body;
};

class Http2Connection final : public Connection {
 public:
  using Connection::Connection;

  void start() override {
    deadline_ = after(host_.options().idle_timeout);
    channel_->set_owner(*this);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_stream_reset_rate_limit(option, kResetBurst, kResetsPerSecond);
    // As HTTP/1.1 has it, and as clients do: `Bearer ` without a token is a value.
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new2(&session, callbacks(), this, option);
    nghttp2_option_del(option);
    session_.reset(session);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, host_.options().max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         static_cast<std::uint32_t>(host_.options().max_head_bytes)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    send_pending();
  }

  void on_readable() override {
    auto self = shared_from_this();
    while (channel_ && channel_->wants_read()) {
      auto read = channel_->read(read_scratch());
      if (read.state == Channel::State::kEnd || read.state == Channel::State::kBroken) return cut();
      if (read.state == Channel::State::kWouldBlock) break;
      in_session_ = true;
      auto used = nghttp2_session_mem_recv(
          session_.get(), reinterpret_cast<const std::uint8_t*>(read_scratch().data()), read.bytes);
      in_session_ = false;
      if (used < 0) {
        // nghttp2 has put GOAWAY into its queue when it was a protocol error.
        send_pending();
        return cut();
      }
      if (!read.more) break;
    }
    if (channel_) send_pending();
  }

  void on_drained() override {
    auto self = shared_from_this();
    send_pending();
  }

  void on_broken() override { cut(); }

  void check_deadlines(MonotonicTime now) override {
    if (!channel_) return;
    if (write_is_stuck(now)) {
      channel_->abort();
      return cut();
    }
    if (!streams_.empty()) {
      deadline_ = now + host_.options().idle_timeout;
      // Bodies that never end: their streams do not count as work.
      if (bodies_under_way_ > 0 && now > body_deadline_) cut();
      return;
    }
    if (now >= deadline_) cut();
  }

  void go_away() override {
    if (!channel_) return;
    auto self = shared_from_this();
    take_no_more();
    send_pending();
    if (streams_.empty()) cut();
  }

  void cut() override {
    if (!channel_) return;
    auto self = shared_from_this();
    channel_.reset();
    auto streams = std::exchange(streams_, {});
    for (auto& [id, stream] : streams) {
      stream.body.reset();
      if (stream.request_over && !stream.finished && stream.cancelled) stream.cancelled();
    }
    host_.release(*this);
  }

  // Responder.

  void respond(std::uint32_t id, int status, Headers headers,
               std::shared_ptr<const std::string> body) override {
    H2Stream* stream = unanswered_stream(id);
    if (stream == nullptr) return;
    std::size_t size = body ? body->size() : 0;
    if (!is_bodiless(status)) headers.set("content-length", std::to_string(size));
    bool has_body = size > 0 && !is_bodiless(status) && !stream->is_head;
    if (has_body) stream->whole = std::move(body);
    submit(*stream, status, headers, has_body);
  }

  void stream(std::uint32_t id, int status, Headers headers, std::unique_ptr<Body> body) override {
    H2Stream* stream = unanswered_stream(id);
    if (stream == nullptr) return;
    bool has_body = !is_bodiless(status) && !stream->is_head;
    if (has_body) stream->body = std::move(body);
    submit(*stream, status, headers, has_body);
  }

  // While it waits, a Body costs nghttp2 nothing.
  void wake(std::uint32_t id) override {
    H2Stream* stream = find(id);
    if (stream == nullptr || !stream->body) return;
    stream->waiting = false;
    if (stream->flow == Flow::kResting) return begin(*stream);
    if (stream->flow != Flow::kDeferred) return;
    stream->flow = Flow::kFlowing;
    nghttp2_session_resume_data(session_.get(), stream->id);
    send_soon();
  }

  std::unique_ptr<Stream> upgrade(std::uint32_t id, Headers) override {
    if (H2Stream* stream = unanswered_stream(id)) refuse(*stream, 400, "an upgrade needs HTTP/1.1");
    return nullptr;
  }

  void on_cancel(std::uint32_t id, std::function<void()> cancelled) override {
    if (H2Stream* stream = find(id)) stream->cancelled = std::move(cancelled);
  }

  void unanswered(std::uint32_t id) override {
    if (H2Stream* stream = unanswered_stream(id)) refuse(*stream, 500, "the server gave no answer");
  }

 private:
  using Self = Http2Connection;

  H2Stream* find(std::uint32_t id) {
    if (!channel_) return nullptr;
    auto found = streams_.find(static_cast<std::int32_t>(id));
    return found == streams_.end() ? nullptr : &found->second;
  }

  H2Stream* unanswered_stream(std::uint32_t id) {
    H2Stream* stream = find(id);
    return stream == nullptr || stream->answered ? nullptr : stream;
  }

  // An answer of our own.
  void refuse(H2Stream& stream, int status, std::string_view why) {
    if (stream.answered) return;
    end_request(stream);
    ErrorBody error = make_error_body(host_.options(), status, why);
    Headers headers;
    headers.add("content-type", error.content_type);
    headers.add("content-length", std::to_string(error.body.size()));
    stream.whole = std::make_shared<const std::string>(std::move(error.body));
    submit(stream, status, headers, !stream.is_head);
  }

  static nghttp2_nv field(std::string_view name, std::string_view value) {
    const bool is_once = std::ranges::find(kNeverAgain, name) != std::end(kNeverAgain);
    const std::uint8_t flags = is_once ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
            value.size(), flags};
  }

  void submit(H2Stream& stream, int status, const Headers& headers, bool has_body) {
    stream.answered = true;
    std::vector<nghttp2_nv> fields;
    fields.reserve(headers.all().size() + 2);
    std::string status_text = std::to_string(status);
    fields.push_back(field(":status", status_text));
    bool has_date = false, is_last = false;
    for (const auto& [name, value] : headers.all()) {
      is_last = is_last || (name == "connection" && value == "close");
      if (name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
          name == "upgrade")
        continue;
      has_date = has_date || name == "date";
      fields.push_back(field(name, value));
    }
    if (!has_date) fields.push_back(field("date", http_date(channel_->loop().clock().wall())));
    if (!has_body) stream.finished = true;
    if (!submit_head(stream, fields, has_body)) reset(stream);
    if (is_last) take_no_more();
    send_soon();
  }

  bool submit_head(H2Stream& stream, const std::vector<nghttp2_nv>& fields, bool has_body) {
    if (stream.body) {
      stream.flow = Flow::kLeaving;
      return nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id, nullptr,
                                    fields.data(), fields.size(), nullptr) == 0;
    }
    stream.flow = Flow::kFlowing;
    const nghttp2_data_provider provider = provider_of(stream);
    return nghttp2_submit_response(session_.get(), stream.id, fields.data(), fields.size(),
                                   has_body ? &provider : nullptr) == 0;
  }

  void reset(H2Stream& stream) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_INTERNAL_ERROR);
  }

  static nghttp2_data_provider provider_of(H2Stream& stream) {
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = on_read_body;
    return provider;
  }

  // Asks a Body that rested; nghttp2 hears of it when it has something to say.
  void begin(H2Stream& stream) {
    const std::span<char> buffer = body_scratch().first(kFirstBytes);
    const Body::Read read = stream.body->read(buffer);
    stream.waiting = read.state == Body::State::kWaiting;
    const bool is_end = read.state == Body::State::kEnd;
    if (read.bytes == 0 && !is_end && read.state != Body::State::kFailed) {
      if (!stream.waiting) retry_later(stream.id);
      return;
    }
    stream.whole = std::make_shared<const std::string>(buffer.data(), read.bytes);
    if (is_end) stream.body.reset();
    stream.flow = Flow::kFlowing;
    const nghttp2_data_provider provider = provider_of(stream);
    if (read.state == Body::State::kFailed ||
        nghttp2_submit_data(session_.get(), NGHTTP2_FLAG_END_STREAM, stream.id, &provider) != 0) {
      reset(stream);
    }
    send_soon();
  }

  // What is read now is the last for a while.
  static void rest(H2Stream& stream, std::uint32_t* flags) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    stream.flow = Flow::kLeaving;
  }

  // What is under way goes on; for what comes the client is to connect anew.
  void take_no_more() {
    if (std::exchange(leaving_, true)) return;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  }

  // Answers that are given in one turn of the loop leave together.
  void send_soon() {
    if (in_session_ || send_posted_) return;
    send_posted_ = true;
    channel_->loop().post([weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      auto& connection = static_cast<Self&>(*self);
      connection.send_posted_ = false;
      connection.send_pending();
    });
  }

  void send_pending() {
    if (!channel_ || in_session_) return;
    auto self = shared_from_this();
    thread_local std::string staged;
    for (int round = 0; channel_ && round < kRoundsPerTurn; ++round) {
      bool more = make_frames(staged);
      if (!channel_) return;
      channel_->flush();
      if (more && round + 1 == kRoundsPerTurn && channel_->unsent() == 0) send_soon();
      if (!more || channel_->unsent() > 0) break;  // `on_drained` goes on.
    }
    if (channel_ && !nghttp2_session_want_read(session_.get()) &&
        !nghttp2_session_want_write(session_.get()) && channel_->unsent() == 0)
      cut();
  }

  // True if there may be more when the output has left.
  bool make_frames(std::string& staged) {
    staged.clear();
    in_session_ = true;
    bool more = true;
    while (channel_ && channel_->unsent() + staged.size() < kMaxWaitingOutput) {
      const std::uint8_t* data = nullptr;
      auto size = nghttp2_session_mem_send(session_.get(), &data);
      if (size <= 0) {
        more = false;
        break;
      }
      staged.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
      if (staged.size() >= kStagedBytes) {
        channel_->write(staged);
        staged.clear();
      }
    }
    in_session_ = false;
    if (channel_) channel_->write(staged);
    return more;
  }

  void end_request(H2Stream& stream) {
    if (stream.request_over) return;
    stream.request_over = true;
    buffered_bodies_ -= stream.request->body.size();
    stream.request = nullptr;
    --bodies_under_way_;
  }

  void dispatch(H2Stream& stream) {
    stream.request_over = true;
    const auto whole = std::move(stream.request);
    Request& request = *whole;
    buffered_bodies_ -= request.body.size();
    --bodies_under_way_;
    auto mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
    request.peer = peer_;
    request.http_version = 20;
    auto exchange = std::make_shared<ServerExchange>(host_.handle(), weak_from_this(),
                                                     static_cast<std::uint32_t>(stream.id));
    host_.options().handler->handle(std::move(request), std::move(exchange));
  }

  void take_field(H2Stream& stream, std::string_view name, std::string_view value) {
    stream.head_bytes += static_cast<std::uint32_t>(name.size() + value.size() + 32);
    if (stream.request_over) return;
    if (stream.head_bytes > host_.options().max_head_bytes)
      return refuse(stream, 431, "the request's header is too large");
    if (name == ":method")
      stream.is_head = (stream.request->method = value) == "HEAD";
    else if (name == ":path")
      stream.request->target = value;
    else if (name == ":authority")
      stream.request->headers.set("host", value);
    else if (!name.starts_with(':'))
      stream.request->headers.add(name, value);
  }

  void take_data(H2Stream& stream, std::string_view bytes) {
    if (stream.request_over) return discard(stream, bytes.size());
    if (stream.request->body.size() + bytes.size() > host_.options().max_body_bytes)
      return refuse(stream, 413, too_large_body(host_.options()));
    if (buffered_bodies_ + bytes.size() > kMaxBufferedBodies) {
      end_request(stream);
      stream.answered = true;
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id,
                                NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    if (!has_room(*stream.request, bytes.size())) return refuse(stream, 503, kNoRoom);
    buffered_bodies_ += bytes.size();
    stream.request->body.append(bytes);
    body_deadline_ = after(host_.options().request_timeout);
  }

  // The rest of a request that is answered already. Old clients (curl 7) take a reset at this point
  // for a failure and lose the answer, so they may send on for a while.
  void discard(H2Stream& stream, std::size_t bytes) {
    stream.discarded += static_cast<std::uint32_t>(bytes);
    if (stream.discarded > kMaxDiscarded)
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_NO_ERROR);
  }

  ssize_t read_body(H2Stream& stream, std::span<char> buffer, std::uint32_t* flags) {
    if (stream.whole) {
      std::size_t size = std::min(buffer.size(), stream.whole->size() - stream.offset);
      stream.whole->copy(buffer.data(), size, stream.offset);
      stream.offset += size;
      if (stream.offset == stream.whole->size()) {
        stream.whole.reset();
        stream.offset = 0;
        if (!stream.body) {
          *flags |= NGHTTP2_DATA_FLAG_EOF;
          stream.finished = true;
        } else if (stream.waiting) {
          rest(stream, flags);
        }
      }
      return static_cast<ssize_t>(size);
    }
    for (int attempt = 0; attempt < kMaxEmptyReads && !stream.waiting; ++attempt) {
      Body::Read read = stream.body->read(buffer);
      if (read.state == Body::State::kFailed) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      stream.waiting = read.state == Body::State::kWaiting;
      if (read.state == Body::State::kEnd) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        stream.finished = true;
        stream.body.reset();
        return static_cast<ssize_t>(read.bytes);
      }
      if (read.bytes > 0) {
        if (stream.waiting) rest(stream, flags);
        return static_cast<ssize_t>(read.bytes);
      }
    }
    stream.flow = Flow::kDeferred;
    if (!stream.waiting) retry_later(stream.id);
    return NGHTTP2_ERR_DEFERRED;
  }

  void retry_later(std::int32_t id) {
    channel_->loop().post([weak = weak_from_this(), id] {
      if (auto self = weak.lock()) self->wake(static_cast<std::uint32_t>(id));
    });
  }

  // Callbacks of nghttp2.

  static const nghttp2_session_callbacks* callbacks() {
    static nghttp2_session_callbacks* made = [] {
      nghttp2_session_callbacks* fresh = nullptr;
      nghttp2_session_callbacks_new(&fresh);
      nghttp2_session_callbacks_set_on_begin_headers_callback(fresh, on_begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(fresh, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(fresh, on_data_chunk);
      nghttp2_session_callbacks_set_on_frame_recv_callback(fresh, on_frame_recv);
      nghttp2_session_callbacks_set_on_frame_send_callback(fresh, on_frame_send);
      nghttp2_session_callbacks_set_on_stream_close_callback(fresh, on_stream_close);
      return fresh;
    }();
    return made;
  }

  static H2Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
    auto& self = *static_cast<Self*>(data);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    H2Stream& stream = self.streams_[frame->hd.stream_id];
    stream.id = frame->hd.stream_id;
    stream.request = std::make_unique<Request>();
    if (self.bodies_under_way_++ == 0)
      self.body_deadline_ = self.after(self.host_.options().request_timeout);
    nghttp2_session_set_stream_user_data(session, stream.id, &stream);
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                       std::size_t value_size, std::uint8_t, void* data) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
      return 0;  // Trailers.
    if (H2Stream* stream = stream_of(session, frame->hd.stream_id))
      static_cast<Self*>(data)->take_field(*stream,
                                           {reinterpret_cast<const char*>(name), name_size},
                                           {reinterpret_cast<const char*>(value), value_size});
    return 0;
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id,
                           const std::uint8_t* bytes, std::size_t size, void* data) {
    if (H2Stream* stream = stream_of(session, id))
      static_cast<Self*>(data)->take_data(*stream, {reinterpret_cast<const char*>(bytes), size});
    return 0;
  }

  static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    H2Stream* stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (!stream->request_over) static_cast<Self*>(data)->dispatch(*stream);
    return 0;
  }

  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    H2Stream* stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr || stream->flow != Flow::kLeaving) return 0;
    stream->flow = Flow::kResting;
    if (!stream->waiting) static_cast<Self*>(data)->begin(*stream);
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* data) {
    auto& self = *static_cast<Self*>(data);
    auto found = self.streams_.find(id);
    if (found == self.streams_.end()) return 0;
    const auto node = self.streams_.extract(found);
    H2Stream& stream = node.mapped();
    const bool cancelled = stream.request_over && !stream.finished;
    if (!stream.request_over) self.end_request(stream);
    if (self.streams_.empty()) self.deadline_ = self.after(self.host_.options().idle_timeout);
    stream.body.reset();
    if (cancelled && stream.cancelled) stream.cancelled();
    return 0;
  }

  static ssize_t on_read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer,
                              std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                              void* data) {
    auto& stream = *static_cast<H2Stream*>(source->ptr);
    return static_cast<Self*>(data)->read_body(stream, {reinterpret_cast<char*>(buffer), size},
                                               flags);
  }

  std::unique_ptr<nghttp2_session, Deleter> session_;
  std::unordered_map<std::int32_t, H2Stream> streams_;  // Their places do not change.
  bool in_session_ = false, send_posted_ = false, leaving_ = false;
  std::size_t buffered_bodies_ = 0;
  std::size_t bodies_under_way_ = 0;
  MonotonicTime deadline_, body_deadline_;
};

}  // namespace

std::shared_ptr<Connection> make_http2_connection(ConnectionHost& host,
                                                  std::unique_ptr<Channel> channel, Peer peer) {
  return std::make_shared<Http2Connection>(host, std::move(channel), std::move(peer));
}

}  // namespace pinnace::net::internal

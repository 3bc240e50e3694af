#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

#include "store/etcd/client.h"
#include "store/etcd/etcd.grpc.pb.h"

namespace pinnace::store::etcd {
namespace {

namespace pb = etcdserverpb;
using SystemTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;

// A read that one member does not answer in this time is asked of another.
constexpr milliseconds kReadTry{2000};
constexpr milliseconds kPause{100};
constexpr int kMaxMessageBytes = 512 << 20;
// A member that says nothing for this long is gone; etcd allows pings every five seconds.
constexpr int kKeepaliveMs = 6000, kKeepaliveTimeoutMs = 2000;
constexpr int kReconnectMs = 100, kMaxReconnectMs = 1000;

// The system's clock is the one that gRPC counts deadlines by.
SystemTime now() { return std::chrono::system_clock::now(); }

struct Member {
  std::unique_ptr<pb::KV::Stub> kv;
  std::unique_ptr<pb::Watch::Stub> watch;
};

// What is under way, so that it can be cancelled and waited for.
class Gate {
 public:
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void leave() {
    const std::lock_guard lock(mutex_);  // Held while notifying: the waiter may end the gate.
    if (--inside_ == 0) empty_.notify_all();
  }
  // False when it is closed: the context is to be cancelled by the caller.
  bool add(grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    contexts_.insert(context);
    return true;
  }
  void remove(grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    contexts_.erase(context);
  }
  bool is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  void close_and_wait() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    for (auto* context : contexts_) context->TryCancel();
    empty_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::set<grpc::ClientContext*> contexts_;
  std::size_t inside_ = 0;
  bool closed_ = false;
};

// Whether the call cannot have had any effect.
bool was_not_done(const grpc::Status& status) {
  const std::string text = status.error_message();
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         (text.starts_with("failed to connect to all addresses") ||
          text.find("etcdserver: no leader") != text.npos);
}

bool is_about_the_member(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

Unexpected as_error(const grpc::Status& status, bool is_read) {
  const std::string text = "etcd: " + status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::OUT_OF_RANGE:
      return errors::expired(text);
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return errors::unavailable(text);
    case grpc::StatusCode::INVALID_ARGUMENT:
      if (text.find("too large") != text.npos) return errors::too_large(text);
      return errors::internal(text);
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      if (was_not_done(status)) return errors::unavailable(text);
      if (is_read) return errors::timeout(text, 1);
      return errors::timeout(text + "; it is not known whether the write was made", 1);
    default:
      return errors::internal(text);
  }
}

std::unique_ptr<grpc::ClientContext> make_context() {
  auto context = std::make_unique<grpc::ClientContext>();
  // A member that has lost its leader says so at once.
  context->AddMetadata("hasleader", "true");
  return context;
}

KeyValue to_pair(pb::KeyValue& from) {
  return {std::move(*from.mutable_key()), std::move(*from.mutable_value()),
          static_cast<Revision>(from.create_revision()), static_cast<Revision>(from.mod_revision()),
          static_cast<std::uint64_t>(from.version())};
}

class GrpcClient final : public Client {
 public:
  explicit GrpcClient(Duration timeout) : timeout_(timeout) {}
  ~GrpcClient() override { stop(); }

  Result<void> open(const Options& options);
  void range(RangeQuery query, Done<RangeAnswer> done) override;
  void commit(Transaction transaction, Done<TransactionAnswer> done) override;
  void compact(Revision revision, Done<void> done) override;
  std::unique_ptr<Watch> watch(KeyRange keys, Revision first,
                               std::function<void(WatchEvents)> on_events,
                               std::function<void(Error)> ended) override;
  void try_another_member() override { leave_member(current_.load()); }
  void stop() override { gate_.close_and_wait(); }

 private:
  template <typename Request, typename Response>
  friend class Unary;

  // Others may have left it already.
  void leave_member(std::size_t member) {
    current_.compare_exchange_strong(member, (member + 1) % members_.size());
  }

  const Duration timeout_;
  std::vector<Member> members_;
  std::atomic<std::size_t> current_{0};
  Gate gate_;
};

// One call, on as many members as it takes. Keeps itself alive until it is done.
template <typename Request, typename Response>
class Unary : public std::enable_shared_from_this<Unary<Request, Response>> {
 public:
  using Method = void (pb::KV::Stub::async::*)(grpc::ClientContext*, const Request*, Response*,
                                               std::function<void(grpc::Status)>);
  using Finish = std::function<void(const grpc::Status&, Response&)>;
  Unary(GrpcClient& client, Method method, Request request, bool is_read, Finish finish)
      : client_(client),
        method_(method),
        request_(std::move(request)),
        is_read_(is_read),
        finish_(std::move(finish)),
        deadline_(now() + std::chrono::duration_cast<milliseconds>(client.timeout_)) {}

  void start() {
    if (client_.gate_.enter()) return attempt();
    finish_(stopped(), response_);
  }

 private:
  static grpc::Status stopped() { return {grpc::StatusCode::CANCELLED, "the client has stopped"}; }

  void attempt() {
    member_ = client_.current_.load();
    response_.Clear();
    context_ = make_context();
    context_->set_deadline(is_read_ ? std::min(deadline_, now() + kReadTry) : deadline_);
    if (!client_.gate_.add(context_.get())) return end(stopped());
    auto* stub = client_.members_[member_].kv->async();
    (stub->*method_)(context_.get(), &request_, &response_,
                     [self = this->shared_from_this()](const grpc::Status& status) {
                       self->client_.gate_.remove(self->context_.get());
                       self->attempted(status);
                     });
  }

  void attempted(const grpc::Status& status) {
    if (is_about_the_member(status)) client_.leave_member(member_);
    const bool may_repeat = is_about_the_member(status) && (is_read_ || was_not_done(status));
    if (!may_repeat || now() + kPause >= deadline_ || client_.gate_.is_closed()) {
      return end(status);
    }
    if (++tries_ < client_.members_.size()) return attempt();
    // A new one each time: the callback of the last one may be what we are in.
    pause_ = std::make_unique<grpc::Alarm>();
    pause_->Set(now() + kPause, [self = this->shared_from_this()](bool) { self->attempt(); });
  }

  void end(const grpc::Status& status) {
    finish_(status, response_);
    client_.gate_.leave();
  }

  GrpcClient& client_;
  const Method method_;
  const Request request_;
  const bool is_read_;
  const Finish finish_;
  const SystemTime deadline_;
  Response response_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::Alarm> pause_;
  std::size_t member_ = 0, tries_ = 0;
};

template <typename Request, typename Response>
void call(GrpcClient& client, typename Unary<Request, Response>::Method method, Request request,
          bool is_read, typename Unary<Request, Response>::Finish finish) {
  std::make_shared<Unary<Request, Response>>(client, method, std::move(request), is_read,
                                             std::move(finish))
      ->start();
}

void GrpcClient::range(RangeQuery query, Done<RangeAnswer> done) {
  pb::RangeRequest request;
  request.set_key(std::move(query.keys.key));
  request.set_range_end(std::move(query.keys.end));
  request.set_limit(static_cast<std::int64_t>(query.limit));
  request.set_revision(static_cast<std::int64_t>(query.at));
  request.set_count_only(query.count_only);
  call<pb::RangeRequest, pb::RangeResponse>(
      *this, &pb::KV::Stub::async::Range, std::move(request), true,
      [done = std::move(done)](const grpc::Status& status, pb::RangeResponse& response) {
        if (!status.ok()) return done(as_error(status, true));
        RangeAnswer answer{static_cast<Revision>(response.header().revision()),
                           {},
                           response.more(),
                           static_cast<std::uint64_t>(response.count())};
        answer.pairs.reserve(static_cast<std::size_t>(response.kvs_size()));
        for (auto& pair : *response.mutable_kvs()) answer.pairs.push_back(to_pair(pair));
        done(std::move(answer));
      });
}

void GrpcClient::commit(Transaction transaction, Done<TransactionAnswer> done) {
  pb::TxnRequest request;
  if (transaction.guard != Transaction::Guard::kNone) {
    auto& guard = *request.add_compare();
    guard.set_key(transaction.key);
    const auto expected = static_cast<std::int64_t>(transaction.expected);
    if (transaction.guard == Transaction::Guard::kModified) {
      guard.set_target(pb::Compare::MOD);
      guard.set_mod_revision(expected);
    } else {
      guard.set_target(pb::Compare::VERSION);
      guard.set_version(expected);
    }
    request.add_failure()->mutable_request_range()->set_key(std::move(transaction.key));
  }
  for (auto& [key, revision] : transaction.unchanged) {
    auto& guard = *request.add_compare();
    guard.set_key(std::move(key));
    guard.set_target(pb::Compare::MOD);
    guard.set_result(pb::Compare::LESS);
    guard.set_mod_revision(static_cast<std::int64_t>(revision + 1));
  }
  for (auto& [key, value] : transaction.puts) {
    auto& put = *request.add_success()->mutable_request_put();
    put.set_key(std::move(key));
    put.set_value(std::move(value));
  }
  for (auto& removal : transaction.removals) {
    auto& range = *request.add_success()->mutable_request_delete_range();
    range.set_key(std::move(removal.key));
    range.set_range_end(std::move(removal.end));
  }
  call<pb::TxnRequest, pb::TxnResponse>(
      *this, &pb::KV::Stub::async::Txn, std::move(request), false,
      [done = std::move(done)](const grpc::Status& status, pb::TxnResponse& response) {
        if (!status.ok()) return done(as_error(status, false));
        TransactionAnswer answer{
            response.succeeded(), static_cast<Revision>(response.header().revision()), {}};
        if (!answer.succeeded && response.responses_size() == 1) {
          auto& found = *response.mutable_responses(0)->mutable_response_range()->mutable_kvs();
          if (!found.empty()) answer.found = to_pair(found[0]);
        }
        done(std::move(answer));
      });
}

void GrpcClient::compact(Revision revision, Done<void> done) {
  pb::CompactionRequest request;
  request.set_revision(static_cast<std::int64_t>(revision));
  call<pb::CompactionRequest, pb::CompactionResponse>(
      *this, &pb::KV::Stub::async::Compact, request, true,
      [done = std::move(done)](const grpc::Status& status, pb::CompactionResponse&) {
        if (!status.ok()) return done(as_error(status, true));
        done({});
      });
}

// Deletes itself when the stream has ended.
class WatchStream final : public grpc::ClientBidiReactor<pb::WatchRequest, pb::WatchResponse> {
 public:
  WatchStream(std::shared_ptr<grpc::ClientContext> context, Gate& gate, pb::WatchRequest request,
              std::function<void(WatchEvents)> on_events, std::function<void(Error)> ended)
      : context_(std::move(context)),
        gate_(gate),
        request_(std::move(request)),
        on_events_(std::move(on_events)),
        ended_(std::move(ended)) {}

  void start(pb::Watch::Stub& stub) {
    stub.async()->Watch(context_.get(), this);
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (response_.canceled() || response_.compact_revision() != 0) {
      error_ = response_.compact_revision() != 0
                   ? errors::expired("etcd: mvcc: required revision has been compacted").error()
                   : errors::unavailable("etcd: " + response_.cancel_reason()).error();
      context_->TryCancel();
      return;
    }
    WatchEvents events;
    events.reserve(static_cast<std::size_t>(response_.events_size()));
    for (auto& event : *response_.mutable_events()) {
      events.push_back({event.type() == pb::Event::DELETE, to_pair(*event.mutable_kv())});
    }
    if (!events.empty()) on_events_(std::move(events));
    response_.Clear();
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    if (!error_) error_ = errors::unavailable("etcd: " + status.error_message()).error();
    gate_.remove(context_.get());
    ended_(std::move(*error_));
    Gate& gate = gate_;
    delete this;
    gate.leave();
  }

 private:
  const std::shared_ptr<grpc::ClientContext> context_;
  Gate& gate_;
  const pb::WatchRequest request_;
  pb::WatchResponse response_;
  const std::function<void(WatchEvents)> on_events_;
  const std::function<void(Error)> ended_;
  std::optional<Error> error_;
};

class WatchHandle final : public Watch {
 public:
  explicit WatchHandle(std::shared_ptr<grpc::ClientContext> context)
      : context_(std::move(context)) {}
  ~WatchHandle() override { context_->TryCancel(); }

 private:
  const std::shared_ptr<grpc::ClientContext> context_;
};

std::unique_ptr<Watch> GrpcClient::watch(KeyRange keys, Revision first,
                                         std::function<void(WatchEvents)> on_events,
                                         std::function<void(Error)> ended) {
  std::shared_ptr<grpc::ClientContext> context = make_context();
  if (!gate_.enter()) {
    ended(errors::unavailable("the client has stopped").error());
    return std::make_unique<WatchHandle>(std::move(context));
  }
  if (!gate_.add(context.get())) context->TryCancel();
  pb::WatchRequest request;
  auto& wanted = *request.mutable_create_request();
  wanted.set_key(std::move(keys.key));
  wanted.set_range_end(std::move(keys.end));
  wanted.set_start_revision(static_cast<std::int64_t>(first));
  auto* stream =
      new WatchStream(context, gate_, std::move(request), std::move(on_events), std::move(ended));
  stream->start(*members_[current_.load()].watch);
  return std::make_unique<WatchHandle>(std::move(context));
}

Result<void> GrpcClient::open(const Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  if (options.endpoints.empty()) return errors::bad_request("no endpoint of etcd was given");
  for (const std::string& endpoint : options.endpoints) {
    const bool is_secure = endpoint.starts_with("https://");
    if (!is_secure && !endpoint.starts_with("http://")) {
      return errors::bad_request("an endpoint of etcd is https://HOST:PORT, not \"" + endpoint +
                                 "\"");
    }
    if (is_secure && options.authority_pem.empty()) {
      return errors::bad_request("https endpoints of etcd need the authority's certificate");
    }
    const auto credentials =
        is_secure ? grpc::SslCredentials(
                        {options.authority_pem, options.private_key_pem, options.certificate_pem})
                  : grpc::InsecureChannelCredentials();
    const auto channel =
        grpc::CreateCustomChannel(endpoint.substr(endpoint.find("//") + 2), credentials, arguments);
    members_.push_back({pb::KV::NewStub(channel), pb::Watch::NewStub(channel)});
  }
  return {};
}

}  // namespace

KeyRange prefix_range(std::string prefix) {
  KeyRange range{prefix, std::move(prefix)};
  while (!range.end.empty()) {
    const auto last = static_cast<unsigned char>(range.end.back());
    range.end.pop_back();
    if (last == 0xFF) continue;
    range.end += static_cast<char>(last + 1);
    return range;
  }
  range.end = std::string(1, '\0');  // Everything from `key` on, in etcd's words.
  return range;
}

Result<std::shared_ptr<Client>> Client::create(Options options) {
  auto client = std::make_shared<GrpcClient>(options.request_timeout);
  if (auto opened = client->open(options); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return client;
}

}  // namespace pinnace::store::etcd

// Watches: what is there first (when asked for), then every event, with bookmarks in between.
#include <algorithm>
#include <mutex>
#include <optional>

#include "api/json.h"
#include "api/protobuf.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/list_options.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/watch_socket.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kBookmarkEvery = std::chrono::seconds(60);
// Who comes again when its watch has ended does so from its last bookmark.
constexpr Duration kBookmarkBeforeEnd = std::chrono::seconds(2);
constexpr std::size_t kEventsAtOnce = 64;
// What is made before some of it is sent.
constexpr std::size_t kPendingBytes = 16 << 10;
// A larger room for what is made is given back.
constexpr std::size_t kKeptBytes = 64 << 10;

// What timers and the store's wake-ups share with the body.
struct Shared : Ending {
  void end() override {
    is_over = true;
    wake();
  }

  std::function<void()> wake;  // Any thread.
  std::atomic<bool> is_over{false}, wants_bookmark{false};
  std::atomic<bool> is_gone{false};  // The body.
};

// Events come one by one, each in one piece.
Output output_of(const Call& call) {
  Output output = call.output;
  output.pretty = false;
  return output;
}

class WatchBody : public net::Body {
 public:
  std::string content_type() const { return content_type_of(output_.media, true); }

  // `wake` tells the reader that there may be more; any thread.
  WatchBody(BackendRef backend, CallRef call, Selection selection, std::function<void()> wake)
      : backend_(std::move(backend)),
        call_(std::move(call)),
        storage_(call_->storage),
        resource_(call_->resource),
        catalog_(call_->catalog),
        output_(output_of(*call_)),
        open_(backend_->requests.open(*call_)),
        told_(backend_->requests.told(*call_)),
        shared_(std::make_shared<Shared>()) {
    shared_->wake = std::move(wake);
    if (!selection.matches_everything()) {
      selection_ = std::make_unique<const Selection>(std::move(selection));
    }
    // A node's pods are for that node: a write wakes one of those who watch them.
    if (call_->query.get("fieldSelector").find("spec.nodeName") == std::string_view::npos) {
      counted_.emplace(backend_->turns.watches(), call_->storage->storage_resource, call_->info.ns,
                       call_->info.name);
    }
    if (catalog_ != nullptr) {
      on_catalog_ =
          std::make_shared<const std::function<void()>>([shared = shared_] { shared->wake(); });
      backend_->catalog.tell(on_catalog_);
    }
    open_.add(1);
  }

  ~WatchBody() override {
    watcher_.reset();
    backend_->watch_ends->remove(*shared_);
    shared_->is_gone = true;
    open_.add(-1);
  }

  // Starts with all objects of a snapshot, or (`after` != 0) right after a revision.
  void start(store::Revision after, bool with_objects, bool mark_end) {
    const std::string resource(call_->storage->storage_resource);
    const std::string ns = call_->storage->namespaced ? call_->info.ns : "";
    if (after == 0 || with_objects) {
      auto snapshot = backend_->store().list(resource, ns);
      if (!snapshot) return fail(snapshot.error());
      after = snapshot->revision;
      if (with_objects) busy_->initial = std::move(snapshot->objects);
      mark_end_ = mark_end;
    }
    position_ = after;
    if (!busy_->initial.empty()) convert(busy_->initial);
    // It goes before `shared_` does, and waking destroys nothing.
    auto watcher =
        backend_->store().watch(resource, ns, after, [shared = shared_.get()] { shared->wake(); });
    if (!watcher) return fail(watcher.error());
    watcher_ = std::move(*watcher);
  }

  void end_after(Duration timeout) { backend_->watch_ends->add(shared_, timeout); }

  // For as long as the watch lasts; zero is for ever.
  void send_bookmarks(Duration timeout) {
    const Duration left = timeout == Duration::zero() ? Duration::max() : timeout;
    arm(&backend_->options.executor, shared_, left);
  }

  Read read(std::span<char> buffer) override {
    if (!busy_) busy_ = std::make_unique<Busy>();
    // One piece of memory does for all events that leave at once.
    thread_local std::string room;
    if (busy_->pending.empty()) busy_->pending.swap(room);
    busy_->has_all = false;
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      if (busy_->sent == busy_->pending.size()) {
        busy_->pending.clear();
        busy_->sent = 0;
        if (!produce()) break;
        continue;
      }
      const std::string_view unsent = std::string_view(busy_->pending).substr(busy_->sent);
      const std::size_t count = unsent.copy(buffer.data() + filled, buffer.size() - filled);
      busy_->sent += count;
      filled += count;
    }
    if (busy_->sent < busy_->pending.size()) return {filled, State::kMore};
    if (failed_ || shared_->is_over || backend_->is_shutting_down || is_outdated()) {
      return {filled, State::kEnd};
    }
    if (filled == buffer.size()) return {filled, State::kMore};
    if (busy_->pending.capacity() <= kKeptBytes) busy_->pending.swap(room);
    if (busy_->is_done()) busy_ = nullptr;
    return {filled, State::kWaiting};
  }

 private:
  // Objects on their way through a conversion webhook.
  struct Converting {
    std::mutex mutex;
    std::optional<Result<std::vector<store::ObjectRef>>> result;
  };
  // What a watch has only while it has something to say: most of them wait most of the time.
  struct Busy {
    std::vector<store::ObjectRef> initial;
    std::size_t next_initial = 0;
    std::vector<store::Event> events;
    std::size_t next_event = 0;
    bool has_all = false;  // There were no more events when this `read` last looked.
    std::shared_ptr<Converting> converting;
    std::string pending;
    std::size_t sent = 0;

    bool is_done() const {
      return next_initial == initial.size() && next_event == events.size() &&
             sent == pending.size() && converting == nullptr;
    }
  };

  static void arm(Executor* executor, std::shared_ptr<Shared> shared, Duration left) {
    if (left <= kBookmarkBeforeEnd) return;
    const Duration next = std::min(kBookmarkEvery, left - kBookmarkBeforeEnd);
    executor->schedule_after(next, [executor, shared, left = left - next] {
      if (shared->is_gone) return;
      shared->wants_bookmark = true;
      shared->wake();
      arm(executor, shared, left);
    });
  }

  // Appends what can be said now to what is pending; false when there is nothing.
  bool produce() {
    if (failed_ || shared_->is_over || !take_converted()) return false;
    while (busy_->next_initial < busy_->initial.size()) {
      const store::ObjectRef object = std::move(busy_->initial[busy_->next_initial++]);
      if (matches(*object)) say("ADDED", object);
      if (busy_->pending.size() >= kPendingBytes || failed_) return true;
    }
    // Who has been told what there was is not in the way of others any more, and has no more use
    // for what it asked with: that would be half of what a watch at rest keeps.
    if (call_ != nullptr) call_->turn.release();
    if (!is_converted_) call_ = nullptr;
    if (mark_end_) {
      mark_end_ = false;
      say_bookmark(true);
    }
    while (busy_->pending.size() < kPendingBytes && !failed_) {
      if (busy_->next_event == busy_->events.size() && !fetch_events()) break;
      say_event(busy_->events[busy_->next_event++]);
    }
    const bool has_said_all = busy_->pending.empty() && busy_->converting == nullptr;
    if (has_said_all && shared_->wants_bookmark.exchange(false)) {
      if (watcher_) position_ = std::max(position_, watcher_->position());
      say_bookmark(false);
    }
    return !busy_->pending.empty();
  }

  // False when there are no events now, or no more at all.
  bool fetch_events() {
    auto& events = busy_->events;
    events.clear();
    busy_->next_event = 0;
    if (!watcher_ || busy_->has_all) return false;
    if (auto more = watcher_->next(events, kEventsAtOnce); !more) {
      fail(more.error());
      return false;
    }
    busy_->has_all = events.size() < kEventsAtOnce;
    if (!events.empty() && is_converted_) {
      std::vector<store::ObjectRef> objects;
      for (const store::Event& event : events) {
        objects.push_back(event.object);
        objects.push_back(event.previous ? event.previous : event.object);
      }
      convert(std::move(objects));
      return take_converted();
    }
    return !events.empty();
  }

  void convert(std::vector<store::ObjectRef> objects) {
    if (!is_converted_) return;
    busy_->converting = std::make_shared<Converting>();
    in_requested_version(
        backend_, call_, std::move(objects),
        [state = busy_->converting, shared = shared_](Result<std::vector<store::ObjectRef>> shown) {
          {
            const std::lock_guard lock(state->mutex);
            state->result = std::move(shown);
          }
          shared->wake();
        });
  }

  // False while the webhook has not answered; it wakes the reader.
  bool take_converted() {
    if (busy_->converting == nullptr) return true;
    const auto state = busy_->converting;
    const std::lock_guard lock(state->mutex);
    if (!state->result) return false;
    busy_->converting = nullptr;
    if (!*state->result) {
      fail(state->result->error());
      return false;
    }
    std::vector<store::ObjectRef>& shown = **state->result;
    auto& events = busy_->events;
    if (events.empty()) {
      busy_->initial = std::move(shown);
      return true;
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
      events[i].object = shown[2 * i];
      if (events[i].previous) events[i].previous = shown[2 * i + 1];
    }
    return true;
  }

  // The definition has changed or gone: clients list and watch anew.
  bool is_outdated() const {
    const auto* custom = resource_->custom;
    if (custom == nullptr) return false;
    const CatalogRef now = backend_->catalog.current();
    if (now == catalog_) return false;
    const auto* found = now->find_resource(resource_->group, resource_->version, resource_->name);
    return found == nullptr || found->custom == nullptr || found->custom->serial != custom->serial;
  }

  bool matches(const store::Object& object) const {
    return selection_ == nullptr || selection_->matches(object);
  }

  void say_event(const store::Event& event) {
    using Type = store::Event::Type;
    if (selection_ == nullptr) {
      constexpr const char* kNames[] = {"ADDED", "MODIFIED", "DELETED"};
      return say(kNames[static_cast<int>(event.type)], event.object);
    }
    const bool is_in = event.type != Type::kDeleted && matches(*event.object);
    const bool was_in = event.previous && matches(*event.previous);
    if (is_in)
      say(was_in ? "MODIFIED" : "ADDED", event.object);
    else if (was_in && event.type == Type::kDeleted)
      say("DELETED", event.object);
    else if (was_in)
      say("DELETED", with_revision(*event.previous, event.revision));
  }

  // What left the selection is shown as it was last in it, at the revision at which it left.
  static store::ObjectRef with_revision(const store::Object& object, store::Revision revision) {
    auto copy = std::make_shared<store::Object>();
    copy->key = object.key;
    copy->uid = object.uid;
    copy->revision = revision;
    copy->created_revision = object.created_revision;
    copy->revision_offset = object.revision_offset;
    std::string json = object.json.text();
    const std::string member = revision_member(object.revision);
    copy->json = json.replace(object.revision_offset, member.size(), revision_member(revision));
    return copy;
  }

  static std::string revision_member(store::Revision revision) {
    return "\"resourceVersion\":\"" + std::to_string(revision) + "\"";
  }

  // No event is a list: who wants lists is told nothing, and the first event ends the watch.
  bool wants_lists() {
    if (output_.shape != Shape::kPartialList) return false;
    failed_ = true;
    watcher_.reset();
    return true;
  }

  void say(std::string_view type, const store::ObjectRef& object) {
    if (wants_lists()) return;
    auto bytes = encode_object(object, *storage_, *resource_, output_, !said_columns_);
    if (!bytes) return fail(bytes.error());
    said_columns_ = true;
    append(type, **bytes);
  }

  // One event: a line of JSON, or the length in four bytes and a WatchEvent.
  void append(std::string_view type, std::string_view object) {
    std::string& pending = busy_->pending;
    told_.events.add(1);
    told_.bytes.observe(static_cast<double>(object.size()));
    if (output_.media == Media::kProtobuf) {
      const std::string event = api::encode_protobuf_watch_event(type, object);
      for (int shift = 24; shift >= 0; shift -= 8) {
        pending += static_cast<char>(event.size() >> shift & 0xff);
      }
      pending += event;
      return;
    }
    while (object.ends_with('\n')) object.remove_suffix(1);
    ((pending += "{\"type\":\"") += type) += "\",\"object\":";
    (pending += object) += "}\n";
  }

  void say_bookmark(bool is_initial_end) {
    if (wants_lists()) return;
    const bool is_table = output_.shape == Shape::kTable;
    const ObjectKind kind =
        answered_kind(is_table ? *storage_ : *resource_, is_table ? Output{} : output_);
    std::string object = "{\"kind\":\"" + kind.kind + "\",\"apiVersion\":\"" + kind.api_version +
                         "\",\"metadata\":{";
    const std::size_t revision_offset = object.size();
    object += revision_member(position_);
    if (is_initial_end) object += ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}";
    object += "}}";
    if (is_table) return say("BOOKMARK", empty_object(std::move(object), revision_offset));
    if (output_.media == Media::kProtobuf) object = to_protobuf(object);
    append("BOOKMARK", object);
  }

  // What a bookmark's row is made of.
  store::ObjectRef empty_object(std::string json, std::size_t revision_offset) const {
    auto object = std::make_shared<store::Object>();
    object->key.resource = storage_->storage_resource;
    object->revision = position_;
    object->revision_offset = static_cast<std::uint32_t>(revision_offset);
    object->json = std::move(json);
    return object;
  }

  std::string to_protobuf(std::string_view json) const {
    api::Arena arena;
    auto tree = api::parse_json(arena, json);
    if (!tree) return {};
    return encode_value(*tree, &answered_type(*resource_, output_), output_).value_or("");
  }

  void fail(Error error) {
    failed_ = true;
    watcher_.reset();
    if (error.code == 410 && error.message.empty()) {
      error.message = "too old resource version: " + std::to_string(position_);
    }
    append("ERROR", encode_status(status_json(error), output_).bytes);
  }

  BackendRef backend_;
  CallRef call_;  // Until what there was is told; longer only where a webhook converts objects.
  std::unique_ptr<const Selection> selection_;  // Null: everything.
  const api::ResourceInfo* const storage_;
  const api::ResourceInfo* const resource_;
  const CatalogRef catalog_;  // Keeps both, where they are of it.
  const Output output_;
  metrics::Series& open_;  // Counts who watches the like.
  const RequestMetrics::Told told_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<const std::function<void()>> on_catalog_;
  std::optional<fairness::WatchCounts::Entry> counted_;
  std::unique_ptr<store::Watcher> watcher_;
  std::unique_ptr<Busy> busy_ = std::make_unique<Busy>();  // Null at rest.
  store::Revision position_ = 0;
  const bool is_converted_ = has_conversion_webhook(*call_);
  bool mark_end_ = false, failed_ = false, said_columns_ = false;
};

// Zero: none. Who does not say gets one between `least` and twice that.
Duration watch_timeout(const ListOptions& options, Duration least, Rng& rng) {
  constexpr std::int64_t kMostSeconds = 86400;
  const std::int64_t seconds = options.timeout_seconds.value_or(0);
  // Its time is over before it begins.
  if (seconds < 0) return std::chrono::nanoseconds(1);
  if (seconds > 0) return std::chrono::seconds(std::min(seconds, kMostSeconds));
  // Not all at once: they come again when they end.
  if (least <= Duration::zero()) return Duration::zero();
  return least +
         Duration(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(least.count()))));
}

// The watch as it was asked for, started.
Result<std::unique_ptr<WatchBody>> make_body(const BackendRef& backend, const CallRef& call,
                                             std::function<void()> wake) {
  auto options = read_list_options(*call);
  if (!options) return std::unexpected(std::move(options.error()));
  if (call->output.media == Media::kYaml) {
    return errors::not_acceptable(
        "only the following media types are accepted: application/json;stream=watch, "
        "application/vnd.kubernetes.protobuf;stream=watch");
  }
  Selection& selection = options->selection;
  // From the path, where the watch of one object once had a place of its own, or the selector.
  if (!call->info.name.empty()) selection.keep_only(call->info.name);
  const std::string_view text = call->query.get("resourceVersion");
  auto revision = parse_revision(text);
  if (!revision) return std::unexpected(std::move(revision.error()));
  const Duration timeout = watch_timeout(
      *options, backend->options.configuration.requests.min_request_timeout, backend->options.rng);

  const bool wants_initial = call->query.flag("sendInitialEvents");
  const bool starts_anew = text.empty() || text == "0";
  const bool refuses_initial = call->query.has("sendInitialEvents") && !wants_initial;
  const bool bookmarks = call->query.flag("allowWatchBookmarks");
  auto body = std::make_unique<WatchBody>(backend, call, std::move(selection), std::move(wake));
  body->start(starts_anew ? 0 : *revision, wants_initial || (starts_anew && !refuses_initial),
              wants_initial && bookmarks);
  if (timeout > Duration::zero()) body->end_after(timeout);
  if (bookmarks) body->send_bookmarks(timeout);
  return body;
}

// One of the protocols that Kubernetes' own clients name, if the client named any of them.
Result<net::WebSocketHandshake> handshake(const net::Request& request) {
  const std::vector<std::string_view> ours = {"binary.k8s.io", "base64.binary.k8s.io"};
  for (const auto name : ours) {
    if (request.headers.has_token("sec-websocket-protocol", name)) {
      return net::websocket_handshake(request, ours);
    }
  }
  return net::websocket_handshake(request, {});
}

void watch_by_websocket(const BackendRef& backend, const CallRef& call) {
  const auto socket = std::make_shared<WatchSocket>(call->exchange->loop());
  auto body = make_body(backend, call, [weak = std::weak_ptr(socket)] {
    if (const auto open = weak.lock()) open->wake();
  });
  if (!body) return answer_error(*call, body.error());
  auto agreed = handshake(call->request);
  if (!agreed) return answer_error(*call, agreed.error());
  const bool is_binary = call->output.media == Media::kProtobuf;
  call->turn.add_headers(agreed->headers);
  auto stream = call->exchange->upgrade(std::move(agreed->headers));
  call->started(stream ? 101 : 400);
  if (!stream) return;  // HTTP/2 has no upgrades; the client was told.
  socket->start(net::WebSocket::create(std::move(stream)), std::move(*body), is_binary);
}

}  // namespace

void watch_objects(const BackendRef& backend, const CallRef& call) {
  if (net::is_websocket_request(call->request)) return watch_by_websocket(backend, call);
  // The exchange lives as long as the body: its Call may go before.
  auto body = make_body(backend, call, [exchange = call->exchange] { exchange->wake(); });
  if (!body) return answer_error(*call, body.error());
  const std::string content_type = (*body)->content_type();
  answer_stream(*call, 200, content_type, std::move(*body));
}

}  // namespace pinnace::apiserver

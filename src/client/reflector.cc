#include <algorithm>
#include <utility>

#include "base/log.h"
#include "client/informer.h"
#include "client/json_slices.h"
#include "client/status.h"

namespace pinnace::client {

namespace {
constexpr Duration kFirstWait = std::chrono::milliseconds(50);
constexpr Duration kLongestWait = std::chrono::seconds(10);
constexpr const char* kMetadataOfAll =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr const char* kMetadataOfOne =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
}  // namespace

// Everything here runs on the executor. Callbacks that are under way hold the state weakly.
struct Reflector::State : std::enable_shared_from_this<State> {
  State(Transport& t, Executor& e, api::ResourceName r, ListOptions o, Sink s, Content c)
      : transport(t),
        executor(e),
        resource(r),
        options(std::move(o)),
        sink(std::move(s)),
        content(c) {}

  template <typename Work>
  auto guarded(Work work) {
    return [weak = weak_from_this(), work = std::move(work)](auto&&... arguments) {
      const auto self = weak.lock();
      if (self && !self->stopped) work(*self, std::forward<decltype(arguments)>(arguments)...);
    };
  }
  std::string target(std::string_view more) const {
    std::string out = Client::path(resource, options.ns, "") + Client::list_query(options);
    if (!more.empty()) out += (out.find('?') == std::string::npos ? '?' : '&');
    return out.append(more);
  }

  void list();
  void take_list(const Result<Response>& response);
  void watch();
  void take_line(std::string_view line);
  void take_end(const Result<void>& result);
  void give(std::string_view json, bool deleted);
  void wait_and(void (State::*next)());
  void complain(std::string_view what, const Error& error);
  void stop() {
    stopped = true;
    stream.reset();
    if (timer != 0) executor.cancel(timer);
    timer = 0;
  }

  Transport& transport;
  Executor& executor;
  const api::ResourceName resource;
  const ListOptions options;
  Sink sink;
  const Content content;
  bool stopped = false;
  bool told_undecodable = false;
  bool relist = false;  // The watch cannot be resumed.
  std::string version;  // What was seen last.
  Duration wait = kFirstWait;
  Executor::TimerId timer = 0;
  std::unique_ptr<WatchStream> stream;
};

void Reflector::State::list() {
  Request request;
  request.target = target("");
  if (content == Content::kMetadata) request.accept = kMetadataOfAll;
  transport.send(request, executor, guarded([](State& self, const Result<Response>& response) {
                   self.take_list(response);
                 }));
}

void Reflector::State::take_list(const Result<Response>& response) {
  if (!response || response->status >= 400) {
    complain("cannot list",
             response ? error_from_status(response->status, *response->body) : response.error());
    return wait_and(&State::list);
  }
  std::string_view items;
  std::string_view new_version;
  const bool ok = for_each_member(*response->body, [&](std::string_view key, std::string_view raw) {
    if (key == "items") items = raw;
    if (key == "metadata") new_version = plain_string(raw_member(raw, "resourceVersion"));
  });
  if (!ok || new_version.empty()) {
    complain("cannot list", errors::internal("the server's answer is no list").error());
    return wait_and(&State::list);
  }
  version = new_version;
  relist = false;
  sink.on_replace();
  if (items.starts_with('[')) {
    for_each_element(items, [this](std::string_view item) { give(item, false); });
  }
  sink.on_synced();
  if (!stopped) watch();
}

void Reflector::State::give(std::string_view json, bool deleted) {
  if (stopped) return;
  const auto taken = sink.on_object(json, deleted);
  if (taken || std::exchange(told_undecodable, true)) return;
  complain("an object is not understood and is left out", taken.error());
}

void Reflector::State::watch() {
  Request request;
  request.target = target("watch=true&allowWatchBookmarks=true&resourceVersion=" + version);
  if (content == Content::kMetadata) request.accept = kMetadataOfOne;
  stream = transport.watch(
      request, executor, guarded([](State& self, std::string_view line) { self.take_line(line); }),
      guarded([](State& self, const Result<void>& result) { self.take_end(result); }));
}

void Reflector::State::take_line(std::string_view line) {
  const auto [type, object] = event_slices(line);
  if (type == "ERROR") {
    const Error error = error_from_status(500, object);
    relist = relist || error.code == 410;
    return complain("a watch ends", error);
  }
  const auto new_version =
      plain_string(raw_member(from_member(object, "metadata"), "resourceVersion"));
  if (new_version.empty()) return;
  wait = kFirstWait;
  version = new_version;
  if (type == "BOOKMARK") return;
  give(object, type == "DELETED");
}

void Reflector::State::take_end(const Result<void>& result) {
  stream.reset();
  if (!result) {
    relist = relist || result.error().code == 410;
    complain("a watch broke", result.error());
  }
  wait_and(relist ? &State::list : &State::watch);
}

void Reflector::State::wait_and(void (State::*next)()) {
  if (stopped) return;
  timer = executor.schedule_after(wait, guarded([next](State& self) {
                                    self.timer = 0;
                                    (self.*next)();
                                  }));
  wait = std::min(wait * 2, kLongestWait);
}

void Reflector::State::complain(std::string_view what, const Error& error) {
  if (error.code == 410) return;  // Ordinary: the next list mends it.
  log::warning(what, {{"resource", resource.resource},
                      {"group", resource.group},
                      {"error", error.message},
                      {"code", error.code}});
}

Reflector::Reflector(Transport& transport, Executor& executor, api::ResourceName resource,
                     ListOptions options, Sink sink, Content content)
    : state_(std::make_shared<State>(transport, executor, resource, std::move(options),
                                     std::move(sink), content)) {}

Reflector::~Reflector() { state_->stop(); }

void Reflector::start() {
  state_->executor.post(state_->guarded([](State& self) { self.list(); }));
}

void Reflector::stop() { state_->stop(); }

}  // namespace pinnace::client

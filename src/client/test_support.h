// What the tests of the client share: a loop in virtual time and a server that does as it is told.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "io/loop.h"
#include "io/sim_executor.h"
#include "net/http.h"

namespace pinnace::client::testing {

// A Loop without descriptors, on an executor whose time is the test's.
class SimLoop final : public io::Loop {
 public:
  explicit SimLoop(io::SimExecutor& executor) : executor_(executor) {}
  void post(std::function<void()> work) override { executor_.post(std::move(work)); }
  TimerId schedule_after(Duration delay, std::function<void()> work) override {
    return executor_.schedule_after(delay, std::move(work));
  }
  void cancel(TimerId id) override { executor_.cancel(id); }
  const Clock& clock() const override { return executor_.clock(); }
  void run() override { executor_.run_until_idle(); }
  void stop() override {}
  bool on_loop_thread() const override { return true; }
  void add_fd(int, std::uint32_t, std::function<void(std::uint32_t)>) override {
    PINNACE_ASSERT(false);
  }
  void modify_fd(int, std::uint32_t) override { PINNACE_ASSERT(false); }
  void remove_fd(int) override { PINNACE_ASSERT(false); }

 private:
  io::SimExecutor& executor_;
};

// A watch's Body that the test fills.
struct Feed {
  std::string text;
  std::size_t piece = 7;  // Lines come in pieces of so many bytes.
  bool ended = false, broken = false;
  bool closed = false;  // The reader is gone.
  std::shared_ptr<net::Exchange> exchange;
  void write(std::string_view line) {
    text.append(line).append("\n");
    exchange->wake();
  }
  void end() {
    ended = true;
    exchange->wake();
  }
  void break_off() {
    broken = true;
    exchange->wake();
  }
};

class FeedBody final : public net::Body {
 public:
  explicit FeedBody(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
  ~FeedBody() override {
    feed_->closed = true;
    feed_->exchange = nullptr;
  }
  Read read(std::span<char> buffer) override {
    const std::size_t count = std::min({feed_->text.size(), buffer.size(), feed_->piece});
    feed_->text.copy(buffer.data(), count);
    feed_->text.erase(0, count);
    if (!feed_->text.empty()) return {count, State::kMore};
    if (feed_->broken) return {count, State::kFailed};
    return {count, feed_->ended ? State::kEnd : State::kWaiting};
  }

 private:
  std::shared_ptr<Feed> feed_;
};

// Answers with what was put in line; watches without one get a Feed.
class ScriptedServer final : public net::Handler {
 public:
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    requests.push_back(request);
    if (!answers.empty()) {
      const auto [status, body] = answers.front();
      answers.pop_front();
      exchange->respond(status, {}, std::string(body));
      return;
    }
    PINNACE_ASSERT(request.query.find("watch=true") != std::string::npos);
    feeds.push_back(std::make_shared<Feed>());
    feeds.back()->exchange = exchange;
    exchange->stream(200, {}, std::make_unique<FeedBody>(feeds.back()));
  }
  void answer(int status, std::string body) { answers.emplace_back(status, std::move(body)); }
  std::vector<std::string> targets() const {
    std::vector<std::string> out;
    for (const auto& each : requests) out.push_back(each.method + ' ' + each.target);
    return out;
  }

  std::deque<std::pair<int, std::string>> answers;
  std::vector<net::Request> requests;
  std::vector<std::shared_ptr<Feed>> feeds;
};

inline std::string config_map(const std::string& name, int version, const std::string& more = "") {
  return R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":")" + name +
         R"(","namespace":"x","resourceVersion":")" + std::to_string(version) + "\"}" + more + '}';
}
inline std::string list_of(int version, const std::vector<std::string>& items) {
  std::string out = R"({"kind":"ConfigMapList","metadata":{"resourceVersion":")" +
                    std::to_string(version) + R"("},"items":[)";
  for (const auto& item : items) out += (&item == items.data() ? "" : ",") + item;
  return out + "]}";
}
inline std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + '}';
}
inline std::string status(int code, const std::string& reason, const std::string& more = "") {
  return R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"sorry","reason":")" +
         reason + R"(","code":)" + std::to_string(code) + more + '}';
}

}  // namespace pinnace::client::testing

#include "conformance/runner.h"

#include <array>

#include "api/yaml.h"
#include "base/strings.h"

namespace pinnace::conformance {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kRingEvents = 4096;  // As many as a server keeps of each resource.
constexpr Duration kPatience = std::chrono::minutes(5);
constexpr std::int64_t kMaxRepeats = 10'000;
constexpr std::size_t kShownBytes = 2000;  // Of an answer that does not say what it should.

struct PatchType {
  std::string_view name, content_type;
};
constexpr std::array kPatchTypes = {
    PatchType{"json", "application/json-patch+json"},
    PatchType{"merge", "application/merge-patch+json"},
    PatchType{"strategic", "application/strategic-merge-patch+json"},
    PatchType{"apply", "application/apply-patch+yaml"},
};

std::optional<Duration> parse_duration(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789");
  const auto number = parse_int(text.substr(0, end));
  if (!number || end == std::string_view::npos) return std::nullopt;
  const std::string_view unit = text.substr(end);
  if (unit == "ms") return std::chrono::milliseconds(*number);
  if (unit == "s") return std::chrono::seconds(*number);
  if (unit == "m") return std::chrono::minutes(*number);
  if (unit == "h") return std::chrono::hours(*number);
  return std::nullopt;
}

// The block's YAML as JSON, names put in.
Result<std::string> body_of(const Step& step, const Names& names, bool is_verbatim) {
  if (step.block.empty()) return std::string();
  if (is_verbatim) return substituted(step.block, names);
  api::Arena arena;
  auto tree = api::parse_yaml(arena, substituted(step.block, names));
  if (!tree) return std::unexpected(std::move(tree.error()));
  return api::to_json_text(*tree);
}

}  // namespace

Runner::Runner() : cluster_(kSeed, kRingEvents) {}
Runner::~Runner() {
  for (auto& [name, watch] : watches_) watch.answer->close();
}

std::string Runner::play(const Step& step) {
  const std::string& verb = step.verb;
  if (verb == "GET" || verb == "HEAD" || verb == "POST" || verb == "PUT" || verb == "PATCH" ||
      verb == "DELETE") {
    return request(step);
  }
  if (verb == "expect") return expect(step, false);
  if (verb == "eventually") return expect(step, true);
  if (verb == "repeat") return repeat(step);
  if (verb == "watch") return open_watch(step);
  if (verb == "events") return expect_events(step);
  if (verb == "advance") return advance(step);
  if (verb == "says") {
    if (!answer_) return "nothing was asked yet";
    const std::string text = substituted(step.rest, names_);
    return answer_->body.find(text) != std::string::npos
               ? ""
               : "the answer does not say so: " + answer_->body.substr(0, kShownBytes);
  }
  if (verb == "as" && !step.words.empty()) {
    caller_ = {step.words[0], {step.words.begin() + 1, step.words.end()}};
    if (step.words.size() == 1 && step.words[0] == "admin") caller_ = {};
    return "";
  }
  if (verb == "header" && step.words.size() > 1) {
    headers_.emplace_back(step.words[0],
                          substituted(step.rest.substr(step.words[0].size() + 1), names_));
    return "";
  }
  if (verb == "verbatim") {
    is_verbatim_ = true;
    return "";
  }
  if (verb == "warns") {
    if (!answer_) return "nothing was asked yet";
    return check_warning(step.rest);
  }
  if (verb == "shows" && step.words.size() > 1) {
    if (!answer_) return "nothing was asked yet";
    const api::Value shown = api::Value::string_ref(answer_->headers.get(step.words[0]));
    const std::string expected = step.rest.substr(step.words[0].size() + 1);
    return mismatch(api::Value::string_ref(expected), &shown, names_, step.words[0]);
  }
  if (verb == "nodes" && step.words.size() == 1) {
    cluster_.add_nodes(static_cast<int>(parse_int(step.words[0]).value_or(1)));
    return "";
  }
  return "there is no step \"" + verb + ' ' + step.rest + '"';
}

Runner::AnswerRef Runner::send(const Request& what) {
  auto answer = std::make_shared<apiserver::testing::Answer>();
  net::Request sent = apiserver::testing::request_of(caller_, what.method, what.target);
  sent.body = what.body;
  if (!what.body.empty()) sent.headers.set("content-type", what.content_type);
  for (const auto& [name, value] : what.headers) sent.headers.set(name, value);
  cluster_.server().handle(std::move(sent), answer);
  cluster_.run_until([&] { return answer->status != 0; });
  return answer;
}

std::string Runner::request(const Step& step) {
  Request what;
  what.method = step.verb;
  what.content_type = "application/json";
  std::size_t path = 0;
  if (step.verb == "PATCH") {
    for (const auto& type : kPatchTypes) {
      if (!step.words.empty() && step.words[0] == type.name) what.content_type = type.content_type;
    }
    path = 1;
  }
  if (step.words.size() != path + 1) return "a request is METHOD PATH, or PATCH TYPE PATH";
  what.target = substituted(step.words[path], names_);
  auto body = body_of(step, names_, std::exchange(is_verbatim_, false));
  if (!body) return body.error().message;
  what.body = std::move(*body);
  what.headers = std::exchange(headers_, {});
  last_ = what;
  answer_ = send(what);
  return answer_->status == 0 ? "no answer came" : "";
}

std::string Runner::repeat(const Step& step) {
  const auto times = parse_int(step.rest);
  if (!times || *times < 1 || *times > kMaxRepeats) return "how often, at most 10000 times";
  if (!last_) return "nothing was asked yet";
  for (std::int64_t i = 0; i < *times; ++i) {
    answer_ = send(*last_);
    if (answer_->status == 0 || answer_->status > 299) {
      return "the status is " + std::to_string(answer_->status) + ": " + answer_->body;
    }
  }
  return "";
}

std::string Runner::check(const Step& step) {
  const auto status = parse_int(step.rest);
  if (!status) return "what stands here must be a status";
  if (answer_->status != *status) {
    return "the status is " + std::to_string(answer_->status) + ": " + answer_->body;
  }
  if (step.block.empty()) return "";
  api::Arena arena;
  auto expected = api::parse_yaml(arena, step.block);
  if (!expected) return expected.error().message;
  return mismatch(*expected, &answer_->json(), names_);
}

std::string Runner::check_warning(const std::string& text) const {
  std::string all;
  for (const std::string_view warning : answer_->headers.get_all("Warning")) {
    if (warning.find(text) != std::string_view::npos) return "";
    (all += warning) += '\n';
  }
  return "no warning says so: " + all;
}

std::string Runner::expect(const Step& step, bool eventually) {
  if (!answer_) return "nothing was asked yet";
  if (!eventually) return check(step);
  std::string why = check(step);
  const auto is_so = [&] {
    if (why.empty()) return true;
    answer_ = send(*last_);
    why = check(step);
    return why.empty();
  };
  cluster_.run_until(is_so, kPatience);
  return why;
}

std::string Runner::open_watch(const Step& step) {
  if (step.words.size() != 2) return "a watch is: watch NAME PATH";
  std::string target = substituted(step.words[1], names_);
  target += target.find('?') == std::string::npos ? "?watch=true" : "&watch=true";
  Request what{"GET", std::move(target), "", "", std::exchange(headers_, {})};
  answer_ = send(what);
  watches_[step.words[0]] = {answer_, 0};
  return answer_->status == 0 ? "no answer came" : "";
}

std::string Runner::expect_events(const Step& step) {
  const auto found = watches_.find(step.rest);
  if (found == watches_.end()) return "there is no watch \"" + step.rest + '"';
  Watch& watch = found->second;
  cluster_.run_for(std::chrono::milliseconds(100));
  watch.answer->pull();
  const std::string_view news = std::string_view(watch.answer->body).substr(watch.seen_bytes);
  watch.seen_bytes = watch.answer->body.size();
  api::Arena arena;
  api::Value events = api::Value::array();
  for (const auto line : split(news, '\n')) {
    if (trim(line).empty()) continue;
    const auto event = api::parse_json(arena, line);
    if (!event || event->find("object") == nullptr) return "no event: " + std::string(line);
    api::Value entry = api::Value::object();
    entry.set(arena, event->string_at("type"), *event->find("object"));
    events.append(arena, entry);
  }
  auto expected = api::parse_yaml(arena, step.block);
  if (!expected) return expected.error().message;
  if (expected->is_null()) *expected = api::Value::array();
  return mismatch(*expected, &events, names_, "events");
}

std::string Runner::advance(const Step& step) {
  const auto duration = parse_duration(step.rest);
  if (!duration) return "a duration is 100ms, 30s, 5m or 2h";
  cluster_.run_for(*duration);
  return "";
}

}  // namespace pinnace::conformance

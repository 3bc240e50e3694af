#include "apiserver/http/deadlines.h"

#include <algorithm>
#include <vector>

#include "api/time.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What Go says of a text that is no duration.
std::string duration_problem(std::string_view text) {
  static constexpr std::string_view kUnits[] = {"ns", "us", "\u00b5s", "\u03bcs",
                                                "ms", "s",  "m",       "h"};
  const std::string shown = "duration \"" + std::string(text) + "\"";
  std::string_view rest = text;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  while (!rest.empty()) {
    const auto number = std::min(rest.find_first_not_of("0123456789."), rest.size());
    if (std::ranges::none_of(rest.substr(0, number), is_digit)) break;
    rest.remove_prefix(number);
    const auto end = std::min(rest.find_first_of("0123456789."), rest.size());
    const std::string_view unit = rest.substr(0, end);
    if (unit.empty()) return "time: missing unit in " + shown;
    if (std::ranges::find(kUnits, unit) == std::end(kUnits)) {
      return "time: unknown unit \"" + std::string(unit) + "\" in " + shown;
    }
    rest.remove_prefix(end);
  }
  return "time: invalid " + shown;
}

}  // namespace

Result<Duration> request_timeout(const Query& query, Duration most) {
  const std::string_view text = query.get("timeout");
  if (text.empty()) return most;
  const auto wanted = api::parse_duration(text);
  if (!wanted) {
    return errors::bad_request("invalid timeout specified in the request URL - " +
                               duration_problem(text));
  }
  // Nothing, and more than there is, is the most that there is.
  return *wanted > Duration::zero() && (*wanted < most || most == Duration::zero()) ? *wanted
                                                                                    : most;
}

// Whoever ends the Call at the same time sees that it is in, or we see that it is over.
void Deadlines::add(Call& call, MonotonicTime at) {
  const std::lock_guard lock(mutex_);
  Entry& entry = call.deadline;
  entry.at_ = calls_.emplace_hint(calls_.end(), at, &call);
  entry.is_in_ = true;
  if (call.is_over()) return remove(entry);
  arm();
}

void Deadlines::remove(Entry& entry) {
  if (entry.is_in_.exchange(false)) calls_.erase(entry.at_);
}

void Deadlines::Entry::leave() {
  if (!is_in_) return;
  const std::lock_guard lock(queue_->mutex_);
  queue_->remove(*this);
}

// A timer that comes too early sets the next one.
void Deadlines::arm() {
  if (calls_.empty()) return;
  const MonotonicTime next = calls_.begin()->first;
  if (armed_ && *armed_ <= next) return;
  armed_ = next;
  executor_.schedule_after(next - executor_.clock().monotonic(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void Deadlines::look() {
  std::vector<CallRef> late;
  {
    const std::lock_guard lock(mutex_);
    armed_.reset();
    const MonotonicTime now = executor_.clock().monotonic();
    while (!calls_.empty() && calls_.begin()->first <= now) {
      Call& call = *calls_.begin()->second;
      // One that is on its way out waits for our lock as long as it is in.
      if (auto alive = call.weak_from_this().lock()) late.push_back(std::move(alive));
      remove(call.deadline);
    }
    arm();
  }
  for (const CallRef& call : late) call->time_out();
}

}  // namespace pinnace::apiserver

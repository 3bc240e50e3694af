#include "apiserver/table/column_text.h"

#include <algorithm>
#include <chrono>

#include "api/json.h"
#include "api/selector.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kNone = "<none>";

// "3m", or with what is left over: "3m10s".
std::string two_units(std::int64_t whole, char unit, std::int64_t rest, char rest_unit) {
  std::string text = std::to_string(whole) + unit;
  if (rest != 0) text += std::to_string(rest) + rest_unit;
  return text;
}

}  // namespace

std::string short_duration(Duration duration) {
  using namespace std::chrono;
  const std::int64_t seconds = duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return std::to_string(seconds) + "s";
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) return two_units(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return std::to_string(minutes) + "m";
  const std::int64_t hours = minutes / 60;
  if (hours < 8) return two_units(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return std::to_string(hours) + "h";
  const std::int64_t days = hours / 24;
  if (days < 8) return two_units(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return std::to_string(days) + "d";
  const std::int64_t years = days / 365;
  if (years < 8) return two_units(years, 'y', days % 365, 'd');
  return std::to_string(years) + "y";
}

std::string age_text(std::string_view time, WallTime now) {
  WallTime then;
  if (time.empty() || !parse_rfc3339(time, then)) return "<unknown>";
  return short_duration(now - then);
}

std::string scalar_text(const api::Value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_bool() || value.is_number()) return api::to_json_text(value);
  return {};
}

std::string labels_text(const api::Value* labels) {
  if (labels == nullptr || !labels->is_object() || labels->empty()) return std::string(kNone);
  std::vector<std::string> pairs;
  for (const auto& [key, value] : labels->members()) {
    pairs.push_back(std::string(key) + "=" + scalar_text(value));
  }
  std::ranges::sort(pairs);
  std::string text;
  for (const auto& pair : pairs) (text += text.empty() ? "" : ",") += pair;
  return text;
}

std::string selector_text(const api::Value* selector) {
  const auto parsed = api::label_selector_of(selector);
  if (!parsed) return "<error>";
  std::string text = parsed->matches_nothing() ? "" : parsed->text();
  return text.empty() ? std::string(kNone) : text;
}

std::string access_modes_text(const api::Value* modes) {
  struct Mode {
    std::string_view name, shown;
  };
  constexpr Mode kModes[] = {{"ReadWriteOnce", "RWO"},
                             {"ReadOnlyMany", "ROX"},
                             {"ReadWriteMany", "RWX"},
                             {"ReadWriteOncePod", "RWOP"}};
  if (modes == nullptr || !modes->is_array()) return {};
  std::string text;
  for (const Mode& mode : kModes) {
    const bool has = std::ranges::any_of(modes->items(), [&](const api::Value& item) {
      return item.is_string() && item.as_string() == mode.name;
    });
    if (has) (text += text.empty() ? "" : ",") += mode.shown;
  }
  return text;
}

std::span<const api::Value> list_at(const api::Value& object,
                                    std::initializer_list<std::string_view> path) {
  const api::Value* list = object.find_path(path);
  if (list == nullptr || !list->is_array()) return {};
  return list->items();
}

std::string_view text_at(const api::Value& object, std::initializer_list<std::string_view> path) {
  const api::Value* value = object.find_path(path);
  return value != nullptr && value->is_string() ? value->as_string() : std::string_view();
}

std::int64_t number_at(const api::Value& object, std::initializer_list<std::string_view> path) {
  const api::Value* value = object.find_path(path);
  return value != nullptr && value->is_int() ? value->as_int() : 0;
}

const api::Value* find_condition(std::span<const api::Value> conditions, std::string_view type) {
  for (const api::Value& condition : conditions) {
    if (condition.string_at("type") == type) return &condition;
  }
  return nullptr;
}

bool is_condition_true(std::span<const api::Value> conditions, std::string_view type) {
  const api::Value* condition = find_condition(conditions, type);
  return condition != nullptr && condition->string_at("status") == "True";
}

void ShortList::add(std::string text) {
  constexpr std::size_t kShown = 3;
  if (count_++ >= kShown) return;
  if (count_ > 1) joined_ += ',';
  joined_ += text;
}

std::string ShortList::text() const {
  if (count_ <= 3) return joined_;
  return joined_ + " + " + std::to_string(count_ - 3) + " more...";
}

}  // namespace pinnace::apiserver

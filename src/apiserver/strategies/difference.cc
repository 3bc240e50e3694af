#include "apiserver/strategies/difference.h"

#include <algorithm>

#include "api/json.h"
#include "api/member_index.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxPlaces = 20, kMaxValueBytes = 200;

class Differences {
 public:
  void compare(const api::Value* before, const api::Value* after, const std::string& path) {
    if (places_ > kMaxPlaces) return;
    if (before != nullptr && after != nullptr) {
      if (api::equal(*before, *after)) return;
      if (before->is_object() && after->is_object()) return compare_members(*before, *after, path);
      if (before->is_array() && after->is_array()) return compare_items(*before, *after, path);
    }
    if (++places_ > kMaxPlaces) {
      text_ += "\n  ...";
      return;
    }
    add('-', before, path);
    add('+', after, path);
  }
  std::string take() { return std::move(text_); }

 private:
  void compare_members(const api::Value& before, const api::Value& after, const std::string& path) {
    const std::string start = path.empty() ? path : path + '.';
    api::MemberIndex in_before(before), in_after(after);
    for (const auto& [key, value] : before.members()) {
      compare(&value, in_after.find(key), start + std::string(key));
    }
    for (const auto& [key, value] : after.members()) {
      if (in_before.find(key) == nullptr) compare(nullptr, &value, start + std::string(key));
    }
  }
  void compare_items(const api::Value& before, const api::Value& after, const std::string& path) {
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      compare(i < before.size() ? &before.items()[i] : nullptr,
              i < after.size() ? &after.items()[i] : nullptr, path + '[' + std::to_string(i) + ']');
    }
  }
  void add(char sign, const api::Value* value, const std::string& path) {
    if (value == nullptr) return;
    std::string shown = api::to_json_text(*value);
    if (shown.size() > kMaxValueBytes) shown = shown.substr(0, kMaxValueBytes) + "...";
    text_ += '\n';
    text_ += sign;
    text_ += ' ' + path + ": " + shown;
  }

  std::size_t places_ = 0;
  std::string text_;
};

}  // namespace

std::string difference(const api::Value& before, const api::Value& after) {
  Differences differences;
  differences.compare(&before, &after, "");
  return differences.take();
}

}  // namespace pinnace::apiserver

// The texts that cells of tables are made of.
//
// Source: Kubernetes' printers; `kubectl get` shows these words unchanged.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/clock.h"

namespace pinnace::apiserver {

// "45s", "3m10s", "5h", "2d3h", "1y20d"; "<invalid>" for what lies in the future.
std::string short_duration(Duration duration);
// The short duration from a time's text to `now`; "<unknown>" for no time.
std::string age_text(std::string_view time, WallTime now);

// A string, number or boolean as text; "" for the rest.
std::string scalar_text(const api::Value& value);
// "k=v,l=w" sorted; "<none>" when there are none. nullptr is an empty map.
std::string labels_text(const api::Value* labels);
// The text of a LabelSelector; "<none>" when it is empty, "<error>" when it is none.
std::string selector_text(const api::Value* selector);
std::string access_modes_text(const api::Value* modes);

// The entries of a list; nothing where the path ends elsewhere.
std::span<const api::Value> list_at(const api::Value& object,
                                    std::initializer_list<std::string_view> path);
std::string_view text_at(const api::Value& object, std::initializer_list<std::string_view> path);
std::int64_t number_at(const api::Value& object, std::initializer_list<std::string_view> path);
// The first condition of a type in a list of conditions, or nullptr.
const api::Value* find_condition(std::span<const api::Value> conditions, std::string_view type);
bool is_condition_true(std::span<const api::Value> conditions, std::string_view type);

// The first three texts joined with ",", and " + K more..." for the rest.
class ShortList {
 public:
  void add(std::string text);
  bool empty() const { return count_ == 0; }
  std::string text() const;

 private:
  std::string joined_;
  std::size_t count_ = 0;
};

}  // namespace pinnace::apiserver

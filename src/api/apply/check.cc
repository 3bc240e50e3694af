#include "api/apply/check.h"

#include <unordered_set>
#include <vector>

#include "api/go_text.h"

namespace pinnace::api::apply {
namespace {

using Layout = Shape::Layout;

std::string boxed(const Value& value) { return "&{" + go_text(value, false) + "}"; }

class Checker {
 public:
  Checker(Arena& arena, bool allows_many) : arena_(arena), allows_many_(allows_many) {}

  void visit(const Shape& shape, const Value& value) {
    if (value.is_null()) return;
    switch (shape.layout_of(&value)) {
      case Layout::kScalar:
        return scalar(shape, value);
      case Layout::kList:
        if (!value.is_array()) return fault("expected list, got " + boxed(value));
        return items(shape, value);
      case Layout::kMap:
        if (!value.is_object()) return fault("expected map, got " + boxed(value));
        return members(shape, value);
    }
  }

  std::optional<std::string> result() {
    if (faults_.empty()) return std::nullopt;
    if (faults_.size() == 1) return std::move(faults_.front());
    std::string text = "errors:";
    for (const std::string& one : faults_) (text += "\n  ") += one;
    return text;
  }

 private:
  static constexpr std::size_t kMaxFaults = 100;

  void fault(std::string why) {
    if (faults_.size() == kMaxFaults) return;
    const std::string at = display(path_);
    faults_.push_back(at.empty() ? std::move(why) : at + ": " + why);
  }

  void scalar(const Shape& shape, const Value& value) {
    const bool is_scalar = value.is_number() || value.is_string() || value.is_bool();
    switch (shape.scalar()) {
      case Shape::Scalar::kNumber:
        if (!value.is_number()) {
          fault("expected numeric (int or float), got " + std::string(go_type(value)));
        }
        return;
      case Shape::Scalar::kString:
        if (!value.is_string()) {
          fault("expected string, got &value.valueUnstructured{Value:" + go_text(value, true) +
                "}");
        }
        return;
      case Shape::Scalar::kBool:
        if (!value.is_bool()) fault("expected boolean, got " + boxed(value));
        return;
      case Shape::Scalar::kAny:
        if (!is_scalar) fault("expected any scalar, got " + boxed(value));
        return;
    }
  }

  void items(const Shape& shape, const Value& value) {
    const bool is_atomic = shape.is_atomic(Layout::kList);
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Value& item = value.items()[i];
      Result<PathElement> element =
          is_atomic ? PathElement::index(arena_, i) : shape.element_of(arena_, item);
      if (!element) return fault("element " + std::to_string(i) + ": " + element.error().message);
      if (!is_atomic && !allows_many_ && !seen.insert(element->text()).second) {
        fault("duplicate entries for key " + element->display());
      }
      path_.push_back(*element);
      visit(shape.item(), item);
      path_.pop_back();
    }
  }

  void members(const Shape& shape, const Value& value) {
    for (const auto& [key, member] : value.members()) {
      const Shape below = shape.member(key);
      path_.push_back(PathElement::field(key));
      if (below.is_declared())
        visit(below, member);
      else
        fault("field not declared in schema");
      path_.pop_back();
      if (!below.is_declared()) return;
    }
  }

  Arena& arena_;
  const bool allows_many_;
  std::vector<PathElement> path_;
  std::vector<std::string> faults_;
};

// A map's own members have no fields, and what is in them is not looked at.
void collect_atomics(Arena& arena, const Shape& shape, const Value& value,
                     std::vector<PathElement>& path, std::vector<std::string>& out) {
  const Layout layout = shape.layout_of(&value);
  const bool is_list = layout == Layout::kList && value.is_array();
  const bool is_map = layout == Layout::kMap && value.is_object();
  if ((is_list || is_map) && shape.is_atomic(layout)) out.push_back(display(path));
  for (std::size_t i = 0; is_list && i < value.size(); ++i) {
    path.push_back(PathElement::index(arena, i));
    collect_atomics(arena, shape.item(), value.items()[i], path, out);
    path.pop_back();
  }
  if (!is_map) return;
  for (const auto& [key, member] : value.members()) {
    if (!shape.has_field(key)) continue;
    path.push_back(PathElement::field(key));
    collect_atomics(arena, shape.member(key), member, path, out);
    path.pop_back();
  }
}

}  // namespace

std::vector<std::string> find_atomics(Arena& arena, const Shape& shape, const Value& value) {
  std::vector<PathElement> path;
  std::vector<std::string> out;
  collect_atomics(arena, shape, value, path, out);
  return out;
}

std::optional<std::string> find_fault(Arena& arena, const Shape& shape, const Value& value) {
  Checker checker(arena, false);
  checker.visit(shape, value);
  return checker.result();
}

std::optional<std::string> find_live_fault(Arena& arena, const Shape& shape, const Value& value) {
  Checker checker(arena, true);
  checker.visit(shape, value);
  return checker.result();
}

}  // namespace pinnace::api::apply

// FieldPath names a place in an object for messages: spec.containers[0].env[NAME].
//
// Source: k8s.io/apimachinery/pkg/util/validation/field.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace pinnace::api {

class FieldPath {
 public:
  FieldPath() = default;
  explicit FieldPath(std::string text) : text_(std::move(text)) {}

  FieldPath child(std::string_view name) const {
    std::string text = text_;
    if (!text.empty()) text += '.';
    return FieldPath(std::move(text += name));
  }
  FieldPath index(std::size_t place) const {
    return FieldPath(text_ + '[' + std::to_string(place) + ']');
  }
  FieldPath key(std::string_view name) const {
    return FieldPath(text_ + '[' + std::string(name) + ']');
  }
  // "<nil>" for the root, as Kubernetes prints it.
  std::string text() const { return text_.empty() ? "<nil>" : text_; }

 private:
  std::string text_;
};

}  // namespace pinnace::api

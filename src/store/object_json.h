// ObjectJson is the text of one version of an object: whole, or packed, which is its difference
// from a base that many share.
//
// Threads: as a std::string; const methods from any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pinnace::store {

using SharedText = std::shared_ptr<const std::string>;

class ObjectJson {
 public:
  ObjectJson() = default;
  ObjectJson(std::string whole) : own_(std::move(whole)) {}
  ObjectJson(SharedText base, std::string delta, std::size_t size);

  // Of the text, however it is kept.
  std::size_t size() const { return base_ ? size_ : own_.size(); }
  // Null when it is packed.
  const std::string* whole() const { return base_ ? nullptr : &own_; }
  // Null when it is whole.
  const SharedText& base() const { return base_; }

  std::string text() const;
  // Without a copy when it is whole; otherwise the text is put into `room`.
  std::string_view read(std::string& room) const;

 private:
  std::string own_;  // The text, or its delta.
  SharedText base_;
  std::size_t size_ = 0;
};

}  // namespace pinnace::store

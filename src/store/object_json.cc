#include "store/object_json.h"

#include <utility>

#include "store/delta.h"

namespace pinnace::store {

ObjectJson::ObjectJson(SharedText base, std::string delta, std::size_t size)
    : own_(std::move(delta)), base_(std::move(base)), size_(size) {
  own_.shrink_to_fit();
}

std::string ObjectJson::text() const {
  std::string room;
  if (!base_) return own_;
  read(room);
  return room;
}

std::string_view ObjectJson::read(std::string& room) const {
  if (!base_) return own_;
  room.clear();
  room.reserve(size_);
  restore(*base_, own_, room);
  return room;
}

}  // namespace pinnace::store

#include "store/packing.h"

#include <utility>

namespace pinnace::store {

namespace {

// A difference of this part of the text is good enough not to look for a better one.
constexpr std::size_t kSimilar = 5;

ObjectRef packed(const Object& object, SharedText base, std::string delta) {
  auto made = std::make_shared<Object>();
  made->key = object.key;
  made->uid = object.uid;
  made->revision = object.revision;
  made->created_revision = object.created_revision;
  made->revision_offset = object.revision_offset;
  made->json = ObjectJson(std::move(base), std::move(delta), object.json.size());
  return made;
}

bool is_packable(const ObjectRef& object) {
  return object->json.size() >= kLeastPacked && object->json.size() <= kMostPacked;
}

}  // namespace

std::shared_ptr<const Packer::Base> Packer::with(SharedText text) const {
  if (latest_ && latest_->text == text) return latest_;
  const std::string_view view = *text;
  return std::make_shared<const Base>(std::move(text), DeltaFinder(view));
}

ObjectRef Packer::pack(const ObjectRef& object) {
  const std::string* text = object->json.whole();
  if (text == nullptr || !is_packable(object)) return nullptr;
  const auto at = objects_.lower_bound(object->key.ns, object->key.name);
  if (at == objects_.end() || objects_.at(at) != object) return nullptr;
  std::vector<ObjectRef> neighbours;
  if (at != objects_.begin()) neighbours.push_back(objects_.at(objects_.previous(at)));
  if (const auto next = objects_.next(at); next != objects_.end()) {
    neighbours.push_back(objects_.at(next));
  }
  std::shared_ptr<const Base> best;
  std::optional<std::string> delta;
  // Else a small object might keep a large base alive.
  const auto may_tell = [&](const std::string& base) {
    return base.size() <= text->size() + text->size() / 4;
  };
  const auto consider = [&](const std::shared_ptr<const Base>& base) {
    if (base == best || (delta && delta->size() <= text->size() / kSimilar)) return;
    auto found = base->finder.find(*text, delta ? delta->size() : text->size() / 2);
    if (!found) return;
    delta = std::move(found);
    best = base;
  };
  for (const auto& each : neighbours) {
    const SharedText& base = each->json.base();
    if (base && may_tell(*base)) consider(with(base));
  }
  if (latest_ && may_tell(*latest_->text)) consider(latest_);
  for (const auto& each : neighbours) {
    const std::string* whole = each->json.whole();
    if (delta || whole == nullptr || !is_packable(each) || !may_tell(*whole)) continue;
    consider(with(std::make_shared<const std::string>(*whole)));
  }
  if (!delta) return nullptr;
  latest_ = best;
  return packed(*object, best->text, std::move(*delta));
}

}  // namespace pinnace::store

#include "store/etcd/translate.h"

#include <map>
#include <utility>

#include "base/log.h"
#include "store/splice.h"

namespace pinnace::store::etcd {

namespace {

class Translator {
 public:
  Translator(const Layout& layout, const History& history) : layout_(layout), history_(history) {}

  void add(const WatchEvent& watched) {
    const Revision revision = layout_.from_etcd(watched.pair.modified);
    if (revision <= history_.revision()) return;
    out_.through = revision;
    if (layout_.is_own_key(watched.pair.key)) {
      if (watched.pair.key == layout_.own_key(kLastState)) last_state_ = &watched.pair;
      return;
    }
    auto added = watched.is_removal ? add_removal(watched.pair, revision) : add_put(watched.pair);
    if (added) return;
    log::error("what stands in etcd is none of ours",
               {{"key", watched.pair.key}, {"error", added.error().message}});
  }
  Translated take() { return std::move(out_); }

 private:
  Result<void> add_put(const KeyValue& pair) {
    auto object = layout_.decode(pair);
    if (!object) return std::unexpected(std::move(object.error()));
    ObjectRef before = current((*object)->key);
    changed_[(*object)->key] = *object;
    const auto type = before ? Event::Type::kModified : Event::Type::kAdded;
    out_.events.push_back({type, (*object)->revision, *object, std::move(before)});
    return {};
  }

  Result<void> add_removal(const KeyValue& pair, Revision revision) {
    auto key = layout_.parse_key(pair.key);
    if (!key) return std::unexpected(std::move(key.error()));
    ObjectRef before = current(*key);
    if (!before) return {};
    auto object = std::make_shared<Object>();
    object->key = *key;
    object->uid = before->uid;
    object->revision = revision;
    object->created_revision = before->created_revision;
    const bool has_state = last_state_ != nullptr && last_state_->modified == pair.modified;
    if (has_state) {
      const auto opened = layout_.open(*key, last_state_->value);
      if (!opened) return std::unexpected(opened.error());
      const auto state = decode_value(opened->plain);
      if (!state) return std::unexpected(state.error());
      splice(*object, state->head, state->tail);
    } else {
      splice_stored(*object, *before);
    }
    changed_[object->key] = nullptr;
    out_.events.push_back({Event::Type::kDeleted, revision, std::move(object), std::move(before)});
    return {};
  }

  ObjectRef current(const Key& key) const {
    const auto found = changed_.find(key);
    return found != changed_.end() ? found->second : history_.find(key);
  }

  const Layout& layout_;
  const History& history_;
  Translated out_;
  std::map<Key, ObjectRef> changed_;  // Null: deleted.
  const KeyValue* last_state_ = nullptr;
};

}  // namespace

Translated translate(const Layout& layout, const History& history, const WatchEvents& watched) {
  Translator translator(layout, history);
  for (const WatchEvent& each : watched) translator.add(each);
  return translator.take();
}

}  // namespace pinnace::store::etcd

#include "store/batch.h"

#include <string>
#include <utility>

#include "store/splice.h"

namespace pinnace::store {

ObjectRef BatchBuilder::current(const Key& key) const {
  const auto found = changed_.find(key);
  return found != changed_.end() ? found->second : history_.find(key);
}

Result<ObjectRef> BatchBuilder::add(Write& write) {
  ObjectRef before = current(write.key);
  const bool creates = write.type == Write::Type::kCreate;
  const bool fits =
      creates ? before == nullptr : before && before->revision == write.expected_revision;
  if (!fits) return refusal(write.type, write.key, before != nullptr);
  auto after = std::make_shared<Object>();
  after->revision = ++revision_;
  after->created_revision = before ? before->created_revision : after->revision;
  after->uid = write.uid.empty() && before ? before->uid : std::move(write.uid);
  if (write.type == Write::Type::kDelete && write.head.empty() && write.tail.empty()) {
    splice_stored(*after, *before);
  } else {
    splice(*after, write.head, write.tail);
  }
  after->key = std::move(write.key);
  const auto type = creates                              ? Event::Type::kAdded
                    : write.type == Write::Type::kUpdate ? Event::Type::kModified
                                                         : Event::Type::kDeleted;
  std::string sealed;
  if (transformer_ != nullptr && transformer_->seals(after->key.resource)) {
    auto made = transformer_->seal(after->key, *after->json.whole());
    if (!made) {
      --revision_;
      return std::unexpected(std::move(made.error()));
    }
    sealed = std::move(*made);
  }
  sealed_.push_back(std::move(sealed));
  changed_[after->key] = type == Event::Type::kDeleted ? nullptr : after;
  events_.push_back({type, after->revision, after, std::move(before)});
  return after;
}

Journal::Batch BatchBuilder::journal_batch(const History::Dropped& dropped) const {
  Journal::Batch batch;
  batch.puts.reserve(events_.size() + dropped.floors.size() + 1);
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const std::string_view body =
        sealed_[i].empty() ? *events_[i].object->json.whole() : sealed_[i];
    batch.puts.push_back(record_put(events_[i], body));
  }
  for (const auto& [resource, floor] : dropped.floors) {
    batch.puts.push_back(number_put(floor_key(resource), floor));
  }
  batch.removals.reserve(dropped.records.size());
  for (const Revision revision : dropped.records) batch.removals.push_back(record_key(revision));
  return batch;
}

}  // namespace pinnace::store

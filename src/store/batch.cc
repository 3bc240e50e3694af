#include "store/batch.h"

#include <string>
#include <utility>

namespace pinnace::store {

namespace {

constexpr std::string_view kConflict =
    "the object has been modified; please apply your changes to the latest version and try again";

// "apps/deployments" → "deployments.apps", as messages name it.
std::string qualified(const std::string& resource) {
  const auto slash = resource.find('/');
  if (slash == std::string::npos) return resource;
  return resource.substr(slash + 1) + '.' + resource.substr(0, slash);
}

std::string revision_member(Revision revision) {
  return "\"resourceVersion\":\"" + std::to_string(revision) + '"';
}

void splice(Object& object, std::string_view head, std::string_view tail) {
  const std::string member = revision_member(object.revision);
  object.json.reserve(head.size() + member.size() + tail.size());
  object.json.append(head).append(member).append(tail);
  object.revision_offset = static_cast<std::uint32_t>(head.size());
}

// The stored bytes again, with another revision.
void splice_stored(Object& object, const Object& stored) {
  const std::string_view json = stored.json;
  const std::size_t old = revision_member(stored.revision).size();
  splice(object, json.substr(0, stored.revision_offset), json.substr(stored.revision_offset + old));
}

}  // namespace

ObjectRef BatchBuilder::current(const Key& key) const {
  const auto found = changed_.find(key);
  return found != changed_.end() ? found->second : history_.find(key);
}

Result<ObjectRef> BatchBuilder::add(Write& write) {
  ObjectRef before = current(write.key);
  const bool creates = write.type == Write::Type::kCreate;
  if (creates && before) {
    return errors::already_exists(qualified(write.key.resource), write.key.name);
  }
  if (!creates && !before) {
    auto error = errors::not_found(qualified(write.key.resource), write.key.name);
    error.error().message.clear();
    return error;
  }
  if (!creates && before->revision != write.expected_revision) {
    return errors::conflict(qualified(write.key.resource), write.key.name, kConflict);
  }
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
  changed_[after->key] = type == Event::Type::kDeleted ? nullptr : after;
  events_.push_back({type, after->revision, after, std::move(before)});
  return after;
}

Journal::Batch BatchBuilder::journal_batch(const History::Dropped& dropped) const {
  Journal::Batch batch;
  batch.puts.reserve(events_.size() + dropped.floors.size() + 1);
  for (const auto& event : events_) batch.puts.push_back(record_put(event));
  for (const auto& [resource, floor] : dropped.floors) {
    batch.puts.push_back(number_put(floor_key(resource), floor));
  }
  batch.removals.reserve(dropped.records.size());
  for (const Revision revision : dropped.records) batch.removals.push_back(record_key(revision));
  return batch;
}

}  // namespace pinnace::store

#include "store/recovery.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace pinnace::store {

namespace {

// How many losses are told apart; of older ones the whole range up to the end counts as lost.
constexpr std::size_t kMaxLost = 64;

struct Found {
  std::unordered_map<std::string, std::vector<Record>> records;  // in revision order
  std::unordered_map<std::string, Revision> floors;
  std::vector<LostRange> lost;
  Revision reserved = 0, last = 0;
  bool has_stale = false;
  Journal::Batch renamed;
};

Result<void> take_number(Found& found, std::string_view key, std::string_view value) {
  if (key.starts_with(kFloorPrefix)) {
    auto floor = decode_number(value);
    if (!floor) return std::unexpected(std::move(floor.error()));
    found.last = std::max(found.last, *floor);
    found.floors[std::string(key.substr(kFloorPrefix.size()))] = *floor;
  } else if (key == kReservedKey) {
    auto reserved = decode_number(value);
    if (!reserved) return std::unexpected(std::move(reserved.error()));
    found.reserved = *reserved;
  } else if (key == kLostKey) {
    auto lost = decode_lost(value);
    if (!lost) return std::unexpected(std::move(lost.error()));
    found.lost = std::move(*lost);
  }
  return {};
}

Result<void> take(Found& found, Transformer* transformer, std::string_view key,
                  std::string_view value) {
  if (key.starts_with('r')) {
    auto record = decode_record(key, value, transformer);
    if (!record) return std::unexpected(std::move(record.error()));
    found.has_stale = found.has_stale || record->is_stale;
    found.last = std::max(found.last, record->object->revision);
    found.records[record->object->key.resource].push_back(std::move(*record));
    return {};
  }
  std::string today = today_key(key);
  if (auto taken = take_number(found, today, value); !taken) return taken;
  if (today == key) return {};
  found.renamed.puts.push_back({std::move(today), std::string(value), {}});
  found.renamed.removals.emplace_back(key);
  return {};
}

bool same_key(const Record& a, const Record& b) { return a.object->key == b.object->key; }

// Links the versions of each object: the newest is live, the others are what events replaced.
Result<void> link(std::vector<Record>& records, History::Loaded::Resource& out) {
  std::vector<const Record*> by_key;
  by_key.reserve(records.size());
  for (const auto& record : records) by_key.push_back(&record);
  std::sort(by_key.begin(), by_key.end(), [](const Record* a, const Record* b) {
    const Object &x = *a->object, &y = *b->object;
    return std::tie(x.key.ns, x.key.name, x.revision) < std::tie(y.key.ns, y.key.name, y.revision);
  });
  for (std::size_t i = 0; i < by_key.size(); ++i) {
    const Record& record = *by_key[i];
    ObjectRef previous;
    if (i > 0 && same_key(*by_key[i - 1], record) && by_key[i - 1]->type != Event::Type::kDeleted) {
      previous = by_key[i - 1]->object;
    }
    const bool newest = i + 1 == by_key.size() || !same_key(*by_key[i + 1], record);
    if (newest && record.type != Event::Type::kDeleted) out.live.push_back(record.object);
    const Revision revision = record.object->revision;
    if (revision <= out.floor) continue;
    if ((record.type == Event::Type::kAdded) != (previous == nullptr)) {
      return errors::internal("the store is damaged: the version before revision " +
                              std::to_string(revision) + " is missing");
    }
    out.events.push_back({record.type, revision, record.object, std::move(previous)});
  }
  std::sort(out.events.begin(), out.events.end(),
            [](const Event& a, const Event& b) { return a.revision < b.revision; });
  return {};
}

}  // namespace

Result<Recovered> recover(Journal& journal, Transformer* transformer) {
  Found found;
  auto scanned = journal.scan([&](std::string_view key, std::string_view value) {
    return take(found, transformer, key, value);
  });
  if (!scanned) return std::unexpected(std::move(scanned.error()));
  Recovered recovered;
  recovered.has_stale = found.has_stale;
  recovered.renamed = std::move(found.renamed);
  for (const auto& [name, floor] : found.floors) recovered.history.resources[name].floor = floor;
  for (auto& [name, records] : found.records) {
    if (auto linked = link(records, recovered.history.resources[name]); !linked) {
      return std::unexpected(std::move(linked.error()));
    }
  }
  recovered.history.revision = std::max<Revision>(found.last, 1);
  if (found.reserved > recovered.history.revision) {
    found.lost.push_back({found.last, found.reserved});
    if (found.lost.size() > kMaxLost) {
      found.lost[1].after = found.lost[0].after;
      found.lost.erase(found.lost.begin());
    }
    recovered.lost_grew = true;
    recovered.history.revision = found.reserved + 1;
  }
  recovered.history.lost = std::move(found.lost);
  return recovered;
}

}  // namespace pinnace::store

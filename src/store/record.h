// Records: how the store's history stands in a Journal.
//
//   "r" + revision, 8 bytes big-endian  → one version of one object, or its deletion; the object's
//                                         JSON as the store's Transformer gives it
//   "s/floor/" + resource               → the resource's floor: events up to it may be missing
//   "s/reserved"                        → no revision above this one was ever given to anybody
//   "s/lost"                            → pairs: revisions in (first, second] may have been given
//                                         to clients and then lost with the machine's power
//
// Why: records' keys only grow, so that RocksDB need not merge new ones with old ones; what is
//   written over and over stands behind them all, or each of its files would seem to be among the
//   others. The versions that the rings still hold are there after a restart, so that watches go on
//   where they were.
// A version is removed when nobody can ask for it any more: it is not live, and the event that
// replaced it has left the ring.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/journal.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::store {

inline constexpr std::string_view kFloorPrefix = "s/floor/";
inline constexpr std::string_view kReservedKey = "s/reserved";
inline constexpr std::string_view kLostKey = "s/lost";

// Revisions in (after, through] do not exist but may have been seen.
struct LostRange {
  Revision after = 0, through = 0;
};

std::string record_key(Revision revision);
std::string floor_key(std::string_view resource);
// The key of today for one of Pinnace 0.1, which had "f" + resource, "mreserved" and "mlost".
std::string today_key(std::string_view key);
// The returned Put refers to `body`: the object's JSON, or what a Transformer made of it.
Journal::Batch::Put record_put(const Event& event, std::string_view body);
Journal::Batch::Put number_put(std::string key, Revision value);
Journal::Batch::Put lost_put(const std::vector<LostRange>& ranges);

struct Record {
  Event::Type type;
  std::shared_ptr<Object> object;
  bool is_stale = false;  // See Transformer::Opened.
};
Result<Record> decode_record(std::string_view key, std::string_view value,
                             Transformer* transformer = nullptr);
Result<Revision> decode_number(std::string_view value);
Result<std::vector<LostRange>> decode_lost(std::string_view value);

}  // namespace pinnace::store

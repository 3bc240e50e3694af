// Layout: how objects stand in etcd.
//
//   PREFIX/RESOURCE/NAMESPACE/NAME → the object (cluster scope: an empty NAMESPACE)
//   PREFIX/~/last_state            → what the object that is deleted in the same revision was last
//   PREFIX/~/revision_base         → see `base`
//   PREFIX/~/compacted             → the revision up to which etcd was last compacted
//   PREFIX/~/tick                  → written to be seen by watches
//   PREFIX/~/guards/NAME           → written with each write that has this guard
//
// An object's value is its uid, and its JSON without resourceVersion with the place where it goes:
// etcd's mod_revision is the resourceVersion. Where the store has a Transformer, that is sealed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/etcd/client.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::store::etcd {

inline constexpr std::string_view kLastState = "last_state";
inline constexpr std::string_view kRevisionBase = "revision_base";
inline constexpr std::string_view kCompacted = "compacted";
inline constexpr std::string_view kTick = "tick";
inline constexpr std::string_view kGuards = "guards/";

struct Layout {
  std::string prefix;  // Begins with '/' and does not end with it.
  // Added to etcd's revisions. 0, but for a cluster that was restored from a backup, whose
  // resourceVersions must go on from where they were while etcd's begin anew.
  Revision base = 0;
  // Null: values are kept as they are.
  std::shared_ptr<Transformer> transformer = nullptr;

  KeyRange everything() const { return prefix_range(prefix + '/'); }
  std::string own_key(std::string_view name) const { return prefix + "/~/" + std::string(name); }
  bool is_own_key(std::string_view key) const;
  std::string key_of(const Key& key) const;
  // 400 for a key that is none of an object's.
  Result<Key> parse_key(std::string_view key) const;
  Revision from_etcd(Revision revision) const { return revision + base; }
  Revision to_etcd(Revision revision) const { return revision - base; }

  Result<std::shared_ptr<Object>> decode(const KeyValue& pair) const;
  // A value of this object as etcd keeps it.
  Result<std::string> seal(const Key& object, std::string value) const;
  Result<Transformer::Opened> open(const Key& object, std::string_view value) const;
};

std::string encode_value(std::string_view uid, std::string_view head, std::string_view tail);
struct DecodedValue {
  std::string_view uid, head, tail;
};
Result<DecodedValue> decode_value(std::string_view value);

std::string encode_revision(Revision revision);
Result<Revision> decode_revision(std::string_view value);

}  // namespace pinnace::store::etcd

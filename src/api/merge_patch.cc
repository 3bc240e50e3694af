#include "api/merge_patch.h"

#include <vector>

#include "api/member_index.h"

namespace pinnace::api {
namespace {

// Keeps the members that `keep` says, in one pass: removing them one by one would be quadratic.
void keep_members(Arena& arena, Value& object, const std::vector<bool>& keep) {
  Value kept = Value::object();
  kept.reserve_entries(arena, object.size());
  for (std::size_t i = 0; i < object.size(); ++i) {
    const Member& member = object.members()[i];
    if (i >= keep.size() || keep[i]) kept.add_ref(arena, member.key, member.value);
  }
  object = kept;
}

// A list as a patch sets it: the objects in it do not say null.
Value without_nulls(Arena& arena, const Value& value) {
  if (value.is_array()) {
    Value copy = Value::array();
    copy.reserve_entries(arena, value.size());
    for (const Value& item : value.items()) copy.append(arena, without_nulls(arena, item));
    return copy;
  }
  if (!value.is_object()) return value;
  Value copy = Value::object();
  copy.reserve_entries(arena, value.size());
  for (const Member& member : value.members()) {
    if (member.value.is_null()) continue;
    copy.add_ref(arena, member.key, without_nulls(arena, member.value));
  }
  return copy;
}

}  // namespace

void apply_merge_patch(Arena& arena, Value& document, const Value& patch) {
  if (!patch.is_object()) {
    // What takes the place of an object goes as it is, as in Kubernetes.
    document = document.is_object() ? copy_nodes(arena, patch) : without_nulls(arena, patch);
    return;
  }
  if (!document.is_object()) document = Value::object();
  MemberIndex index(document);
  std::vector<bool> keep(document.size(), true);
  bool removes = false;
  for (const Member& change : patch.members()) {
    const std::size_t place = index.place(change.key);
    const bool present = place < document.size();
    if (change.value.is_null()) {
      if (!present) continue;
      keep[place] = false;
      removes = true;
    } else if (present) {
      apply_merge_patch(arena, document.members()[place].value, change.value);
    } else {
      Value added;
      apply_merge_patch(arena, added, change.value);
      document.add_ref(arena, change.key, added);
    }
  }
  if (removes) keep_members(arena, document, keep);
}

Value make_merge_patch(Arena& arena, const Value& original, const Value& modified) {
  if (!original.is_object() || !modified.is_object()) return modified;
  Value patch = Value::object();
  MemberIndex before(original);
  MemberIndex after(modified);
  for (const Member& member : modified.members()) {
    const Value* old = before.find(member.key);
    if (old != nullptr && equal(*old, member.value)) continue;
    const bool nested = old != nullptr && old->is_object() && member.value.is_object();
    patch.add_ref(arena, member.key,
                  nested ? make_merge_patch(arena, *old, member.value) : member.value);
  }
  for (const Member& member : original.members()) {
    if (after.find(member.key) == nullptr) patch.add_ref(arena, member.key, Value::null());
  }
  return patch;
}

}  // namespace pinnace::api

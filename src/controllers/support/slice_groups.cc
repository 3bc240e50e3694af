#include "controllers/support/slice_groups.h"

#include <algorithm>

namespace pinnace::controllers {
namespace {

// A label's value, or "".
std::string label_of(const EndpointSlice& slice, std::string_view key) {
  const auto found = slice.metadata.labels.find(key);
  return found == slice.metadata.labels.end() ? "" : found->second;
}

void set_frame(const SliceFrame& frame, EndpointSlice& slice) {
  slice.metadata.labels = frame.labels;
  if (frame.annotations) slice.metadata.annotations = *frame.annotations;
}

EndpointSlice make_slice(const SliceFrame& frame, const SliceGroup& group) {
  EndpointSlice slice;
  slice.metadata.namespace_ = frame.namespace_;
  slice.metadata.generate_name = frame.generate_name;
  slice.metadata.owner_references = {frame.owner};
  slice.address_type = group.address_type;
  slice.ports = group.ports;
  set_frame(frame, slice);
  return slice;
}

// Takes from `group` what is in the slice already; gives the slice as it should be.
EndpointSlice keep(const SliceFrame& frame, const EndpointSlice& slice, SliceGroup& group) {
  EndpointSlice kept = slice;
  kept.endpoints.clear();
  set_frame(frame, kept);
  for (const auto& endpoint : slice.endpoints) {
    const auto wanted = group.endpoints.find(frame.key_of(endpoint));
    if (wanted == group.endpoints.end()) continue;
    kept.endpoints.push_back(std::move(wanted->second));
    group.endpoints.erase(wanted);
  }
  return kept;
}

void fill(EndpointSlice& slice, SliceGroup& group) {
  while (!group.endpoints.empty() && slice.endpoints.size() < kMaxEndpoints) {
    slice.endpoints.push_back(std::move(group.endpoints.begin()->second));
    group.endpoints.erase(group.endpoints.begin());
  }
}

// One group's slices: keep what is there, fill the gaps, then make new ones.
void plan_group(const SliceFrame& frame, SliceGroup& group, const std::vector<SliceRef>& candidates,
                SliceChanges& changes) {
  const bool shows_empty = group.endpoints.empty() && frame.shows_empty;
  std::vector<EndpointSlice> kept;
  for (const auto& slice : candidates) kept.push_back(keep(frame, *slice, group));
  for (auto& slice : kept) fill(slice, group);
  bool any = false;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].endpoints.empty() && !(shows_empty && !any)) {
      changes.remove.push_back(candidates[i]);
      continue;
    }
    any = true;
    if (!(kept[i] == *candidates[i])) changes.update.push_back(std::move(kept[i]));
  }
  while (!group.endpoints.empty() || (shows_empty && !any)) {
    any = true;
    changes.create.push_back(make_slice(frame, group));
    fill(changes.create.back(), group);
  }
}

}  // namespace

std::string service_of(const EndpointSlice& slice, std::string_view manager) {
  if (label_of(slice, kManagedBy) != manager) return "";
  return slice.metadata.namespace_ + '/' + label_of(slice, kServiceName);
}

SliceChanges plan_slice_groups(const SliceFrame& frame, std::vector<SliceGroup> groups,
                               const std::vector<SliceRef>& current) {
  SliceChanges changes;
  std::vector<SliceRef> rest = current;
  for (auto& group : groups) {
    const auto split = std::stable_partition(rest.begin(), rest.end(), [&](const SliceRef& slice) {
      return slice->address_type != group.address_type || !(slice->ports == group.ports);
    });
    const std::vector<SliceRef> candidates(split, rest.end());
    rest.erase(split, rest.end());
    plan_group(frame, group, candidates, changes);
  }
  for (auto& slice : rest) changes.remove.push_back(std::move(slice));
  return changes;
}

}  // namespace pinnace::controllers

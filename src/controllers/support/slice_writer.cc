#include "controllers/support/slice_writer.h"

#include "controllers/support/errors.h"

namespace pinnace::controllers {

void SliceWriter::observe(const SliceRef& before, const SliceRef& after) {
  if (after)
    expectations_.seen(after->metadata.uid, !after->metadata.deletion_timestamp.is_zero());
  else
    expectations_.gone(before->metadata.uid);
}

bool SliceWriter::is_settled(const std::string& owner) {
  return expectations_.satisfied(owner, monotonic());
}

Result<void> SliceWriter::write(const std::string& owner, const SliceChanges& changes,
                                const core_v1::ObjectReference& about, const std::string& shown) {
  auto done = write_all(owner, changes);
  if (done || is_namespace_terminating(done.error())) return {};
  if (!about.name.empty() && !done.error().is("Conflict")) {
    events_.record(about, "Warning", "FailedToUpdateEndpointSlices",
                   "Error updating " + shown + ' ' + owner + ": " + done.error().message);
  }
  return done;
}

Result<void> SliceWriter::write_all(const std::string& owner, const SliceChanges& changes) {
  for (const auto& slice : changes.create) {
    expectations_.begin_creation();
    auto created = context_.api.create(slice);
    expectations_.end_creation(owner, created ? created->metadata.uid : "", monotonic());
    if (!created) return std::unexpected(created.error());
  }
  for (const auto& slice : changes.update) {
    auto updated = context_.api.update(slice);
    if (!updated) return std::unexpected(updated.error());
  }
  for (const auto& slice : changes.remove) {
    expectations_.expect_deletion(owner, slice->metadata.uid, monotonic());
    auto removed = context_.api.remove<EndpointSlice>(
        slice->metadata.namespace_, slice->metadata.name, {.uid = slice->metadata.uid});
    if (removed) continue;
    expectations_.forget_deletion(slice->metadata.uid);
    if (!removed.error().is("NotFound")) return removed;
  }
  return {};
}

}  // namespace pinnace::controllers

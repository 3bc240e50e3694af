#include "apiserver/registry/companions.h"

#include <algorithm>
#include <utility>

#include "apiserver/registry/commit.h"
#include "apiserver/registry/own_call.h"
#include "apiserver/registry/registry.h"

namespace pinnace::apiserver {
namespace {

void make_from(Change& change, std::size_t next, std::function<void(Result<void>)> made) {
  if (next == change.companions.size()) return made({});
  commit_write(change.backend, change.call, std::move(change.companions[next]),
               [&change, next, made = std::move(made)](Result<store::ObjectRef> done) {
                 if (!done && done.error().is("AlreadyExists")) {
                   return made(errors::conflict("", "", ""));
                 }
                 if (!done) return made(std::unexpected(std::move(done.error())));
                 change.made.push_back(std::move(*done));
                 make_from(change, next + 1, made);
               });
}

const api::ResourceInfo* resource_kept_as(std::string_view storage_resource) {
  const auto& resources = api::builtin_schema().resources;
  const auto found = std::ranges::find_if(resources, [&](const api::ResourceInfo& resource) {
    return resource.storage_resource == storage_resource && storage_of(resource) == &resource;
  });
  return found == resources.end() ? nullptr : &*found;
}

}  // namespace

void make_companions(Change& change, std::function<void(Result<void>)> made) {
  make_from(change, 0, std::move(made));
}

void unmake_companions(Change& change, std::function<void()> gone) {
  if (change.made.empty()) return gone();
  const store::ObjectRef made = std::move(change.made.back());
  change.made.pop_back();
  store::Write removal{.type = store::Write::Type::kDelete, .key = made->key, .uid = made->uid};
  removal.expected_revision = made->revision;
  removal.durable = false;
  commit_write(change.backend, change.call, std::move(removal),
               [&change, gone = std::move(gone)](const Result<store::ObjectRef>&) {
                 unmake_companions(change, gone);
               });
}

void remove_companions(const BackendRef& backend, const CallRef& call, std::vector<store::Key> keys,
                       std::function<void()> gone) {
  if (keys.empty()) return gone();
  store::Key key = std::move(keys.back());
  keys.pop_back();
  const auto* resource = resource_kept_as(key.resource);
  const std::function<void()> goes_on = [backend, call, keys = std::move(keys),
                                         gone = std::move(gone)] {
    remove_companions(backend, call, keys, gone);
  };
  Deletion deletion;
  deletion.is_admitted = true;
  run_deletion(backend, own_call(*backend, *resource, "delete"), std::move(key), deletion,
               [call, goes_on](const Result<store::ObjectRef>&, bool) {
                 if (!call->exchange) return goes_on();
                 call->exchange->resume(goes_on);
               });
}

}  // namespace pinnace::apiserver

#include "apiserver/registry/own_call.h"

#include "apiserver/registry/registry.h"

namespace pinnace::apiserver {

CallRef own_call(Backend& backend, const api::ResourceInfo& resource, std::string_view verb) {
  auto call = std::make_shared<Call>();
  call->catalog = backend.catalog.current();
  call->resource = &resource;
  call->storage = storage_of(resource);
  call->user = {"system:apiserver", "", {"system:masters"}, {}};
  call->info.verb = verb;
  call->info.is_resource = true;
  call->info.group = resource.group;
  call->info.version = resource.version;
  call->info.resource = resource.name;
  return call;
}

}  // namespace pinnace::apiserver

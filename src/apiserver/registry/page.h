// Page is what a list finds of a collection: all of it, or as much as was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apiserver/registry/registry.h"
#include "store/store.h"

namespace pinnace::apiserver {

struct Page {
  store::Revision revision = 0;
  std::vector<store::ObjectRef> objects;
  std::string next;  // The continue token, when there is more.
  std::uint64_t remaining = 0;
  bool knows_remaining = false;
};

// What the query of the call asks for, in the requested version; `done` is not called when the call
// was answered with an error.
void read_page(const BackendRef& backend, const CallRef& call, std::function<void(Page)> done);
void answer_page(const CallRef& call, Page page);

}  // namespace pinnace::apiserver

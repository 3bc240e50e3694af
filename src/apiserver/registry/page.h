// Page is what a list finds of a collection: all of it, or as much as was asked for.
#pragma once

#include <cstdint>
#include <optional>
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

// What the query of the call asks for; none when it was answered with an error.
std::optional<Page> read_page(const BackendRef& backend, const CallRef& call);
// Answers with the page, its objects in the requested version.
void answer_page(const BackendRef& backend, const CallRef& call, Page page);

}  // namespace pinnace::apiserver

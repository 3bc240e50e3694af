// Where a request goes once it is authorised: paths that are no resources, and verbs on resources.
#pragma once

#include <span>
#include <string_view>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

struct Route {
  std::string_view path;  // A '*' at its end stands for any rest.
  bool is_public;         // Answered without credentials.
  void (*handle)(Backend&, const CallRef&);
  bool only_get = false;  // Kubernetes' router has it for GET alone, and for HEAD it has nothing.
};

std::span<const Route> routes();
const Route* find_route(std::string_view path);

// Carries out a resource request.
Result<void> dispatch(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver

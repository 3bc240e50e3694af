// Where a request goes once it is authorised: paths that are no resources, and verbs on resources.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

// Which methods a path takes. Kubernetes' router has some paths for GET alone; others are handlers
// of their own, which do not look at the method.
enum class Methods : std::uint8_t { kGet, kAny };

struct Route {
  std::string_view path;  // A '*' at its end stands for any rest.
  bool is_public;         // Who shows no credentials may ask as system:anonymous.
  void (*handle)(Backend&, const CallRef&);
  Methods methods = Methods::kAny;
};

std::span<const Route> routes();
const Route* find_route(std::string_view path);

// Carries out a resource request.
Result<void> dispatch(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver

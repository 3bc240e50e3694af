// A call that nobody made: what the server itself does with objects as a client would.
#pragma once

#include <string_view>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

// Of system:apiserver, without an exchange. `resource` outlives it, or is of the catalog.
CallRef own_call(Backend& backend, const api::ResourceInfo& resource, std::string_view verb);

}  // namespace pinnace::apiserver

// A metav1.Status as an Error: the inverse of what the API server does.
#pragma once

#include <string_view>

#include "base/error.h"

namespace pinnace::client {

// `http_status` counts where the body is no Status (a proxy's page, an empty body).
Error error_from_status(int http_status, std::string_view body);
Retry retry_for(int code, std::string_view reason);

}  // namespace pinnace::client

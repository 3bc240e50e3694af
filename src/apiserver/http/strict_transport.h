// Every answer says that this server is to be asked by TLS alone, where it was told to say so.
//
// Source: RFC 6797; --strict-transport-security-directives of kube-apiserver.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/http.h"

namespace pinnace::apiserver {

// Errors: 400 for what is none of max-age=N, includeSubDomains and preload.
Result<void> check_transport_directives(const std::vector<std::string>& directives);

// The same exchange where there are none.
std::shared_ptr<net::Exchange> with_strict_transport(std::shared_ptr<net::Exchange> exchange,
                                                     const std::vector<std::string>& directives);

}  // namespace pinnace::apiserver

// The IPAddress that stands for an address of a Service. It is made before the Service is stored,
// so that no two can have the same address, and goes with it.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/rng.h"
#include "store/store.h"

namespace pinnace::apiserver {

store::Key ip_address_key(std::string_view address);

// `address` is in its canonical form. The write is not durable by itself: that of the Service,
// which follows it, is.
store::Write ip_address_of_service(const std::string& address, std::string_view ns,
                                   std::string_view name, WallTime now, Rng& rng);

}  // namespace pinnace::apiserver

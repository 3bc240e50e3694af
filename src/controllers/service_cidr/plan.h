// What becomes of a ServiceCIDR: it is protected and ready, until somebody deletes it; then it goes
// once no address would be left without a range.
//
// Source: KEP-1880; kubernetes.io/docs/reference/networking/virtual-ips, "IP address objects".
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "api/types/networking_v1.h"
#include "base/clock.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::service_cidr {

using api::networking_v1::IPAddress;
using api::networking_v1::ServiceCIDR;
using RangeRef = std::shared_ptr<const ServiceCIDR>;
using AddressRef = std::shared_ptr<const IPAddress>;

inline constexpr std::string_view kFinalizer = "networking.k8s.io/service-cidr-finalizer";
// An IPAddress that the API server made for a Service has this label and value.
inline constexpr std::string_view kManagedBy = "ipaddress.kubernetes.io/managed-by";
inline constexpr std::string_view kManager = "ipallocator.k8s.io";

bool is_of_service(const IPAddress& address);
// The range has the address, which is neither its first nor the last of IPv4.
bool has_address(const ServiceCIDR& range, std::string_view address);
// One has a range that is all in the other's.
bool overlap(const ServiceCIDR& one, const ServiceCIDR& other);

struct Plan {
  enum class Finalizer { kKeep, kAdd, kRemove };
  Finalizer finalizer = Finalizer::kKeep;
  // What its status is to say; nothing where it says that already.
  std::optional<meta_v1::Condition> condition;
  // When to look again; zero: when something has changed.
  Duration again = Duration::zero();
};

// `all` are the ServiceCIDRs that there are, this one too, and `addresses` the IPAddresses.
Plan plan(const ServiceCIDR& range, const std::vector<RangeRef>& all,
          const std::vector<AddressRef>& addresses, WallTime now);

}  // namespace pinnace::controllers::service_cidr

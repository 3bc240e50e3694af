#include "controllers/service_cidr/plan.h"

#include <algorithm>

#include "api/addresses.h"
#include "controllers/support/times.h"

namespace pinnace::controllers::service_cidr {
namespace {

constexpr std::string_view kReady = "Ready";
// Until then some API server may not know that the range is going, and give an address of it.
constexpr Duration kGrace = std::chrono::seconds(10);

std::vector<api::AddressRange> ranges_of(const ServiceCIDR& range) {
  std::vector<api::AddressRange> ranges;
  for (const auto& text : range.spec.cidrs) {
    if (const auto parsed = api::parse_range(text)) ranges.push_back(*parsed);
  }
  return ranges;
}

bool is_within(const api::AddressRange& inner, const ServiceCIDR& other) {
  return std::ranges::any_of(ranges_of(other),
                             [&](const auto& outer) { return outer.contains(inner); });
}

// Others have all that it has.
bool is_covered(const ServiceCIDR& range, const std::vector<RangeRef>& all) {
  return std::ranges::all_of(ranges_of(range), [&](const auto& one) {
    return std::ranges::any_of(all, [&](const RangeRef& other) {
      return other->metadata.name != range.metadata.name && is_within(one, *other);
    });
  });
}

bool is_needed(const ServiceCIDR& range, const std::vector<RangeRef>& all,
               const std::vector<AddressRef>& addresses) {
  if (is_covered(range, all)) return false;
  return std::ranges::any_of(addresses, [&](const AddressRef& address) {
    const std::string& name = address->metadata.name;
    if (!is_of_service(*address) || !has_address(range, name)) return false;
    return std::ranges::none_of(all, [&](const RangeRef& other) {
      return other->metadata.name != range.metadata.name && has_address(*other, name);
    });
  });
}

bool is_protected(const ServiceCIDR& range) {
  return std::ranges::find(range.metadata.finalizers, kFinalizer) !=
         range.metadata.finalizers.end();
}

std::optional<meta_v1::Condition> changed(const ServiceCIDR& range, const char* status,
                                          const char* reason, const char* message, WallTime now) {
  const auto& conditions = range.status.conditions;
  const auto found = std::ranges::find(conditions, kReady, &meta_v1::Condition::type);
  if (found != conditions.end() && found->status == status && found->reason == reason &&
      found->message == message) {
    return std::nullopt;
  }
  meta_v1::Condition condition;
  condition.type = kReady;
  condition.status = status;
  condition.reason = reason;
  condition.message = message;
  condition.last_transition_time = to_time(now);
  return condition;
}

Plan plan_deletion(const ServiceCIDR& range, const std::vector<RangeRef>& all,
                   const std::vector<AddressRef>& addresses, WallTime now) {
  Plan plan;
  if (is_needed(range, all, addresses)) {
    plan.condition = changed(range, "False", "Terminating",
                             "There are still IPAddresses referencing the ServiceCIDR, please "
                             "remove them or create a new ServiceCIDR",
                             now);
    return plan;
  }
  const WallTime goes_at = range.metadata.deletion_timestamp.value + kGrace;
  if (now < goes_at) {
    plan.again = goes_at - now;
  } else if (is_protected(range)) {
    plan.finalizer = Plan::Finalizer::kRemove;
  }
  return plan;
}

}  // namespace

bool is_of_service(const IPAddress& address) {
  const auto found = address.metadata.labels.find(std::string(kManagedBy));
  return found != address.metadata.labels.end() && found->second == kManager;
}

bool has_address(const ServiceCIDR& range, std::string_view address) {
  const auto parsed = api::parse_address(address);
  return parsed && std::ranges::any_of(ranges_of(range), [&](const api::AddressRange& one) {
           return one.contains(*parsed) && one.base().bytes != parsed->bytes &&
                  (parsed->family == 6 || one.last().bytes != parsed->bytes);
         });
}

bool overlap(const ServiceCIDR& one, const ServiceCIDR& other) {
  return std::ranges::any_of(ranges_of(one), [&](const api::AddressRange& own) {
    return std::ranges::any_of(ranges_of(other),
                               [&](const api::AddressRange& range) { return range.overlaps(own); });
  });
}

Plan plan(const ServiceCIDR& range, const std::vector<RangeRef>& all,
          const std::vector<AddressRef>& addresses, WallTime now) {
  if (!range.metadata.deletion_timestamp.is_zero()) {
    return plan_deletion(range, all, addresses, now);
  }
  Plan plan;
  if (!is_protected(range)) plan.finalizer = Plan::Finalizer::kAdd;
  plan.condition = changed(range, "True", "", "Kubernetes Service CIDR is ready", now);
  return plan;
}

}  // namespace pinnace::controllers::service_cidr

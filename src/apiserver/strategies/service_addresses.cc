#include "apiserver/strategies/service_addresses.h"

#include <algorithm>
#include <limits>

#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/strategies/ip_address.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr const char* kResource = "networking.k8s.io/servicecidrs";
constexpr int kMaxHostBits = 64;

// One that says nothing counts: there may be no controller to say it.
bool is_ready(const api::Value& service_cidr) {
  if (is_being_deleted(service_cidr)) return false;
  const auto* conditions = service_cidr.find_path({"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return true;
  return std::ranges::none_of(conditions->items(), [](const api::Value& condition) {
    return condition.string_at("type") == "Ready" && condition.string_at("status") != "True";
  });
}

void add_ranges(const store::Object& stored, std::vector<ServiceRange>& ranges) {
  api::Arena arena;
  const auto parsed = parse_stored(arena, stored);
  const auto* list = parsed ? parsed->find_path({"spec", "cidrs"}) : nullptr;
  if (list == nullptr || !list->is_array() || !is_ready(*parsed)) return;
  for (const auto& text : list->items()) {
    if (!text.is_string()) continue;
    if (auto range = ServiceRange::parse(text.as_string())) ranges.push_back(std::move(*range));
  }
}

}  // namespace

ServiceRange::ServiceRange(std::string text, api::AddressRange range)
    : text_(std::move(text)), range_(range) {
  const int host_bits = range.address.bits() - range.prefix_bits;
  const std::uint64_t size =
      host_bits == kMaxHostBits ? std::numeric_limits<std::uint64_t>::max() : 1ULL << host_bits;
  const std::uint64_t lost = family() == 4 ? 2 : 1;
  count_ = size > lost ? size - lost : 0;
  constexpr std::uint64_t kFewest = 16, kMost = 256, kShare = 16;
  kept_ = size <= kFewest ? 0 : std::clamp(size / kShare, kFewest, kMost);
  kept_ = std::min(kept_, count_);
}

std::optional<ServiceRange> ServiceRange::parse(std::string_view text) {
  const auto range = api::parse_range(text);
  if (!range || range->address.bits() - range->prefix_bits > kMaxHostBits) return std::nullopt;
  return ServiceRange(range->base().text() + '/' + std::to_string(range->prefix_bits), *range);
}

bool ServiceRange::has(const api::Address& address) const {
  if (!range_.contains(address) || address.bytes == base().bytes) return false;
  return address.family == 6 || address.bytes != range_.last().bytes;
}

std::optional<std::string> ServiceRange::search(std::uint64_t first, std::uint64_t count, Rng& rng,
                                                const IsTaken& is_taken) const {
  if (count == 0) return std::nullopt;
  const api::Address begin = base().after(first);
  const std::uint64_t start = rng.below(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t left = count - start;
    std::string address = begin.after(i < left ? start + i : i - left).text();
    if (!is_taken(address)) return address;
  }
  return std::nullopt;
}

std::optional<std::string> ServiceRange::find_free(Rng& rng, const IsTaken& is_taken) const {
  auto found = search(1 + kept_, count_ - kept_, rng, is_taken);
  return found ? found : search(1, kept_, rng, is_taken);
}

Result<std::unique_ptr<ServiceAddresses>> ServiceAddresses::create(std::string_view ranges,
                                                                   store::Store& store, Rng& rng) {
  std::vector<ServiceRange> own;
  for (const std::string_view text : split(ranges, ',')) {
    auto range = ServiceRange::parse(text);
    const bool is_known = range && std::ranges::any_of(own, [&](const auto& other) {
                            return other.family() == range->family();
                          });
    if (!range || is_known) {
      return errors::bad_request(
          "services have their addresses in one range, or in one of IPv4 and one of IPv6 (of at "
          "most 2^64 addresses), not in \"" +
          std::string(ranges) + '"');
    }
    own.push_back(std::move(*range));
  }
  return std::unique_ptr<ServiceAddresses>(new ServiceAddresses(std::move(own), store, rng));
}

ServiceAddresses::ServiceAddresses(std::vector<ServiceRange> own, store::Store& store, Rng& rng)
    : store_(store), rng_(rng), own_(std::move(own)), follower_(store, kResource) {}

bool ServiceAddresses::has_family(int family) const {
  return std::ranges::any_of(own_, [&](const auto& range) { return range.family() == family; });
}

void ServiceAddresses::refresh() {
  if (!follower_.take_changes()) return;
  const auto listed = store_.list(kResource, "");
  if (!listed) return follower_.forget();
  ranges_.clear();
  for (const auto& object : listed->objects) add_ranges(*object, ranges_);
}

bool ServiceAddresses::is_taken(const std::string& address) const {
  return under_way_.contains(address) || unregistered_.contains(address) ||
         store_.get(ip_address_key(address)).has_value();
}

std::string ServiceAddresses::take_any(int family) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (ranges_.empty()) return {};
  const std::size_t start = rng_.below(ranges_.size());
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    const ServiceRange& range = ranges_[(start + i) % ranges_.size()];
    if (range.family() != family) continue;
    auto found = range.find_free(rng_, [this](const auto& one) { return is_taken(one); });
    if (!found) continue;
    under_way_.insert(*found);
    return std::move(*found);
  }
  return {};
}

std::string ServiceAddresses::take(const api::Address& address) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (std::ranges::none_of(ranges_, [&](const auto& range) { return range.has(address); })) {
    return "the provided network does not match the current range";
  }
  std::string text = address.text();
  if (is_taken(text)) return "provided IP is already allocated";
  under_way_.insert(std::move(text));
  return {};
}

void ServiceAddresses::give_back(const std::string& address) {
  const std::lock_guard lock(mutex_);
  under_way_.erase(address);
}

std::string ServiceAddresses::show_any(int family) {
  const std::lock_guard lock(mutex_);
  refresh();
  const auto found = std::ranges::find(ranges_, family, &ServiceRange::family);
  return found == ranges_.end() ? std::string() : found->base().text();
}

std::string ServiceAddresses::refusal_of(const api::Address& address) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (std::ranges::any_of(ranges_, [&](const auto& range) { return range.has(address); })) {
    return {};
  }
  const auto found = std::ranges::find(ranges_, address.family, &ServiceRange::family);
  if (found == ranges_.end()) return "allocator not ready";
  return "the provided IP (" + address.text() +
         ") is not in the valid range. The range of valid IPs is " + found->text();
}

void ServiceAddresses::hold(const std::string& address, bool is_held) {
  const std::lock_guard lock(mutex_);
  if (!is_held) {
    unregistered_.erase(address);
  } else if (!store_.get(ip_address_key(address))) {
    unregistered_.insert(address);
  }
}

void ServiceAddresses::release_all() {
  const std::lock_guard lock(mutex_);
  unregistered_.clear();
}

}  // namespace pinnace::apiserver

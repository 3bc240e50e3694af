#include "apiserver/strategies/allocator.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

}  // namespace

void NumberSet::hold(std::size_t index, bool is_held) {
  const std::lock_guard lock(mutex_);
  if (index < held_.size()) held_[index] = is_held;
}

void NumberSet::release_all() {
  const std::lock_guard lock(mutex_);
  held_.assign(held_.size(), false);
}

bool NumberSet::take(std::size_t index) {
  const std::lock_guard lock(mutex_);
  if (index >= held_.size() || held_[index] || taken_[index]) return false;
  taken_[index] = true;
  return true;
}

void NumberSet::give_back(std::size_t index) {
  const std::lock_guard lock(mutex_);
  if (index < taken_.size()) taken_[index] = false;
}

bool NumberSet::take_any(Rng& rng, std::size_t from, std::size_t& index) {
  const std::lock_guard lock(mutex_);
  const std::size_t span = held_.size() - from;
  const std::size_t start = rng.below(span);
  for (std::size_t i = 0; i < span; ++i) {
    index = from + (start + i) % span;
    if (held_[index] || taken_[index]) continue;
    taken_[index] = true;
    return true;
  }
  return false;
}

Result<std::unique_ptr<IpAllocator>> IpAllocator::create(std::string_view cidr, Rng& rng) {
  const auto slash = cidr.find('/');
  const auto base = parse_ipv4(cidr.substr(0, slash));
  const auto bits =
      slash == std::string_view::npos ? std::nullopt : parse_int(cidr.substr(slash + 1));
  if (!base || !bits || *bits < 12 || *bits > 29) {
    return errors::bad_request("the service CIDR must be an IPv4 range from /12 to /29, not \"" +
                               std::string(cidr) + "\"");
  }
  const std::uint32_t size = 1u << (32 - *bits);
  std::unique_ptr<IpAllocator> made(
      new IpAllocator(std::string(cidr), *base & ~(size - 1), size, rng));
  made->set_.take(0);
  made->set_.take(size - 1);
  return made;
}

bool IpAllocator::contains(std::string_view ip) const {
  const auto number = parse_ipv4(ip);
  return number && *number > base_ && *number < base_ + size_ - 1;
}

void IpAllocator::hold(std::string_view ip, bool is_held) {
  if (contains(ip)) set_.hold(*parse_ipv4(ip) - base_, is_held);
}

bool IpAllocator::take(std::string_view ip) {
  const auto number = parse_ipv4(ip);
  return number && contains(ip) && set_.take(*number - base_);
}

void IpAllocator::give_back(std::string_view ip) {
  if (contains(ip)) set_.give_back(*parse_ipv4(ip) - base_);
}

std::string IpAllocator::address(std::uint32_t index) const {
  in_addr address{htonl(base_ + index)};
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

std::string IpAllocator::take_any() {
  std::size_t index = 0;
  const std::size_t reserved = std::min<std::size_t>(256, std::max<std::size_t>(16, size_ / 16));
  const std::size_t from = reserved < size_ / 2 ? reserved : 1;
  if (!set_.take_any(rng_, from, index) && !set_.take_any(rng_, 1, index)) return {};
  return address(static_cast<std::uint32_t>(index));
}

int PortAllocator::take_any() {
  std::size_t index = 0;
  const std::size_t size = static_cast<std::size_t>(last_ - first_ + 1);
  const std::size_t reserved = size >= 128 ? std::min<std::size_t>(128, size / 32) : 0;
  if (!set_.take_any(rng_, reserved, index) && !set_.take_any(rng_, 0, index)) return 0;
  return first_ + static_cast<int>(index);
}

}  // namespace pinnace::apiserver

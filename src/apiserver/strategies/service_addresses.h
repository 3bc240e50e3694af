// ServiceAddresses gives Services their addresses: of the ranges of the ServiceCIDRs those that
// have no IPAddress.
//
// Why no list of its own: the IPAddress in the store is what makes an address taken, whichever
//   server or client made it. To look for one costs less than to keep a copy of them all right.
// Threads: any.
// Bounds: one entry for each range, each write under way, and each Service whose IPAddress is
//   missing. Whoever asks for any address of a range that is full has it searched to the end.
// Source: KEP-1880; k8s.io/kubernetes/pkg/registry/core/service/ipallocator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/addresses.h"
#include "base/error.h"
#include "base/rng.h"
#include "store/follower.h"

namespace pinnace::apiserver {

// One range from which Services get addresses: the first is nobody's, nor is the last of IPv4.
class ServiceRange {
 public:
  // Nothing for what is no range, or one of more than 2^64 addresses.
  static std::optional<ServiceRange> parse(std::string_view text);

  const std::string& text() const { return text_; }  // In its canonical form.
  int family() const { return range_.address.family; }
  api::Address base() const { return range_.base(); }
  bool has(const api::Address& address) const;
  // An address that is not taken, found from a random place; the first few (at most 256) are left
  // for those who ask for one, until there are no others. Nothing when all are taken.
  using IsTaken = std::function<bool(const std::string& address)>;
  std::optional<std::string> find_free(Rng& rng, const IsTaken& is_taken) const;

 private:
  ServiceRange(std::string text, api::AddressRange range);
  std::optional<std::string> search(std::uint64_t first, std::uint64_t count, Rng& rng,
                                    const IsTaken& is_taken) const;

  std::string text_;
  api::AddressRange range_;
  std::uint64_t count_ = 0;  // Addresses that can be had, from the one after the base on.
  std::uint64_t kept_ = 0;   // The first of them, which are left.
};

class ServiceAddresses {
 public:
  // The server's own ranges: one, or one of each family; the first says which family is usual.
  // 400 for anything else, told of `ranges`.
  static Result<std::unique_ptr<ServiceAddresses>> create(std::string_view ranges,
                                                          store::Store& store, Rng& rng);

  const std::vector<ServiceRange>& own_ranges() const { return own_; }
  // Whether Services may have addresses of that family (4 or 6).
  bool has_family(int family) const;
  int usual_family() const { return own_.front().family(); }

  // An address of that family that nobody else is given until it is given back; "" when every
  // range is full.
  std::string take_any(int family);
  // The same of this one. Says why not, or nothing.
  std::string take(const api::Address& address);
  void give_back(const std::string& address);

  // What a write that is not to happen is told, without a look at who has which address.
  std::string show_any(int family);
  std::string refusal_of(const api::Address& address);

  // A stored Service has the address, or has it no more.
  void hold(const std::string& address, bool is_held);
  void release_all();

 private:
  ServiceAddresses(std::vector<ServiceRange> own, store::Store& store, Rng& rng);
  // These need the mutex.
  void refresh();
  bool is_taken(const std::string& address) const;

  store::Store& store_;
  Rng& rng_;
  const std::vector<ServiceRange> own_;
  std::mutex mutex_;
  store::Follower follower_;
  std::vector<ServiceRange> ranges_;  // Of the ServiceCIDRs that are ready.
  std::set<std::string, std::less<>> under_way_;
  // What Services hold without an IPAddress: it was removed, or they are older than it.
  std::set<std::string, std::less<>> unregistered_;
};

}  // namespace pinnace::apiserver

#include "apiserver/fairness/width.h"

#include <algorithm>
#include <cmath>

#include "apiserver/http/call.h"
#include "apiserver/registry/registry.h"
#include "base/strings.h"

namespace pinnace::apiserver::fairness {
namespace {

constexpr double kBytesOfSeat = 100'000;
// A list is sent piece by piece from what is in memory: it has never more than this in hand.
constexpr double kMostBytes = 1'000'000;
constexpr std::uint32_t kMostSeatsOfList = 100, kMostSeatsOfWrite = 10;
constexpr double kWatchesOfSeat = 10;
constexpr double kSecondsOfWatches = 0.005;

// By the first few, for a minute.
constexpr std::size_t kSample = 16;
constexpr Duration kSizeIsKept = std::chrono::minutes(1);

std::uint32_t bound(std::uint32_t of_level, std::uint32_t of_all) {
  return of_level == 0 ? of_all : std::min(of_level, of_all);
}

}  // namespace

Width width_of_list(std::uint64_t objects, double bytes_each, std::uint32_t most_seats) {
  const double bytes = std::min(static_cast<double>(objects) * bytes_each, kMostBytes);
  const auto seats = static_cast<std::uint32_t>(std::ceil(bytes / kBytesOfSeat));
  return {.seats = std::clamp<std::uint32_t>(seats, 1, bound(most_seats, kMostSeatsOfList))};
}

// The work of the watches after the answer, as a rectangle that is not wider than one request may
// be.
Width width_of_write(std::size_t watches, std::uint32_t most_seats) {
  if (static_cast<double>(watches) < kWatchesOfSeat) return {};
  const double seats = std::ceil(static_cast<double>(watches) / kWatchesOfSeat);
  const double work_seconds = seats * kSecondsOfWatches;
  const double held = std::min<double>(seats, bound(most_seats, kMostSeatsOfWrite));
  return {.seats = 1,
          .final_seats = static_cast<std::uint32_t>(held),
          .final_time = std::chrono::duration_cast<Duration>(
              std::chrono::duration<double>(work_seconds / held))};
}

WidthEstimator::Estimate WidthEstimator::of(const Call& call, std::uint32_t most_seats) {
  const RequestInfo& info = call.info;
  if (!info.is_resource) return {};
  if (info.verb == "list") return {of_list(call, most_seats), {}};
  if (info.verb == "watch") {
    return {call.query.flag("sendInitialEvents") ? of_list(call, most_seats) : Width{}, {}};
  }
  const bool writes = info.verb == "create" || info.verb == "update" || info.verb == "patch" ||
                      info.verb == "delete";
  // A token is asked for by a write, but nobody hears of it.
  if (!writes || (info.resource == "serviceaccounts" && info.subresource == "token")) return {};
  CatalogRef keep;
  const auto* resource = catalog_.find_resource(info.group, info.version, info.resource, keep);
  const auto* storage = resource == nullptr ? nullptr : storage_of(*resource);
  if (storage == nullptr) return {};
  const std::size_t watches = watches_.count(storage->storage_resource, info.ns, info.name);
  return {width_of_write(watches, most_seats), watches};
}

Width WidthEstimator::of_list(const Call& call, std::uint32_t most_seats) {
  const RequestInfo& info = call.info;
  if (!info.name.empty()) return {};
  CatalogRef keep;
  const auto* resource = catalog_.find_resource(info.group, info.version, info.resource, keep);
  const auto* storage = resource == nullptr ? nullptr : storage_of(*resource);
  if (storage == nullptr) return {};
  std::uint64_t objects = store_.count(storage->storage_resource);
  const auto limit = parse_uint(call.query.get("limit"));
  if (limit && *limit > 0) objects = std::min<std::uint64_t>(objects, *limit);
  if (objects == 0) return {};
  const double size = bytes_each(std::string(storage->storage_resource));
  return width_of_list(objects, size, most_seats);
}

double WidthEstimator::bytes_each(const std::string& resource) {
  const MonotonicTime now = clock_.monotonic();
  if (const auto known = sizes_.get(resource, now)) return *known;
  const auto sample = store_.list(resource, "", {}, kSample);
  if (!sample || sample->objects.empty()) return 0;
  double bytes = 0;
  for (const auto& object : sample->objects) bytes += static_cast<double>(object->json.size());
  const double each = bytes / static_cast<double>(sample->objects.size());
  sizes_.put(resource, each, now + kSizeIsKept);
  return each;
}

}  // namespace pinnace::apiserver::fairness

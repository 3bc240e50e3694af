#include "kubelet/node/lease_keeper.h"

#include <algorithm>

#include "base/log.h"

namespace pinnace::kubelet {
namespace {

constexpr std::int32_t kDurationSeconds = 40;
constexpr std::chrono::seconds kPeriod{10};
constexpr std::chrono::milliseconds kFirstRetry{200};
constexpr std::chrono::seconds kLongestRetry{7};
constexpr char kNamespace[] = "kube-node-lease";

}  // namespace

LeaseKeeper::LeaseKeeper(Options options)
    : options_(std::move(options)),
      repeater_(options_.executor, options_.pool, [this] { return renew(); }) {}

Duration LeaseKeeper::renew() {
  auto written = write();
  if (written) {
    lease_ = std::move(*written);
    failures_ = 0;
    return kPeriod;
  }
  // Someone else wrote or deleted it: read it anew. At the beginning its namespace may be missing
  // yet.
  lease_.reset();
  if (failures_ > 3) {
    log::warning("cannot renew the node's lease", {{"error", written.error().message}});
  }
  Duration delay = kFirstRetry;
  for (int i = 0; i < failures_ && delay < kLongestRetry; ++i) delay *= 2;
  ++failures_;
  return std::min<Duration>(delay, kLongestRetry);
}

void LeaseKeeper::set_owner(Lease& lease) const {
  const std::string uid = options_.node_uid();
  if (uid.empty() || !lease.metadata.owner_references.empty()) return;
  api::meta_v1::OwnerReference owner;
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = options_.node_name;
  owner.uid = uid;
  lease.metadata.owner_references.push_back(std::move(owner));
}

Result<LeaseKeeper::Lease> LeaseKeeper::write() {
  bool is_new = false;
  if (!lease_) {
    auto found = options_.api.get<Lease>(kNamespace, options_.node_name);
    if (!found && found.error().code != 404) return found;
    is_new = !found;
    lease_ = found ? std::move(*found) : Lease();
  }
  Lease wanted = *lease_;
  wanted.metadata.name = options_.node_name;
  wanted.metadata.namespace_ = kNamespace;
  wanted.spec.holder_identity = options_.node_name;
  wanted.spec.lease_duration_seconds = kDurationSeconds;
  wanted.spec.renew_time = options_.clock.wall();
  set_owner(wanted);
  return is_new ? options_.api.create(wanted) : options_.api.update(wanted);
}

}  // namespace pinnace::kubelet

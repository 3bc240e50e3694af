#include "controllers/volume_protection/controller.h"

#include <algorithm>
#include <set>

#include "controllers/informers.h"
#include "controllers/support/errors.h"
#include "controllers/support/patches.h"
#include "controllers/volume_protection/plan.h"

namespace pinnace::controllers {
namespace {

using volume_protection::Wanted;

// Refused when the object has changed since; then its change wakes us anew.
template <typename T>
Result<void> write_finalizers(const client::Client& api, const T& object, Wanted wanted,
                              std::string_view finalizer) {
  const auto& meta = object.metadata;
  return unless_gone(
      api.patch<T>(meta.namespace_, meta.name, client::PatchType::kMerge,
                   finalizers_patch(meta.uid, meta.resource_version,
                                    volume_protection::with_finalizer(meta, wanted, finalizer))));
}

class ClaimProtection : public Controller {
 public:
  explicit ClaimProtection(Context& context)
      : context_(context),
        worker_(context, "pvc-protection", [this](const auto& key) { return sync(key); }) {
    context.informers.persistent_volume_claims.on_change([this](const std::string& key) {
      const auto claim = context_.informers.persistent_volume_claims.get(key);
      if (claim && !claim->metadata.deletion_timestamp.is_zero()) {
        waiting_.insert(key);
      } else {
        waiting_.erase(key);
      }
      worker_.add(key);
    });
    // Only what is being deleted waits for pods.
    context.informers.pods.on_change([this](const std::string& key) {
      if (waiting_.empty()) return;
      const auto [ns, name] = split_key(key);
      const std::string first = ns + '/';
      for (auto it = waiting_.lower_bound(first); it != waiting_.end() && it->starts_with(first);
           ++it) {
        worker_.add(*it);
      }
    });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.persistent_volume_claims); });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto claim = context_.informers.persistent_volume_claims.get(key);
    if (!claim) return {};
    const Wanted wanted =
        volume_protection::wanted(claim->metadata, volume_protection::kClaimFinalizer);
    if (wanted == Wanted::kNothing) return {};
    if (wanted == Wanted::kRemove) {
      const auto used = is_used(*claim);
      if (!used) return std::unexpected(used.error());
      if (*used) return {};
    }
    return write_finalizers(context_.api, *claim, wanted, volume_protection::kClaimFinalizer);
  }

  // Our own copy may be old; the server has the last word.
  Result<bool> is_used(const core_v1::PersistentVolumeClaim& claim) const {
    const std::string& ns = claim.metadata.namespace_;
    for (const auto& pod : context_.informers.pods.in_namespace(ns)) {
      if (volume_protection::uses(*pod, claim)) return true;
    }
    const auto pods = context_.api.list<core_v1::Pod>({.ns = ns});
    if (!pods) return std::unexpected(pods.error());
    return std::ranges::any_of(
        pods->items, [&](const core_v1::Pod& pod) { return volume_protection::uses(pod, claim); });
  }

  Context& context_;
  std::set<std::string> waiting_;  // Claims that are being deleted.
  Worker worker_;
};

class VolumeProtection : public Controller {
 public:
  explicit VolumeProtection(Context& context)
      : context_(context),
        worker_(context, "pv-protection", [this](const auto& key) { return sync(key); }) {
    context.informers.persistent_volumes.on_change(
        [this](const std::string& key) { worker_.add(key); });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.persistent_volumes); });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto volume = context_.informers.persistent_volumes.get(key);
    if (!volume) return {};
    const Wanted wanted =
        volume_protection::wanted(volume->metadata, volume_protection::kVolumeFinalizer);
    if (wanted == Wanted::kNothing) return {};
    if (wanted == Wanted::kRemove && volume_protection::is_used(*volume)) return {};
    return write_finalizers(context_.api, *volume, wanted, volume_protection::kVolumeFinalizer);
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_claim_protection_controller(Context& context) {
  return std::make_unique<ClaimProtection>(context);
}

std::unique_ptr<Controller> make_volume_protection_controller(Context& context) {
  return std::make_unique<VolumeProtection>(context);
}

}  // namespace pinnace::controllers

// Index finds the objects of an informer by a text that is made of each, such as its node's name,
// without a walk over all of them; OwnerIndex by the uid of their controller.
//
// Lifetime: made before the informer starts; the informer outlives it.
// Threads: belongs to the executor's thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client/informer.h"
#include "controllers/support/owners.h"

namespace pinnace::controllers {

template <typename T>
class Index {
 public:
  using Ref = std::shared_ptr<const T>;
  Index(client::Informer<T>& informer, std::function<std::string(const T&)> bucket)
      : informer_(informer), bucket_(std::move(bucket)) {
    informer.on_transition([this](const Ref& before, const Ref& after) {
      if (before) remove(bucket_(*before), key_of(before->metadata));
      if (after) buckets_[bucket_(*after)].insert(key_of(after->metadata));
    });
  }

  std::vector<Ref> in(std::string_view bucket) const {
    std::vector<Ref> found;
    const auto keys = buckets_.find(bucket);
    if (keys == buckets_.end()) return found;
    for (const auto& key : keys->second) {
      if (auto object = informer_.get(key)) found.push_back(std::move(object));
    }
    return found;
  }

 private:
  void remove(const std::string& bucket, const std::string& key) {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return;
    found->second.erase(key);
    if (found->second.empty()) buckets_.erase(found);
  }

  client::Informer<T>& informer_;
  std::function<std::string(const T&)> bucket_;
  std::map<std::string, std::set<std::string>, std::less<>> buckets_;
};

template <typename T>
class OwnerIndex : public Index<T> {
 public:
  using Ref = std::shared_ptr<const T>;
  explicit OwnerIndex(client::Informer<T>& informer)
      : Index<T>(informer, [](const T& object) {
          const std::string_view uid = controller_uid(object.metadata);
          return uid.empty() ? orphan_bucket(object.metadata.namespace_) : std::string(uid);
        }) {}

  std::vector<Ref> owned_by(std::string_view uid) const { return this->in(uid); }
  // What `owner` controls, and what nobody controls in its namespace.
  std::vector<Ref> candidates(const meta_v1::ObjectMeta& owner) const {
    auto found = owned_by(owner.uid);
    auto rest = this->in(orphan_bucket(owner.namespace_));
    found.insert(found.end(), rest.begin(), rest.end());
    return found;
  }

 private:
  static std::string orphan_bucket(const std::string& ns) { return "orphans/" + ns; }
};

}  // namespace pinnace::controllers

#include "apiserver/fairness/watch_counts.h"

namespace pinnace::apiserver::fairness {
namespace {

// Names have no slashes.
std::string scope_of(std::string_view ns, std::string_view name) {
  std::string scope(ns);
  if (!name.empty()) (scope += '/') += name;
  return scope;
}

}  // namespace

WatchCounts::Entry::Entry(WatchCounts& counts, std::string_view resource, std::string_view ns,
                          std::string_view name)
    : counts_(&counts), resource_(resource), scope_(scope_of(ns, name)) {
  const std::lock_guard lock(counts_->mutex_);
  ++counts_->by_resource_[std::string(resource_)][scope_];
}

WatchCounts::Entry::~Entry() {
  if (counts_ == nullptr) return;
  const std::lock_guard lock(counts_->mutex_);
  const auto resource = counts_->by_resource_.find(resource_);
  const auto scope = resource->second.find(scope_);
  if (--scope->second == 0) resource->second.erase(scope);
  if (resource->second.empty()) counts_->by_resource_.erase(resource);
}

std::size_t WatchCounts::count(std::string_view resource, std::string_view ns,
                               std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_resource_.find(resource);
  if (found == by_resource_.end()) return 0;
  const auto& scopes = found->second;
  const auto in = [&](std::string_view scope) {
    const auto at = scopes.find(scope);
    return at == scopes.end() ? std::size_t{0} : at->second;
  };
  std::size_t sum = in("");
  if (!ns.empty()) sum += in(ns);
  // Who watches one object by its name may do so in all namespaces.
  if (!name.empty() && scopes.size() > 1) {
    sum += in(scope_of(ns, name));
    if (!ns.empty()) sum += in(scope_of("", name));
  }
  return sum;
}

}  // namespace pinnace::apiserver::fairness

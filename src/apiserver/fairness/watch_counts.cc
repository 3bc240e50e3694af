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
    : counts_(counts) {
  const std::lock_guard lock(counts_.mutex_);
  resource_ = &*counts_.by_resource_.try_emplace(std::string(resource)).first;
  scope_ = &*resource_->second.try_emplace(scope_of(ns, name)).first;
  ++scope_->second;
}

WatchCounts::Entry::~Entry() {
  const std::lock_guard lock(counts_.mutex_);
  if (--scope_->second > 0) return;
  Scopes& scopes = resource_->second;
  scopes.erase(scopes.find(scope_->first));
  if (scopes.empty()) counts_.by_resource_.erase(counts_.by_resource_.find(resource_->first));
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

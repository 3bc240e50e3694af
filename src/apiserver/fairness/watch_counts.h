// WatchCounts knows how many watches a write of an object would wake.
//
// How: by the resource, and by what of it a watch is after: all of it, a namespace, or one object.
// Threads: any. Bounds: as many entries as there are watches.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pinnace::apiserver::fairness {

class WatchCounts {
 public:
  // A watch, from its begin to its end.
  class Entry {
   public:
    Entry() = default;
    // Of `resource` ("apps/deployments"), whose text outlives this; an empty namespace or name
    // stands for all.
    Entry(WatchCounts& counts, std::string_view resource, std::string_view ns,
          std::string_view name);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    WatchCounts* counts_ = nullptr;
    std::string_view resource_;
    std::string scope_;
  };

  std::size_t count(std::string_view resource, std::string_view ns, std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <typename T>
  using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  mutable std::mutex mutex_;
  Map<Map<std::size_t>> by_resource_;  // Then by scope.
};

}  // namespace pinnace::apiserver::fairness

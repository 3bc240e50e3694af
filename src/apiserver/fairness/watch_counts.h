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
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <typename T>
  using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;
  using Scopes = Map<std::size_t>;

 public:
  // A watch, from its begin to its end.
  class Entry {
   public:
    // Of `resource` ("apps/deployments"); an empty namespace or name stands for all.
    Entry(WatchCounts& counts, std::string_view resource, std::string_view ns,
          std::string_view name);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    WatchCounts& counts_;
    // Where it is counted; both stay there as long as it is.
    Map<Scopes>::value_type* resource_ = nullptr;
    Scopes::value_type* scope_ = nullptr;
  };

  std::size_t count(std::string_view resource, std::string_view ns, std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  Map<Scopes> by_resource_;
};

}  // namespace pinnace::apiserver::fairness

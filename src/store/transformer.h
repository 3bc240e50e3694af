// Transformer stands between the store and its durable medium: what is kept there goes through
// `seal` on its way, and through `open` on its way back. Objects in memory stay plain.
//
// Why: encryption at rest is one thing for every medium, RocksDB and etcd alike.
// How: the object's key is authenticated together with its bytes, so that nobody can put one
//   object's value in another's place. Sealed values begin with kSealedPrefix; plain ones never do.
// Threads: any, at once. `open` may wait for a key service on this machine, within its time limit.
// Errors: `seal` fails with 500 or 503: that write fails, and nothing else. `open` fails with 500.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/store.h"

namespace pinnace::store {

inline constexpr std::string_view kSealedPrefix = "k8s:enc:";

class Transformer {
 public:
  struct Opened {
    std::string plain;
    // `seal` would make something else of it now: with another key, or with none.
    bool is_stale = false;
  };
  virtual ~Transformer() = default;
  // False: objects of this resource are kept as they are, and `seal` need not be called.
  virtual bool seals(std::string_view resource) const = 0;
  virtual Result<std::string> seal(const Key& key, std::string_view plain) = 0;
  // Takes sealed values and plain ones.
  virtual Result<Opened> open(const Key& key, std::string_view kept) = 0;
};

// What is authenticated with an object's bytes: "RESOURCE/NAMESPACE/NAME", without an empty part.
std::string associated_data(const Key& key);

// Through `transformer`, or (null) as it is: then a sealed value is an error.
Result<Transformer::Opened> open_value(Transformer* transformer, const Key& key,
                                       std::string_view kept);

}  // namespace pinnace::store

// Packing: which objects are kept as their difference from others, and from which.
//
// Neighbours in key order are often siblings: a controller names what it makes after itself. An
// object is told by the base of a neighbour that is packed, by the base that was used last, or by
// the text of a neighbour that is whole; one that is like none of them stays whole.
//
// Bounds: texts of kLeastPacked to kMostPacked bytes, when the difference is at most half, by bases
//   that are no more than a quarter larger. A base lives as long as anybody is told by it, so that
//   packed objects never need more than one and three quarters of what they would need whole.
// Threads: the writer's alone.
#pragma once

#include <optional>

#include "store/delta.h"
#include "store/object_table.h"

namespace pinnace::store {

inline constexpr std::size_t kLeastPacked = 2 << 10;
inline constexpr std::size_t kMostPacked = 64 << 10;

class Packer {
 public:
  explicit Packer(const ObjectTable& objects) : objects_(objects) {}
  // The object, packed; null when it stays as it is, or is not in the table any more. Cheapest when
  // asked in key order.
  ObjectRef pack(const ObjectRef& object);

 private:
  struct Base {
    SharedText text;
    DeltaFinder finder;
  };
  std::shared_ptr<const Base> with(SharedText text) const;

  const ObjectTable& objects_;
  std::shared_ptr<const Base> latest_;  // By which an object was packed.
};

}  // namespace pinnace::store

// Shared objects: one decoded copy of what several informers of a process hold.
//
// Why: controllers and scheduler both follow all pods, and a decoded pod is larger than its JSON.
//   metadata.managedFields is left out, as no loop reads it; the API server keeps what stands there
//   when an update comes without it. A Trim leaves out more.
// Lifetime: a copy lives as long as somebody holds it.
// Threads: any.
// Bounds: at most twice as many entries as lived when it was last swept, or kFewestEntries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/typed.h"
#include "base/error.h"

namespace pinnace::client {

// Leaves out of what was decoded what its reader does not need.
template <typename T>
using Trim = void (*)(T& object);

// Objects of one type, trimmed in one way, by the hash of their JSON.
class SharedTable {
 public:
  static constexpr std::size_t kFewestEntries = 256;

  std::shared_ptr<const void> find(std::uint64_t hash) const;
  void put(std::uint64_t hash, const std::shared_ptr<const void>& object);
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::weak_ptr<const void>> objects_;
  std::size_t sweep_at_ = kFewestEntries;
};

// Frees what it holds, too: `value = {}` may keep a container's room.
template <typename T>
void forget(T& value) {
  value = T();
}

// Whether the JSON is of this very version; never for one that names none.
bool is_version(std::string_view json, std::string_view uid, std::string_view resource_version);

// One for each way of trimming; there are as many as there are such functions.
template <typename T>
SharedTable& shared_table(Trim<T> trim) {
  static std::mutex mutex;
  static std::map<Trim<T>, SharedTable> tables;
  const std::lock_guard lock(mutex);
  return tables[trim];
}

// `trim` null: nothing more is left out.
template <typename T>
Result<std::shared_ptr<const T>> decode_shared(std::string_view json, Trim<T> trim = nullptr) {
  SharedTable& table = shared_table<T>(trim);
  const std::uint64_t hash = std::hash<std::string_view>()(json);
  auto known = std::static_pointer_cast<const T>(table.find(hash));
  // Versions are told apart by name: a hash alone could be made to meet another.
  if (known && is_version(json, known->metadata.uid, known->metadata.resource_version)) {
    return known;
  }
  auto decoded = api::from_json<T>(json);
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  forget(decoded->metadata.managed_fields);
  if (trim != nullptr) trim(*decoded);
  // Apart from its count, so that a weak reference does not keep the memory.
  const std::shared_ptr<const T> object(std::make_unique<const T>(std::move(*decoded)));
  table.put(hash, object);
  return object;
}

}  // namespace pinnace::client

// Managers are the entries of metadata.managedFields: who manages which fields of an object, by
// which operation, in which version.
//
// Cost: the fields of a manager are decoded when somebody asks, and written anew only when they
//   changed; all others go from object to object as they are.
// Lifetime: refers to the object that it was read from.
// Bounds: kMaxUpdaters entries of operation Update; those of Apply are as many as the appliers.
// Source: kubernetes.io/docs/reference/using-api/server-side-apply; k8s.io/apimachinery
//   pkg/util/managedfields.
#pragma once

#include <string_view>
#include <vector>

#include "api/apply/field_set.h"

namespace pinnace::api::apply {

inline constexpr std::size_t kMaxUpdaters = 10;

enum class Operation : std::uint8_t { kApply, kUpdate };

class Manager {
 public:
  std::string_view name;
  Operation operation = Operation::kUpdate;
  std::string_view api_version;
  std::string_view subresource;
  std::string_view time;  // RFC 3339, or empty.

  // Whether both are one entry: appliers are it in any version, updaters in one.
  bool is_same_as(const Manager& other) const;

  // Decoded at the first call; nothing where the stored form cannot be understood.
  const FieldSet& fields(Arena& arena);
  Result<FieldSet> decode(Arena& arena) const;
  void set_fields(const FieldSet& fields);
  // Only until the fields are set, and cheaper than to decode them.
  bool shares_a_field_with(Arena& arena, const FieldSet& set);
  bool has_every_field_of(Arena& arena, const FieldSet& set);
  bool empty() const;

 private:
  friend Result<std::vector<Manager>> decode_managers(const Value*);
  friend Value encode_managers(Arena&, std::vector<Manager>&);

  enum class State : std::uint8_t { kStored, kDecoded, kChanged };
  State state_ = State::kChanged;
  Value stored_;  // FieldsV1.
  FieldSet fields_;
};

using Managers = std::vector<Manager>;

Manager* find_manager(Managers& managers, const Manager& wanted);

// A list of metadata.managedFields, or nullptr for none.
// Errors: 400 for an entry that cannot be understood; fields are looked at when they are asked for.
Result<Managers> decode_managers(const Value* list);
// As a client sent it: fields are checked and brought into their one form.
Result<Managers> decode_sent_managers(Arena& arena, const Value& list);
// In the order of Kubernetes: appliers first, the older before the newer.
Value encode_managers(Arena& arena, Managers& managers);

// `[]` and `[{}]` mean that nobody manages anything any more.
bool is_reset(const Value& list);
// Equal but for the times.
bool same_but_for_times(const Value* a, const Value* b);

// The oldest updaters become one, "ancient-changes", for each version, until there are at most
// kMaxUpdaters.
void cap_updaters(Arena& arena, Managers& managers);

}  // namespace pinnace::api::apply

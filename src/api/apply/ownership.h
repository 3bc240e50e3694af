// Ownership of fields: what becomes of metadata.managedFields when an object is written, and of the
// object when somebody applies a configuration.
//
// Why no I/O: it sees the object before and after, and answers who manages what now. What it needs
//   to know of a kind's versions it asks of Versions.
// Shape: objects come without their own metadata.managedFields.
// Errors: 409 Conflict with a cause for each field that is another's; 400 and 500 as Kubernetes.
// Source: sigs.k8s.io/structured-merge-diff, package merge; k8s.io/apimachinery
//   pkg/util/managedfields.
#pragma once

#include <string>
#include <string_view>

#include "api/apply/managers.h"
#include "api/apply/shape.h"

namespace pinnace::api::apply {

// The versions of one kind.
class Versions {
 public:
  virtual ~Versions() = default;
  // Not declared when the version is not served any more.
  virtual Shape shape(std::string_view api_version) const = 0;
  virtual Result<Value> convert(Arena& arena, const Value& object, std::string_view from,
                                std::string_view to) const = 0;
  // An object of which nothing has been said.
  virtual Value empty_object(Arena& arena, std::string_view api_version) const = 0;
  // Those of the fields that the request can change; of the rest nobody manages anything by it.
  virtual FieldSet changeable(Arena& arena, const FieldSet& fields) const = 0;
  // Whether the schema may be another than when a manager's fields were written.
  virtual bool may_have_changed() const = 0;
};

// Who writes, and when.
struct Writer {
  std::string_view manager;      // Empty: "unknown".
  std::string_view subresource;  // Empty: the object itself.
  std::string_view api_version;
  std::string_view kind;
  std::string_view now;  // RFC 3339; empty: it is not told when.
};

// How messages call the writer's object: `ns/name; apps/v1, Kind=Deployment`.
std::string object_text(const Writer& writer, const Value& object);

// After a create, update or patch other than apply, of `before` into `after`, in the writer's
// version: what changed is the writer's.
// Errors: an object that another manager's version cannot say, or that does not fit its schema.
Result<void> track_update(Arena& arena, const Versions& versions, const Writer& writer,
                          const Value& before, const Value& after, Managers& managers);

struct Applied {
  Value object;  // In the writer's version. Shares nodes with `live` and `config`.
  bool changes;  // False: it is `live`.
};

// Applies `config` to `live`; both are in the writer's version. `managers` change only on success.
// A live object that nobody manages is taken to be "before-first-apply"'s.
Result<Applied> apply_configuration(Arena& arena, const Versions& versions, const Writer& writer,
                                    bool force, const Value& live, const Value& config,
                                    Managers& managers);

}  // namespace pinnace::api::apply

#include "cel/device.h"

#include "cel/internal/functions.h"

namespace pinnace::cel {
namespace {

constexpr std::uint64_t kMaxAttributes = 32;
constexpr std::uint64_t kMaxTextBytes = 64, kMaxDomainBytes = 63, kMaxIdBytes = 32;

// domain → name → value
const Type* by_qualified_name(TypePool& types, const Type* value) {
  const Type* domain = types.bounded(kStringType, kMaxDomainBytes, 0);
  const Type* id = types.bounded(kStringType, kMaxIdBytes, 0);
  return types.map(domain, types.map(id, value, kMaxAttributes), kMaxAttributes);
}

const Type* make_device_type(TypePool& types) {
  Type any = kDynType;
  any.name = "any";
  const Type* attribute = types.bounded(any, kMaxTextBytes, 0);
  const Type* quantity = internal::FunctionRegistry::instance().find_type("kubernetes.Quantity");
  Type* device = types.object("kubernetes.DRADevice");
  types.define(device, {{"driver", "driver", types.bounded(kStringType, kMaxDomainBytes, 0)},
                        {"attributes", "attributes", by_qualified_name(types, attribute)},
                        {"capacity", "capacity", by_qualified_name(types, quantity)},
                        {"allowMultipleAllocations", "allowMultipleAllocations",
                         types.bounded(kBoolType, 1, 0)}});
  return device;
}

}  // namespace

const Environment& device_environment() {
  static TypePool types;
  static const Environment environment({{"device", make_device_type(types)}}, {.bindings = true});
  return environment;
}

bool selects_devices(const Type& result) {
  return result.kind == TypeKind::kBool || result.is_any();
}

}  // namespace pinnace::cel

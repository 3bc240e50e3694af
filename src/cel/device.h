// What expressions that select devices may name: `device`, with what a ResourceSlice says of it.
//
//   device.driver == "gpu.example.com" && device.attributes["gpu.example.com"].model == "a100"
//   device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("8Gi"))
//   device.allowMultipleAllocations
//
// Threads: any.
// Source: k8s.io/dynamic-resource-allocation/cel/compile.go.
#pragma once

#include "cel/environment.h"
#include "cel/types.h"

namespace pinnace::cel {

// What one selection may be estimated at.
inline constexpr std::uint64_t kDeviceCostLimit = 1'000'000;

const Environment& device_environment();

// A selection is a bool, or an attribute, which may be one.
bool selects_devices(const Type& result);

}  // namespace pinnace::cel

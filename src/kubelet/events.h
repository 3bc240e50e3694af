// How the parts of the agent tell people what they do: Kubernetes Events about a pod or the node.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/types/core_v1.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

inline constexpr std::string_view kNormal = "Normal";
inline constexpr std::string_view kWarning = "Warning";

// Non-blocking; any thread.
using EventSink = std::function<void(const core::ObjectReference& about, std::string_view type,
                                     std::string_view reason, const std::string& message)>;

// The pod, or one of its containers ("spec.containers{name}") when `container` is given.
core::ObjectReference reference_to(const core::Pod& pod,
                                   const core::Container* container = nullptr);

}  // namespace pinnace::kubelet

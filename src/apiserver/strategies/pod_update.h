// What of a pod may change: by an update, a resize, an added ephemeral container, in its status.
#pragma once

#include <string_view>

#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {

void validate_new_pod(const Field& pod);
void validate_pod_update(Change& change, const api::Value& object, const api::Value& old);
void validate_pod_status(Change& change, const api::Value& object, const api::Value& old);
void validate_pod_resize(Change& change, const api::Value& object, const api::Value& old);

// "Guaranteed", "Burstable" or "BestEffort", by what the containers of a PodSpec ask for.
std::string_view pod_quality(const api::Value& spec);

}  // namespace pinnace::apiserver

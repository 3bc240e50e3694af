// What control loops keep of a pod.
//
// Why: controllers and scheduler hold every pod of the cluster. How its containers are started, and
//   what others have noted on it, is for its node and for people, and is more than half of it.
//   Whoever needs it reads the pod from the API; loops never write a whole pod back.
#pragma once

#include "api/types/core_v1.h"

namespace pinnace::client {

// Annotations that a loop reads; others are left out.
inline constexpr char kPodDeletionCost[] = "controller.kubernetes.io/pod-deletion-cost";

void trim_pod(api::core_v1::Pod& pod);

}  // namespace pinnace::client

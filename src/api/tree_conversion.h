// What keeps a patched tree from becoming an object, in the words of Kubernetes' converter of trees
// into its types: strategic merge patches are refused with them.
//
// Source: k8s.io/apimachinery/pkg/runtime, DefaultUnstructuredConverter.
#pragma once

#include <string>

#include "api/schema.h"
#include "api/value.h"

namespace pinnace::api {

// "" when every value has the form that its field wants. What texts say (times, quantities) is not
// looked at.
std::string conversion_problem(const Value& object, const TypeInfo& type);

}  // namespace pinnace::api

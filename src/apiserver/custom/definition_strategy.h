// What is special about CustomResourceDefinitions on their way into the store.
#pragma once

#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

extern const Strategy kDefinitionStrategy;

}  // namespace pinnace::apiserver

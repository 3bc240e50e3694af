// What the query of a list, of a watch or of the deletion of a collection says.
//
// Errors: 400 for what cannot be read, 422 for what does not go together.
// Source: k8s.io/apimachinery pkg/apis/meta/internalversion (ListOptions and its validation).
#pragma once

#include <cstdint>
#include <optional>

#include "apiserver/http/call.h"
#include "apiserver/registry/selection.h"

namespace pinnace::apiserver {

struct ListOptions {
  Selection selection;
  std::int64_t limit = 0;
  std::optional<std::int64_t> timeout_seconds;
};

Result<ListOptions> read_list_options(const Call& call);

}  // namespace pinnace::apiserver

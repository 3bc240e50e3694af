// Answers in the Table form, which kubectl prints as it comes.
//
// Ages are reckoned when a row is written, by the server's clock.
// Errors: 500 for a column that is no expression.
// Bounds: lists are written row by row as the client takes them.
// Source: kubernetes.io/docs/reference/using-api/api-concepts, "Receiving resources as Tables".
#pragma once

#include <string>
#include <vector>

#include "apiserver/http/call.h"

namespace pinnace::apiserver {

// Reads `includeObject` into the call's output. 400 for a value that there is not.
Result<void> read_table_options(Call& call, const Clock& clock);

void answer_table(const CallRef& call, std::vector<store::ObjectRef> objects,
                  store::Revision revision, const std::string& next, std::uint64_t remaining);
// One object as a Table of one row, for watches and single objects.
Result<std::string> table_json(const store::Object& object, const api::ResourceInfo& storage,
                               const api::ResourceInfo& wanted, const Output& output,
                               bool with_columns);
// Objects that are made for one answer and not stored, in the version of `resource`.
Result<std::string> table_json(std::span<const api::Value> objects,
                               const api::ResourceInfo& resource, const Output& output);

}  // namespace pinnace::apiserver

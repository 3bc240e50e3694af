// The rules of metadata that hold for every kind.
//
// Source: k8s.io/apimachinery/pkg/api/validation.
#pragma once

#include <string_view>

#include "api/names.h"
#include "api/value.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// Adds to `change.causes` what is wrong with the metadata of a new or changed object.
void validate_meta(Change& change, const Strategy& strategy, const api::Value& object);
void validate_meta_update(Change& change, const api::Value& object, const api::Value& old);
// The same of metadata that stands elsewhere, such as that of a resource within another; `place` is
// its path. Its namespace may be any.
void validate_metadata(std::vector<Cause>& causes, const api::Value& metadata,
                       const std::string& place, api::Complaints (*check_name)(std::string_view));
void validate_labels(std::vector<Cause>& causes, const api::Value* labels,
                     const std::string& field);
void validate_annotations(std::vector<Cause>& causes, const api::Value* annotations,
                          const std::string& field);

// A namespace that an object names is that of the request.
Result<void> check_namespace(std::string_view own, std::string_view requested);

// The metadata of an object that is there, made if it is missing.
api::Value& meta_of(api::Arena& arena, api::Value& object);
std::string_view meta_text(const api::Value& object, std::string_view key);
bool is_being_deleted(const api::Value& object);
bool has_finalizers(const api::Value& object);
bool has_finalizer(const api::Value& object, std::string_view wanted);
// A namespace's, which stand in its spec; others may have a field of that name.
bool has_namespace_finalizers(const api::Value& object);

// A text in Go's quotes, as causes show a wrong value.
std::string quoted(std::string_view text);
std::string json_quoted(std::string_view text);

}  // namespace pinnace::apiserver

// From bodies to objects in the storage version, and from stored bytes to what a client asked for.
//
// Why one place: every verb takes the same path, decode → check fields → default → convert, and a
//   kind is never asked for by name.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/http/call.h"
#include "apiserver/registry/derived.h"
#include "base/error.h"

namespace pinnace::apiserver {

// What is known of the text that an object came as; nothing where it came otherwise.
struct SourceText {
  std::string_view json;
  std::vector<std::string> duplicates;  // Members that came twice.
};

// The body as a tree of `type`. `duplicates` gets what its parser says of members that came twice.
Result<api::Value> decode_body(api::Arena& arena, Media media, std::string_view body,
                               const api::TypeInfo& type, std::vector<std::string>* duplicates);

// apiVersion and kind must be those of the request, or are filled in when they are missing.
Result<void> check_group_version_kind(api::Arena& arena, api::Value& object,
                                      std::string_view group_version, std::string_view kind);

// Unknown fields are dropped and, by the call's fieldValidation, an error, a warning or nothing.
// Wrong types are an error in any case. `known` is what was wrong with the request before, in the
// words of api::field_problems.
Result<void> check_fields(Call& call, api::Arena& arena, api::Value& object,
                          const api::TypeInfo& type, const SourceText& source,
                          const std::vector<std::string>& known = {});
// The same for an object of any kind, custom ones too.
Result<void> check_object(Call& call, api::Arena& arena, api::Value& object,
                          const api::ResourceInfo& resource, const SourceText& source,
                          const std::vector<std::string>& known = {});

// Keys that came twice in YAML, as `parse_yaml` tells of them: one problem in the words of
// Kubernetes' reader of YAML, or none.
std::vector<std::string> repeated_keys(const std::vector<std::string>& duplicates);
// The same of what is applied: by the call's fieldValidation, an error, a warning or nothing.
Result<void> check_repeated_keys(Call& call, const std::vector<std::string>& duplicates);

// The same where nobody asks for unknown fields: they are dropped.
Result<void> settle_object(api::Arena& arena, api::Value& object,
                           const api::ResourceInfo& resource);

// The request's body as a tree of `type`, whatever kind it says that it is; `kind` is what it
// should be, for what is told of one that cannot be read.
Result<api::Value> read_tree(const Call& call, api::Arena& arena, const api::TypeInfo& type,
                             std::string_view kind, std::vector<std::string>* duplicates = nullptr);
// Decodes, checks and defaults the request's body as a message of `type` that is no resource of its
// own, as subresources take them: in one of `versions`, the first unless it says so.
Result<api::Value> read_message(Call& call, api::Arena& arena, const api::TypeInfo& type,
                                std::initializer_list<std::string_view> versions);
// The same as the kind of `resource`, in its version.
Result<api::Value> read_object(Call& call, api::Arena& arena, const api::ResourceInfo& resource);

void apply_defaults(api::Arena& arena, api::Value& object, const api::ResourceInfo& resource);
// A stored object as its kind shows it in the version of `storage`.
Result<api::Value> stored_tree(api::Arena& arena, const store::Object& object,
                               const api::ResourceInfo& storage);
// Into the form of another version; into the stored one with its defaults, as it will be read.
Result<void> convert(api::Arena& arena, api::Value& object, const api::ResourceInfo& from,
                     const api::ResourceInfo& to);

std::string group_version(std::string_view group, std::string_view version);

// A stored object's JSON in the version of `wanted`.
Result<std::string> object_json(const store::Object& object, const api::ResourceInfo& storage,
                                const api::ResourceInfo& wanted);
// A stored object as an entry of a list: JSON, or a bare protobuf message. Not for tables, nor for
// YAML and pretty JSON. The store's own bytes where nothing is to be changed in them.
Result<Bytes> encode_entry(const store::ObjectRef& object, const api::ResourceInfo& storage,
                           const api::ResourceInfo& wanted, const Output& output);
// A stored object with shape and media applied: what stands in an answer or a watch event.
Result<Bytes> encode_object(const store::ObjectRef& object, const api::ResourceInfo& storage,
                            const api::ResourceInfo& wanted, const Output& output,
                            bool with_columns = true);
// A tree that is no stored object. `type` may be nullptr where protobuf is not asked for.
Result<std::string> encode_value(const api::Value& value, const api::TypeInfo* type,
                                 const Output& output);
// apiVersion and kind of an object in an answer.
struct ObjectKind {
  std::string api_version, kind;
};
ObjectKind answered_kind(const api::ResourceInfo& wanted, const Output& output);
// The type of what `output` asks for: the kind's own, or that of partial metadata.
const api::TypeInfo& answered_type(const api::ResourceInfo& wanted, const Output& output);

// The JSON of an object cut where the store puts its resourceVersion.
struct SplitJson {
  std::string head, tail;
};
SplitJson split_json(const api::Value& object);
// One object with another body, at the same revision.
store::ObjectRef restated(const store::Object& like, const api::Value& tree);
// What is to be stored of `object`, in the version in which its kind is kept.
SplitJson to_stored(const api::Value& object, const api::ResourceInfo& storage);

}  // namespace pinnace::apiserver

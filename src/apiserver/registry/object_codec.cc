#include "apiserver/registry/object_codec.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/conversion.h"
#include "api/defaults.h"
#include "api/json.h"
#include "api/json_scan.h"
#include "api/object_codec.h"
#include "api/protobuf.h"
#include "api/yaml.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/custom/custom_objects.h"
#include "apiserver/registry/go_types.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/table/table_output.h"
#include "base/assert.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

const api::TypeInfo& meta_type(std::string_view name) {
  const auto* type = api::builtin_schema().find_type("meta.k8s.io", "v1", name);
  PINNACE_ASSERT(type != nullptr);
  return *type;
}

bool is_verbatim(const api::ResourceInfo& storage, const api::ResourceInfo& wanted,
                 const Output& output) {
  return wanted.custom == nullptr && &storage == &wanted && output.media == Media::kJson &&
         output.shape == Shape::kObject;
}

// The metadata of every version stands in the same place, in the same form.
std::string partial_json(const store::Object& object, const Output& output) {
  static constexpr std::string_view kPath[] = {"metadata"};
  std::string out = R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/)";
  (out += output.shape_version) += "\",\"metadata\":";
  std::string room;
  const std::string_view metadata = api::find_in_json(object.json.read(room), kPath);
  out += metadata.empty() ? "{}" : metadata;
  return out += '}';
}

Result<api::Value> object_tree(api::Arena& arena, const store::Object& object,
                               const api::ResourceInfo& storage, const api::ResourceInfo& wanted) {
  auto tree = stored_tree(arena, object, storage);
  if (!tree) return tree;
  if (auto ok = convert(arena, *tree, storage, wanted); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return tree;
}

Result<std::string> make_entry(const store::Object& object, const api::ResourceInfo& storage,
                               const api::ResourceInfo& wanted, const Output& output) {
  if (output.media == Media::kJson) return object_json(object, storage, wanted);
  api::Arena arena(16 << 10);
  // Only its metadata is written of what partial metadata is asked of: any version will do.
  const bool is_partial = output.shape != Shape::kObject;
  auto tree = object_tree(arena, object, storage, is_partial ? storage : wanted);
  if (!tree) return std::unexpected(std::move(tree.error()));
  std::string message;
  api::encode_protobuf(message, *tree, answered_type(wanted, output));
  return message;
}

// fieldValidation: what to do with fields that the type does not have or that come twice.
enum class FieldValidation { kIgnore, kWarn, kStrict };

// What else it may say was refused with the options of the write.
FieldValidation field_validation(const Call& call) {
  const std::string_view text = call.query.get("fieldValidation");
  if (text == "Ignore") return FieldValidation::kIgnore;
  return text == "Strict" ? FieldValidation::kStrict : FieldValidation::kWarn;
}

constexpr std::string_view kYamlProblem = "yaml: unmarshal errors:\n";

// What is wrong with YAML, a line each; else the problem.
void warn_of(Call& call, std::string_view problem) {
  if (!problem.starts_with(kYamlProblem)) {
    call.warnings.emplace_back(problem);
    return;
  }
  for (const std::string_view line : split(problem.substr(kYamlProblem.size()), '\n')) {
    call.warnings.emplace_back(trim(line));
  }
}

// By the call's fieldValidation: an error, warnings, or nothing.
Result<void> judge_fields(Call& call, const api::TypeInfo& type, std::vector<std::string> problems,
                          std::vector<std::string> more) {
  const FieldValidation validation = field_validation(call);
  std::ranges::move(more, std::back_inserter(problems));
  if (validation == FieldValidation::kIgnore || problems.empty()) return {};
  if (validation == FieldValidation::kStrict) return api::strict_decoding_error(type, problems);
  for (auto& problem : problems) warn_of(call, problem);
  return {};
}

// Of custom kinds: what the text repeats, then what the schema does not have.
std::vector<std::string> custom_problems(const SourceText& source,
                                         const std::vector<std::string>& unknown) {
  std::vector<std::string> problems = api::field_problems("", {}, source.duplicates);
  std::ranges::move(api::field_problems("", unknown, {}), std::back_inserter(problems));
  return problems;
}

struct GroupVersion {
  std::string_view group, version;
};
GroupVersion split_version(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// What Go's decoder says of an object that is of another kind than was asked for; "" where it takes
// it for one, in whichever version.
std::string other_kind_problem(std::string_view version, std::string_view kind,
                               std::string_view wanted_version, std::string_view wanted_kind) {
  const auto [group, name] = split_version(version);
  const auto [wanted_group, wanted_name] = split_version(wanted_version);
  if (api::builtin_schema().find_type(group, name, kind) == nullptr) {
    return "no kind " + quoted(kind) + " is registered for version " + quoted(version) +
           " in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
  }
  const std::string_view package = internal_package(wanted_group, wanted_kind);
  if (kind == wanted_kind && internal_package(group, kind) == package) return {};
  return "converting (" + std::string(name) + "." + std::string(kind) + ") to (" +
         std::string(package) + "." + std::string(wanted_kind) + "): unknown conversion";
}

Unexpected unrecognized(std::string_view kind, std::string_view problem) {
  return errors::bad_request("the object provided is unrecognized (must be of type " +
                             std::string(kind) + "): " + std::string(problem));
}

constexpr std::string_view kNoKind = "couldn't get version/kind; json parse error: ";

// What Go shows of a body that it cannot make anything of.
std::string summary_of(std::string_view body) {
  constexpr std::size_t kMost = 30;
  if (body.empty()) return " (<empty>)";
  const std::string_view shown = body.substr(0, kMost);
  std::string text;
  if (body.front() == '{') {
    text = shown;
  } else {
    for (const unsigned char byte : shown) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
  }
  return " (" + text + (body.size() > kMost ? " ..." : "") + ")";
}

// A body that is no JSON or YAML at all.
Unexpected unreadable(const Error& error, Media media, std::string_view body,
                      std::string_view kind) {
  if (error.code != 400) return Unexpected(error);
  constexpr std::string_view kYaml = "error converting YAML to JSON: ";
  std::string_view problem = api::without_place(error.message);
  if (problem.starts_with(kYaml)) problem.remove_prefix(kYaml.size());
  return unrecognized(kind, std::string(media == Media::kJson ? kNoKind : "") +
                                std::string(problem) + summary_of(body));
}

}  // namespace

std::string group_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

Result<api::Value> decode_body(api::Arena& arena, Media media, std::string_view body,
                               const api::TypeInfo& type, std::vector<std::string>* duplicates) {
  const api::ParseOptions options{.duplicate_fields = duplicates};
  switch (media) {
    case Media::kYaml:
      return api::parse_yaml(arena, body, options);
    case Media::kJson:
      return api::parse_json(arena, body, options);
    case Media::kProtobuf:
      break;
  }
  if (!api::has_protobuf(type)) {
    return errors::unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml");
  }
  return api::decode_protobuf_object(arena, body, type);
}

Result<void> check_group_version_kind(api::Arena& arena, api::Value& object,
                                      std::string_view wanted_version,
                                      std::string_view wanted_kind) {
  if (object.is_null()) object = api::Value::object();
  if (!object.is_object()) {
    return unrecognized(
        wanted_kind,
        std::string(kNoKind) + "json: cannot unmarshal " + api::go_kind(object) +
            " into Go value of type struct { APIVersion string "
            "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }");
  }
  const auto text_of = [&](std::string_view key) -> Result<std::string_view> {
    const auto* value = object.find(key);
    if (value == nullptr || value->is_null()) return std::string_view();
    if (value->is_string()) return value->as_string();
    return unrecognized(wanted_kind, std::string(kNoKind) + "json: cannot unmarshal " +
                                         api::go_kind(*value) + " into Go struct field ." +
                                         std::string(key) + " of type string");
  };
  const auto said_version = text_of("apiVersion");
  const auto said_kind = text_of("kind");
  if (!said_version) return std::unexpected(said_version.error());
  if (!said_kind) return std::unexpected(said_kind.error());
  if (std::ranges::count(*said_version, '/') > 1) {
    return unrecognized(wanted_kind,
                        "unexpected GroupVersion string: " + std::string(*said_version));
  }
  std::string_view version = *said_version;
  if (version.starts_with('/')) version.remove_prefix(1);  // Of the group without a name.
  if (version.empty()) version = wanted_version;
  const std::string_view kind = said_kind->empty() ? wanted_kind : *said_kind;
  const bool is_built_in =
      !api::builtin_schema().versions(split_version(wanted_version).group).empty();
  const bool differs = kind != wanted_kind || version != wanted_version;
  if (differs && is_built_in) {
    const std::string problem = other_kind_problem(version, kind, wanted_version, wanted_kind);
    if (!problem.empty()) {
      return errors::bad_request(
          std::string(kind) + " in version \"" + std::string(split_version(version).version) +
          "\" cannot be handled as a " + std::string(wanted_kind) + ": " + problem);
    }
  }
  if (version != wanted_version) {
    return errors::bad_request("the API version in the data (" + std::string(version) +
                               ") does not match the expected API version (" +
                               std::string(wanted_version) + ")");
  }
  if (kind != wanted_kind) {
    const std::string_view group = split_version(version).group;
    return errors::invalid(
        std::string(kind) + "." + std::string(group), meta_text(object, "name"),
        {cause::invalid("kind", quoted(kind), "must be " + std::string(wanted_kind))});
  }
  if (said_kind->empty()) object.set_ref(arena, "kind", api::Value::string(arena, wanted_kind));
  if (*said_version != wanted_version) {
    object.set_ref(arena, "apiVersion", api::Value::string(arena, wanted_version));
  }
  return {};
}

std::vector<std::string> repeated_keys(const std::vector<std::string>& duplicates) {
  if (duplicates.empty()) return {};
  std::string problem(kYamlProblem);
  for (const auto& line : duplicates)
    problem += (&line == duplicates.data() ? "  " : "\n  ") + line;
  return {std::move(problem)};
}

Result<void> check_repeated_keys(Call& call, const std::vector<std::string>& duplicates) {
  const FieldValidation validation = field_validation(call);
  if (duplicates.empty() || validation == FieldValidation::kIgnore) return {};
  const std::string problem = repeated_keys(duplicates)[0];
  if (validation == FieldValidation::kStrict) {
    return errors::bad_request("error strict decoding YAML: error converting YAML to JSON: " +
                               problem);
  }
  warn_of(call, problem);
  return {};
}

namespace {

// Whether a path leads into what Kubernetes keeps as it came, or hands to a reader of the type's
// own, which is not strict: a schema or a boolean.
bool is_read_as_it_comes(const api::TypeInfo& type, std::string_view path) {
  const api::TypeInfo* at = &type;
  while (at != nullptr && at->form != api::TypeForm::kOneOf) {
    const auto end = std::min(path.find_first_of(".["), path.size());
    const api::FieldInfo* field = at->field(path.substr(0, end));
    path.remove_prefix(end);
    if (field == nullptr || path.empty()) return false;
    if (field->form == api::Form::kAnyJson || field->form == api::Form::kRawObject) return true;
    if (path.starts_with('[')) path.remove_prefix(std::min(path.find(']') + 1, path.size()));
    if (field->container == api::Container::kMap) {
      path.remove_prefix(std::min(path.find_first_of(".[", 1), path.size()));
    }
    if (path.empty()) return false;
    path.remove_prefix(1);
    at = field->type;
  }
  return at != nullptr;
}

std::vector<std::string> read_strictly(const api::TypeInfo& type, std::vector<std::string> paths) {
  std::erase_if(paths, [&](const auto& path) { return is_read_as_it_comes(type, path); });
  return paths;
}

}  // namespace

Result<void> check_fields(Call& call, api::Arena& arena, api::Value& object,
                          const api::TypeInfo& type, const SourceText& source,
                          const std::vector<std::string>& known) {
  std::vector<std::string> unknown;
  if (auto ok = api::normalise(arena, object, type, &unknown); !ok) return ok;
  return judge_fields(call, type, known,
                      api::field_problems(source.json, read_strictly(type, std::move(unknown)),
                                          read_strictly(type, source.duplicates)));
}

namespace {

// A list of managers that is there and empty asks to forget them, as one with an empty entry does,
// which outlives the normal form.
void keep_reset(api::Arena& arena, api::Value& object) {
  api::Value* managers = object.find_path({"metadata", "managedFields"});
  if (managers == nullptr || !managers->is_array() || !managers->empty()) return;
  managers->append(arena, api::Value::object());
}

}  // namespace

Result<void> check_object(Call& call, api::Arena& arena, api::Value& object,
                          const api::ResourceInfo& resource, const SourceText& source,
                          const std::vector<std::string>& known) {
  keep_reset(arena, object);
  if (resource.custom == nullptr)
    return check_fields(call, arena, object, *resource.type, source, known);
  std::vector<std::string> unknown;
  if (auto ok = take_custom_object(arena, object, *resource.custom, unknown); !ok) return ok;
  return judge_fields(call, *resource.type, known, custom_problems(source, unknown));
}

Result<void> settle_object(api::Arena& arena, api::Value& object,
                           const api::ResourceInfo& resource) {
  if (resource.custom == nullptr) return api::normalise(arena, object, *resource.type);
  std::vector<std::string> unknown;
  return take_custom_object(arena, object, *resource.custom, unknown);
}

namespace {

bool lacks(const api::Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value == nullptr || value->is_null() || (value->is_string() && value->as_string().empty());
}

// The body of a custom object says itself what it is.
Result<void> check_says_kind(const api::Value& object, const std::string& wanted_version,
                             std::string_view wanted_kind, Media media, std::string_view body) {
  if (!object.is_object() && !object.is_null()) return {};
  if (lacks(object, "kind")) {
    return unrecognized(
        wanted_kind, "Object 'Kind' is missing in '" +
                         (media == Media::kJson ? std::string(body) : api::to_json_text(object)) +
                         "'" + summary_of(body));
  }
  if (lacks(object, "apiVersion")) {
    return errors::bad_request(
        "the API version in the data () does not match the expected API version (" +
        wanted_version + ")");
  }
  return {};
}

// Is it what the request says, and if not, what does it begin with?
Result<void> check_identity(const Call& call, api::Arena& arena, api::Value& object,
                            std::string_view version, std::string_view kind) {
  auto ok = check_group_version_kind(arena, object, version, kind);
  if (!ok && ok.error().message.starts_with("the object provided is")) {
    ok.error().message += summary_of(call.request.body);
  }
  return ok;
}

}  // namespace

Result<api::Value> read_tree(const Call& call, api::Arena& arena, const api::TypeInfo& type,
                             std::string_view kind, std::vector<std::string>* duplicates) {
  const auto media = body_media(call.request.headers.get("content-type"));
  if (!media) return std::unexpected(media.error());
  auto tree = decode_body(arena, *media, call.request.body, type, duplicates);
  if (!tree) return unreadable(tree.error(), *media, call.request.body, kind);
  return tree;
}

Result<api::Value> read_message(Call& call, api::Arena& arena, const api::TypeInfo& type,
                                std::initializer_list<std::string_view> versions) {
  auto message = read_tree(call, arena, type, type.name);
  if (!message) return message;
  std::string_view version = *versions.begin();
  if (message->is_object()) {
    const auto* said = std::ranges::find(versions, message->string_at("apiVersion"));
    if (said != versions.end()) version = *said;
  }
  if (auto ok = check_identity(call, arena, *message, version, type.name); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (auto ok = check_fields(call, arena, *message, type, {}); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  api::apply_defaults(arena, *message, type);
  audit::take_request(call, *message);
  return message;
}

Result<api::Value> read_object(Call& call, api::Arena& arena, const api::ResourceInfo& resource) {
  const auto media = body_media(call.request.headers.get("content-type"));
  if (!media) return std::unexpected(media.error());
  const std::string_view body = call.request.body;
  SourceText source;
  auto object = read_tree(call, arena, *resource.type, resource.kind, &source.duplicates);
  if (!object) return object;
  const std::string version = group_version(resource.group, resource.version);
  if (resource.custom != nullptr) {
    if (auto ok = check_says_kind(*object, version, resource.kind, *media, body); !ok) {
      return std::unexpected(ok.error());
    }
  }
  if (auto ok = check_identity(call, arena, *object, version, resource.kind); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  std::vector<std::string> known;
  if (*media == Media::kYaml) known = repeated_keys(std::exchange(source.duplicates, {}));
  if (*media == Media::kJson) source.json = body;
  if (auto ok = check_object(call, arena, *object, resource, source, known); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  apply_defaults(arena, *object, resource);
  audit::take_request(call, *object);
  if (call.storage == nullptr) return object;
  if (auto ok = convert(arena, *object, resource, *call.storage); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return object;
}

void apply_defaults(api::Arena& arena, api::Value& object, const api::ResourceInfo& resource) {
  if (resource.custom != nullptr) return default_custom_object(arena, object, *resource.custom);
  api::apply_defaults(arena, object, *resource.type);
}

Result<api::Value> stored_tree(api::Arena& arena, const store::Object& object,
                               const api::ResourceInfo& storage) {
  auto tree = parse_stored(arena, object);
  if (tree && storage.custom != nullptr) show_custom_object(arena, *tree, *storage.custom);
  return tree;
}

Result<void> convert(api::Arena& arena, api::Value& object, const api::ResourceInfo& from,
                     const api::ResourceInfo& to) {
  if (&from == &to) return {};
  // What a conversion webhook would change besides is its own affair; see custom/conversion.h.
  if (to.custom != nullptr) {
    as_custom_version(arena, object, *to.custom);
    return {};
  }
  if (auto ok = api::convert_version(arena, object, from, to); !ok) return ok;
  if (group_version(to.group, to.version) == to.storage_version) {
    api::apply_defaults(arena, object, *to.type);
  }
  return {};
}

ObjectKind answered_kind(const api::ResourceInfo& wanted, const Output& output) {
  if (output.shape == Shape::kObject) {
    return {group_version(wanted.group, wanted.version), std::string(wanted.kind)};
  }
  return {"meta.k8s.io/" + std::string(output.shape_version), "PartialObjectMetadata"};
}

const api::TypeInfo& answered_type(const api::ResourceInfo& wanted, const Output& output) {
  return output.shape == Shape::kObject ? *wanted.type : meta_type("PartialObjectMetadata");
}

Result<std::string> object_json(const store::Object& object, const api::ResourceInfo& storage,
                                const api::ResourceInfo& wanted) {
  if (wanted.custom == nullptr && &storage == &wanted) return object.json.text();
  api::Arena arena(16 << 10);
  auto tree = object_tree(arena, object, storage, wanted);
  if (!tree) return std::unexpected(std::move(tree.error()));
  return api::to_json_text(*tree);
}

Result<Bytes> encode_entry(const store::ObjectRef& object, const api::ResourceInfo& storage,
                           const api::ResourceInfo& wanted, const Output& output) {
  PINNACE_ASSERT(output.media != Media::kYaml && output.shape != Shape::kTable);
  if (is_verbatim(storage, wanted, output)) return stored_json(object);
  const bool is_partial = output.shape != Shape::kObject;
  // No more than a copy: not worth keeping.
  if (is_partial && output.media == Media::kJson) {
    return std::make_shared<const std::string>(partial_json(*object, output));
  }
  const FormKey key{wanted, output.media, is_partial ? Shape::kPartial : Shape::kObject};
  return derived_form(object, key, [&] { return make_entry(*object, storage, wanted, output); });
}

Result<Bytes> encode_object(const store::ObjectRef& object, const api::ResourceInfo& storage,
                            const api::ResourceInfo& wanted, const Output& output,
                            bool with_columns) {
  const auto shared = [](Result<std::string> text) -> Result<Bytes> {
    if (!text) return std::unexpected(std::move(text.error()));
    return std::make_shared<const std::string>(std::move(*text));
  };
  if (output.shape == Shape::kTable) {
    return shared(table_json(*object, storage, wanted, output, with_columns));
  }
  if (output.media == Media::kYaml || (output.media == Media::kJson && output.pretty)) {
    Output plain = output;
    plain.media = Media::kJson;
    plain.pretty = false;
    auto json = encode_entry(object, storage, wanted, plain);
    if (!json) return std::unexpected(std::move(json.error()));
    api::Arena arena(64 << 10);
    auto tree = api::parse_json(arena, **json);
    if (!tree) return std::unexpected(std::move(tree.error()));
    return shared(encode_value(*tree, nullptr, output));
  }
  auto entry = encode_entry(object, storage, wanted, output);
  if (!entry || output.media == Media::kJson) return entry;
  const ObjectKind kind = answered_kind(wanted, output);
  std::string bytes = api::protobuf_envelope_head(kind.api_version, kind.kind, (*entry)->size());
  (bytes += **entry) += api::kProtobufEnvelopeTail;
  return shared(std::move(bytes));
}

Result<std::string> encode_value(const api::Value& value, const api::TypeInfo* type,
                                 const Output& output) {
  if (output.media == Media::kProtobuf && type != nullptr) {
    std::string bytes;
    api::encode_protobuf_object(bytes, value, *type);
    return bytes;
  }
  if (output.media == Media::kYaml) return api::to_yaml_text(value);
  if (output.pretty) return api::to_indented_json(value);
  return api::to_json_text(value);
}

SplitJson to_stored(const api::Value& object, const api::ResourceInfo& storage) {
  if (storage.custom == nullptr) return split_json(object);
  const CustomVersion& version = storage.custom->kind->storage_version();
  if (&version == storage.custom) return split_json(object);
  api::Arena arena(16 << 10);
  api::Value kept = api::deep_copy(arena, object);
  as_custom_version(arena, kept, version);
  return split_json(kept);
}

store::ObjectRef restated(const store::Object& like, const api::Value& tree) {
  SplitJson parts = split_json(tree);
  auto made = std::make_shared<store::Object>();
  made->key = like.key;
  made->uid = like.uid;
  made->revision = like.revision;
  made->created_revision = like.created_revision;
  made->revision_offset = static_cast<std::uint32_t>(parts.head.size());
  made->json =
      parts.head + "\"resourceVersion\":\"" + std::to_string(like.revision) + "\"" + parts.tail;
  return made;
}

namespace {
// Of metadata, before the resourceVersion.
bool is_in_head(std::string_view key) {
  return key == "name" || key == "namespace" || key == "generateName" || key == "uid";
}
}  // namespace

SplitJson split_json(const api::Value& object) {
  constexpr std::size_t kUsualHeadBytes = 256, kUsualTailBytes = 2048;
  SplitJson parts;
  parts.head.reserve(kUsualHeadBytes);
  parts.tail.reserve(kUsualTailBytes);
  char before = '{';
  const auto add = [&before](std::string& out, std::string_view key, const api::Value& value) {
    api::write_json_key(out, std::exchange(before, ','), key);
    api::write_json(out, value);
  };
  for (const std::string_view key : {"kind", "apiVersion"}) {
    if (const auto* value = object.find(key)) add(parts.head, key, *value);
  }
  api::write_json_key(parts.head, before, "metadata");
  before = '{';
  const auto* found = object.find("metadata");
  const api::Value meta = found == nullptr ? api::Value::object() : *found;
  for (const auto& [key, value] : meta.members()) {
    if (is_in_head(key)) add(parts.head, key, value);
  }
  parts.head += before;
  before = ',';
  for (const auto& [key, value] : meta.members()) {
    if (!is_in_head(key) && key != "resourceVersion") add(parts.tail, key, value);
  }
  parts.tail += '}';
  for (const auto& [key, value] : object.members()) {
    if (key == "kind" || key == "apiVersion" || key == "metadata") continue;
    add(parts.tail, key, value);
  }
  parts.tail += '}';
  return parts;
}

}  // namespace pinnace::apiserver

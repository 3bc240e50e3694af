#include "apiserver/subresources/scale.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "api/json.h"
#include "api/object_codec.h"
#include "api/selector.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/registry/applying.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/ownership.h"
#include "apiserver/registry/patching.h"
#include "apiserver/registry/preconditions.h"
#include "apiserver/registry/write_options.h"
#include "apiserver/subresources/scale_managers.h"
#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {
namespace {

const api::TypeInfo* scale_type() {
  return api::builtin_schema().find_type("autoscaling", "v1", "Scale");
}

// The workloads' first versions have Scales of their own, which say the selector in another way.
bool is_old(const Call& call) {
  return call.subresource != nullptr && call.subresource->type != nullptr &&
         call.subresource->group != "autoscaling";
}

const api::TypeInfo* type_for(const Call& call) {
  return is_old(call) ? call.subresource->type : scale_type();
}

void make_old(api::Arena& arena, const Call& call, api::Value& scale) {
  scale.set_ref(arena, "apiVersion",
                api::Value::string(arena, std::string(call.subresource->group) + "/" +
                                              std::string(call.subresource->version)));
  api::Value& status = scale.ensure_object(arena, "status");
  const std::string text(status.string_at("selector"));
  const auto selector = api::parse_label_selector(text);
  status.erase("selector");
  if (text.empty() || !selector) return;
  api::Value labels = api::Value::object();
  const bool is_map = std::ranges::all_of(selector->requirements(), [&](const auto& each) {
    if (each.op != api::LabelOperator::kEquals) return false;
    labels.set(arena, each.key, api::Value::string(arena, each.values[0]));
    return true;
  });
  if (is_map) status.set_ref(arena, "selector", labels);
  status.set_ref(arena, "targetSelector", api::Value::string(arena, text));
}

std::string selector_text(const api::Value& object) {
  const auto* selector = object.find_path({"spec", "selector"});
  if (selector == nullptr || !selector->is_object()) return {};
  const bool is_modern = selector->find("matchLabels") || selector->find("matchExpressions");
  if (is_modern) {
    const auto parsed = api::label_selector_of(selector);
    return parsed ? parsed->text() : std::string();
  }
  api::LabelMap labels;
  for (const auto& [key, value] : selector->members()) {
    if (value.is_string()) labels.emplace(key, value.as_string());
  }
  return api::LabelSelector::from_map(labels).text();
}

// The value at a path of members; nullptr where there is none.
const api::Value* at_path(const api::Value& object, const std::vector<std::string>& path) {
  const api::Value* here = &object;
  for (const std::string& name : path) {
    here = here->find(name);
    if (here == nullptr) return nullptr;
  }
  return path.empty() ? nullptr : here;
}

std::int64_t number_at(const api::Value& object, const std::vector<std::string>& path,
                       std::int64_t otherwise = 0) {
  const api::Value* value = at_path(object, path);
  return value != nullptr && value->is_int() ? value->as_int() : otherwise;
}

// What a patch finds where a custom object has no number, and must put one in its place.
constexpr std::int64_t kNoReplicas = std::numeric_limits<std::int32_t>::min();

// Numbers and selector of an object, from where its kind has them.
struct Scaled {
  std::int64_t spec_replicas = 0, status_replicas = 0;
  std::string selector;
};
Scaled scaled_of(const api::Value& object, const CustomVersion* custom) {
  if (custom == nullptr) {
    return {number_at(object, {"spec", "replicas"}), number_at(object, {"status", "replicas"}),
            selector_text(object)};
  }
  const ScalePaths& paths = custom->scale;
  const api::Value* selector = at_path(object, paths.selector);
  return {number_at(object, paths.spec_replicas), number_at(object, paths.status_replicas),
          selector != nullptr && selector->is_string() ? std::string(selector->as_string()) : ""};
}

api::Value make_scale(api::Arena& arena, const api::Value& object, const CustomVersion* custom) {
  api::Value scale = api::Value::object();
  scale.set_ref(arena, "kind", api::Value::string_ref("Scale"));
  scale.set_ref(arena, "apiVersion", api::Value::string_ref("autoscaling/v1"));
  api::Value meta = api::Value::object();
  for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    const std::string_view text = meta_text(object, key);
    if (!text.empty()) meta.set_ref(arena, key, api::Value::string(arena, text));
  }
  scale.set_ref(arena, "metadata", meta);
  const Scaled scaled = scaled_of(object, custom);
  // None is not told.
  api::Value& spec = scale.ensure_object(arena, "spec");
  if (scaled.spec_replicas != 0) {
    spec.set_ref(arena, "replicas", api::Value::integer(scaled.spec_replicas));
  }
  api::Value& out = scale.ensure_object(arena, "status");
  out.set_ref(arena, "replicas", api::Value::integer(scaled.status_replicas));
  if (!scaled.selector.empty()) {
    out.set_ref(arena, "selector", api::Value::string(arena, scaled.selector));
  }
  return scale;
}

// ".spec.replicas"
std::string path_text(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& name : path) text += "." + name;
  return text;
}

// The Scale that a patch starts from.
api::Value make_unpatched(api::Arena& arena, const api::Value& object,
                          const CustomVersion* custom) {
  api::Value scale = make_scale(arena, object, custom);
  if (custom != nullptr) {
    const std::int64_t replicas = number_at(object, custom->scale.spec_replicas, kNoReplicas);
    if (replicas == kNoReplicas) {
      scale.ensure_object(arena, "spec").set(arena, "replicas", api::Value::integer(replicas));
    }
  }
  return scale;
}

std::string shape_version(const Output& output) {
  return "meta.k8s.io/" + std::string(output.shape_version);
}

// What is said of a Scale where its metadata is enough.
api::Value partial_scale(api::Arena& arena, const api::Value& scale, const Output& output) {
  api::Value out = api::Value::object();
  out.set_ref(arena, "kind", api::Value::string_ref("PartialObjectMetadata"));
  out.set_ref(arena, "apiVersion", api::Value::string(arena, shape_version(output)));
  out.set_ref(arena, "metadata", *scale.find("metadata"));
  return out;
}

api::Value scale_columns(api::Arena& arena) {
  struct Column {
    std::string_view name, type, format;
  };
  static constexpr Column kColumns[] = {{"Name", "string", "name"},
                                        {"Desired", "integer", ""},
                                        {"Available", "integer", ""},
                                        {"Age", "string", ""}};
  api::Value out = api::Value::array();
  for (const Column& column : kColumns) {
    api::Value one = api::Value::object();
    one.set_ref(arena, "name", api::Value::string_ref(column.name));
    one.set_ref(arena, "type", api::Value::string_ref(column.type));
    one.set_ref(arena, "format", api::Value::string_ref(column.format));
    one.set_ref(arena, "description", api::Value::string_ref(""));
    one.set_ref(arena, "priority", api::Value::integer(0));
    out.append(arena, one);
  }
  return out;
}

api::Value scale_table(api::Arena& arena, const api::Value& scale, const Output& output) {
  api::Value cells = api::Value::array();
  cells.append(arena, api::Value::string(arena, meta_text(scale, "name")));
  cells.append(arena, api::Value::integer(scale.find("spec")->int_at("replicas")));
  cells.append(arena, api::Value::integer(scale.find("status")->int_at("replicas")));
  cells.append(arena, api::Value::string(arena, age_text(meta_text(scale, "creationTimestamp"),
                                                         output.clock->wall())));
  api::Value row = api::Value::object();
  row.set_ref(arena, "cells", cells);
  if (output.row_object == RowObject::kMetadata)
    row.set_ref(arena, "object", partial_scale(arena, scale, output));
  else
    row.set_ref(arena, "object",
                output.row_object == RowObject::kObject ? scale : api::Value::null());
  api::Value rows = api::Value::array();
  rows.append(arena, row);
  api::Value out = api::Value::object();
  out.set_ref(arena, "kind", api::Value::string_ref("Table"));
  out.set_ref(arena, "apiVersion", api::Value::string(arena, shape_version(output)));
  out.ensure_object(arena, "metadata")
      .set_ref(arena, "resourceVersion",
               api::Value::string(arena, meta_text(scale, "resourceVersion")));
  out.set_ref(arena, "columnDefinitions", scale_columns(arena));
  out.set_ref(arena, "rows", rows);
  return out;
}

void answer_scale(Call& call, const store::ObjectRef& object) {
  api::Arena arena;
  const auto parsed = stored_tree(arena, *object, *call.storage);
  if (!parsed) return answer_error(call, parsed.error());
  const CustomVersion* custom = call.storage->custom;
  if (custom != nullptr && at_path(*parsed, custom->scale.spec_replicas) == nullptr) {
    return answer_error(
        call, errors::internal("the spec replicas field \"" +
                               path_text(custom->scale.spec_replicas) + "\" does not exist")
                  .error());
  }
  api::Value scale = make_scale(arena, *parsed, custom);
  const Output& output = call.output;
  if (output.shape == Shape::kTable) {
    return answer_value(call, 200, nullptr, scale_table(arena, scale, output));
  }
  if (output.shape == Shape::kPartial) {
    const auto* type =
        api::builtin_schema().find_type("meta.k8s.io", "v1", "PartialObjectMetadata");
    return answer_value(call, 200, type, partial_scale(arena, scale, output));
  }
  if (is_old(call)) make_old(arena, call, scale);
  answer_value(call, 200, type_for(call), scale);
}

}  // namespace

void get_scale(const BackendRef& backend, const CallRef& call) {
  auto found = backend->store().get(key_of(*call));
  if (!found) {
    return answer_error(*call,
                        errors::not_found(resource_text(*call->resource), call->info.name).error());
  }
  in_requested_version(backend, call, *found, [call](const Result<store::ObjectRef>& shown) {
    if (!shown) return answer_error(*call, shown.error());
    answer_scale(*call, *shown);
  });
}

namespace {

// The Scale that a request wants, made on an attempt's copy of the object.
using MakeScale =
    std::function<Result<api::Value>(Change&, api::Value& object, const api::Value& old)>;

// A Scale, of whatever version, and that of the URL. Nobody looks at its status.
Result<void> check_identity(const Call& call, api::Arena& arena, api::Value& scale) {
  constexpr std::string_view kOldVersions[] = {"extensions/v1beta1", "apps/v1beta1",
                                               "apps/v1beta2"};
  if (std::ranges::find(kOldVersions, scale.string_at("apiVersion")) != std::end(kOldVersions)) {
    scale.set_ref(arena, "apiVersion", api::Value::string_ref(ScaleVersions::kVersion));
    scale.erase("status");
  }
  if (auto ok = check_group_version_kind(arena, scale, ScaleVersions::kVersion, "Scale"); !ok) {
    return ok;
  }
  return check_place(call, scale);
}

// Without the number that is not told.
api::Value without_zero(api::Arena& arena, const api::Value& scale) {
  api::Value counted = api::deep_copy(arena, scale);
  api::Value* spec = counted.find("spec");
  const bool has_spec = spec != nullptr && spec->is_object();
  if (has_spec && spec->int_at("replicas") == 0) spec->erase("replicas");
  return counted;
}

// Who manages the number of replicas after a write of a Scale: as of every object, its writer, if
// it changed and is managed at all; nobody manages none.
Result<void> track(Change& change, api::Value& object, const api::Value& old,
                   const api::Value& scale) {
  auto of_object = api::apply::decode_managers(managed_fields(old));
  if (!of_object) return {};
  auto of_scale = scale_managers(change.arena, change.storage, *of_object);
  if (of_scale.empty()) return {};
  const KindVersions kind(change);
  api::apply::Writer writer = writer_of(change, kind);
  writer.api_version = ScaleVersions::kVersion;
  writer.kind = "Scale";
  const api::Value before = make_unpatched(change.arena, old, change.storage.custom);
  const api::Value after = without_zero(change.arena, scale);
  if (auto ok = track_update(change.arena, ScaleVersions(), writer, before, after, of_scale); !ok) {
    return ok;
  }
  set_managed_fields(change, object,
                     with_scale_managers(change.arena, change.storage, std::move(*of_object),
                                         std::move(of_scale), kind.requested()));
  return {};
}

Result<MakeScale> by_put(const CallRef& call) {
  struct Held {
    api::Arena arena;
    api::Value scale;
  };
  auto held = std::make_shared<Held>();
  auto scale = read_tree(*call, held->arena, *type_for(*call), "Scale");
  if (!scale) return std::unexpected(std::move(scale.error()));
  if (auto ok = check_identity(*call, held->arena, *scale); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  api::Value told = api::deep_copy(held->arena, *scale);
  if (api::normalise(held->arena, told, *type_for(*call))) audit::take_request(*call, told);
  held->scale = *scale;
  return [held](Change& change, api::Value& object, const api::Value& old) -> Result<api::Value> {
    const api::Value sent = api::deep_copy(change.arena, held->scale);
    if (auto ok = track(change, object, old, sent); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    return sent;
  };
}

Result<MakeScale> by_patch(const CallRef& call) {
  auto parsed = Patch::parse(*call);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return [patch = std::move(*parsed)](Change& change, api::Value& object,
                                      const api::Value& old) -> Result<api::Value> {
    const api::Value scale = make_unpatched(change.arena, old, change.storage.custom);
    auto patched = patch.apply(change.arena, api::copy_nodes(change.arena, scale), *scale_type());
    if (!patched) return patched;
    if (auto ok = check_identity(change.call, change.arena, *patched); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    change.call.warnings.clear();
    if (auto ok =
            check_fields(change.call, change.arena, *patched, *scale_type(), {}, patch.problems());
        !ok) {
      return patch.refusal(change.arena, scale, *scale_type(), std::move(ok.error()));
    }
    if (auto ok = track(change, object, old, *patched); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    return patched;
  };
}

Result<MakeScale> by_apply(const CallRef& call) {
  struct Held {
    api::Arena arena;
    AppliedConfig config;
  };
  auto held = std::make_shared<Held>();
  auto config = read_applied(*call, held->arena, ScaleVersions::kVersion, "Scale");
  if (!config) return std::unexpected(std::move(config.error()));
  held->config = std::move(*config);
  return [call, held](Change& change, api::Value& object,
                      const api::Value& old) -> Result<api::Value> {
    auto of_object = api::apply::decode_managers(managed_fields(old));
    if (!of_object) return std::unexpected(std::move(of_object.error()));
    auto of_scale = scale_managers(change.arena, change.storage, *of_object);
    const KindVersions kind(change);
    api::apply::Writer writer = writer_of(change, kind);
    writer.api_version = ScaleVersions::kVersion;
    writer.kind = "Scale";
    const api::Value config_copy = api::deep_copy(change.arena, held->config.value);
    auto applied = apply_configuration(
        change.arena, ScaleVersions(), writer, call->query.flag("force"),
        make_unpatched(change.arena, old, change.storage.custom), config_copy, of_scale);
    if (!applied) return std::unexpected(std::move(applied.error()));
    if (auto ok = check_place(*call, applied->object); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    set_managed_fields(change, object,
                       with_scale_managers(change.arena, change.storage, std::move(*of_object),
                                           std::move(of_scale), kind.requested()));
    return api::deep_copy(change.arena, applied->object);
  };
}

// Where the kind has its number of replicas.
void set_replicas(Change& change, api::Value& object, std::int64_t replicas) {
  static const std::vector<std::string> kReplicas{"spec", "replicas"};
  const CustomVersion* custom = change.storage.custom;
  const auto& path = custom == nullptr ? kReplicas : custom->scale.spec_replicas;
  api::Value* here = &object;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    here = &here->ensure_object(change.arena, path[i]);
  }
  here->set(change.arena, path.back(), api::Value::integer(replicas));
}

// Takes from the Scale what of it is kept: the number of replicas.
Result<void> take_replicas(Change& change, api::Value& scale, api::Value& object,
                           const api::Value& old) {
  if (auto ok = check_fields(change.call, change.arena, scale, *scale_type(), {}); !ok) return ok;
  const std::string_view uid = meta_text(scale, "uid");
  if (!uid.empty() && uid != meta_text(old, "uid")) {
    return other_uid(change.call, key_of(change.call), uid, meta_text(old, "uid"));
  }
  // A Scale need not say of which revision it is, whatever its kind wants.
  if (!meta_text(scale, "resourceVersion").empty()) {
    if (auto ok = check_sent_revision(change.call, scale, old); !ok) return ok;
  }
  const auto* spec = scale.find("spec");
  const std::int64_t replicas = spec == nullptr ? 0 : spec->int_at("replicas");
  if (change.storage.custom != nullptr && replicas == kNoReplicas) {
    return errors::bad_request("the spec replicas field " +
                               quoted(path_text(change.storage.custom->scale.spec_replicas)) +
                               " cannot be empty");
  }
  // A custom kind says by itself what it thinks of it.
  if (replicas < 0 && change.storage.custom == nullptr) {
    return errors::invalid("Scale.autoscaling", change.name,
                           {cause::invalid("spec.replicas", std::to_string(replicas),
                                           "must be greater than or equal to 0")});
  }
  set_replicas(change, object, replicas);
  return {};
}

}  // namespace

void update_scale(const BackendRef& backend, const CallRef& call) {
  const bool is_patch = call->info.verb == "patch";
  const bool is_apply = is_patch && is_apply_patch(*call);
  const WriteKind kind = is_apply   ? WriteKind::kApply
                         : is_patch ? WriteKind::kPatch
                                    : WriteKind::kUpdate;
  auto valid = is_patch && !is_apply ? Patch::check_media(*call) : Result<void>();
  if (valid) valid = check_write_options(*call, kind);
  if (!valid) return answer_error(*call, valid.error());
  auto make = is_apply ? by_apply(call) : is_patch ? by_patch(call) : by_put(call);
  if (!make && is_patch) return answer_unread(backend, call, make.error());
  if (!make) return answer_error(*call, make.error());
  Update update;
  update.subresource = "scale";
  update.answer = answer_scale;
  update.show = [custom = call->storage->custom](api::Arena& arena, const api::Value& object) {
    return make_scale(arena, object, custom);
  };
  update.take = [](Change& change, const api::Value& scale, api::Value& object) {
    const auto* spec = scale.find("spec");
    set_replicas(change, object, spec == nullptr ? 0 : spec->int_at("replicas"));
  };
  update.ownership = Ownership::kSettled;
  update.apply = [make = std::move(*make)](Change& change, api::Value& object,
                                           const api::Value& old) -> Result<void> {
    auto scale = make(change, object, old);
    if (!scale) return std::unexpected(std::move(scale.error()));
    return take_replicas(change, *scale, object, old);
  };
  run_update(backend, call, key_of(*call), std::move(update));
}

}  // namespace pinnace::apiserver

// PodPreset: pods get the environment and volumes of the presets that select them.
//
// Why on by default: the API is served for manifests of its time, which expect it to work; without
//   a preset in the namespace it costs a look at a number.
// Source: settings.k8s.io/v1alpha1, as Kubernetes 1.19 had it.
#include "api/json.h"
#include "api/selector.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/log.h"

namespace pinnace::apiserver {
namespace {

constexpr char kPresets[] = "settings.k8s.io/podpresets";
constexpr std::string_view kExclude = "podpreset.admission.kubernetes.io/exclude";
constexpr std::string_view kApplied = "podpreset.admission.kubernetes.io/podpreset-";

struct Preset {
  std::string name;
  api::Value spec;
  std::string version;
};

std::vector<Preset> presets_for(Change& change, const api::Value& pod) {
  std::vector<Preset> out;
  const auto stored = change.backend.store().list(kPresets, change.ns);
  if (!stored) return out;
  const auto* labels = pod.find_path({"metadata", "labels"});
  for (const auto& object : stored->objects) {
    const auto parsed = parse_stored(change.arena, *object);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    if (spec == nullptr) continue;
    const auto selector = api::label_selector_of(spec->find("selector"));
    if (!selector || !selector->matches(labels)) continue;
    out.push_back({object->key.name, *spec, std::to_string(object->revision)});
  }
  return out;
}

// Adds the items that are not there; false if one of the same key is there and differs.
bool merge(api::Arena& arena, api::Value& holder, std::string_view list, const api::Value& from,
           std::string_view key) {
  const auto added = items_at(&from, list);
  if (added.empty()) return true;
  api::Value& into = ensure_array(arena, holder, list);
  for (const auto& item : added) {
    const api::Value* same = nullptr;
    for (const auto& own : into.items()) {
      const bool is_same =
          key.empty() ? api::equal(own, item) : own.string_at(key) == item.string_at(key);
      if (is_same) same = &own;
    }
    if (same == nullptr)
      into.append(arena, api::deep_copy(arena, item));
    else if (!api::equal(*same, item))
      return false;
  }
  return true;
}

// A copy of the pod with all presets, or null when they contradict the pod or each other.
api::Value with_presets(api::Arena& arena, const api::Value& pod,
                        const std::vector<Preset>& presets) {
  api::Value copy = api::deep_copy(arena, pod);
  api::Value& spec = copy.ensure_object(arena, "spec");
  for (const Preset& preset : presets) {
    if (!merge(arena, spec, "volumes", preset.spec, "name")) return {};
    for (const auto& list : {kContainerLists[0], kContainerLists[1]}) {
      for (auto& container : items_at(&spec, list.field)) {
        const bool fits = merge(arena, container, "env", preset.spec, "name") &&
                          merge(arena, container, "envFrom", preset.spec, "") &&
                          merge(arena, container, "volumeMounts", preset.spec, "mountPath");
        if (!fits) return {};
      }
    }
    meta_of(arena, copy)
        .ensure_object(arena, "annotations")
        .set(arena, std::string(kApplied) + preset.name, api::Value::string(arena, preset.version));
  }
  return copy;
}

Result<void> apply_presets(AdmissionRequest& request) {
  Change& change = request.change;
  if (change.backend.store().count(kPresets) == 0) return {};
  const api::Value& pod = *request.object;
  if (is_mirror_pod(pod) || annotation_of(pod, kExclude) == "true") return {};
  const auto presets = presets_for(change, pod);
  if (presets.empty()) return {};
  const api::Value changed = with_presets(change.arena, pod, presets);
  if (changed.is_null()) {
    log::warning("presets contradict a pod, which stays as it is",
                 {{"namespace", change.ns}, {"pod", change.name}});
    return {};
  }
  *request.object = changed;
  return {};
}

}  // namespace

constinit const AdmissionPlugin kPodPreset{.name = "PodPreset",
                                           .resources = "pods",
                                           .subresources = "",
                                           .operations = kCreates,
                                           .mutate = apply_presets};

}  // namespace pinnace::apiserver

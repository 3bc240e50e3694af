#include "apiserver/authorization/node_authorizer.h"

#include <algorithm>

#include "api/json.h"
#include "api/json_scan.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::size_t kEventsAtOnce = 1024;
constexpr std::string_view kSpec[] = {"spec"};

// Where a PodSpec refers to another object: under this member, by the text of that one.
struct Reference {
  std::string_view member, resource, name;
};
constexpr Reference kReferences[] = {
    {"secretKeyRef", "secrets", "name"},
    {"secretRef", "secrets", "name"},
    {"nodePublishSecretRef", "secrets", "name"},
    {"secret", "secrets", "name"},
    {"secret", "secrets", "secretName"},
    {"azureFile", "secrets", "secretName"},
    {"imagePullSecrets", "secrets", "name"},
    {"configMapKeyRef", "configmaps", "name"},
    {"configMapRef", "configmaps", "name"},
    {"configMap", "configmaps", "name"},
    {"persistentVolumeClaim", "persistentvolumeclaims", "claimName"},
};

void collect(const api::Value& value, std::string_view member, const std::string& ns,
             std::set<std::string>& out) {
  if (value.is_array()) {
    for (const auto& item : value.items()) collect(item, member, ns, out);
    return;
  }
  if (!value.is_object()) return;
  for (const Reference& reference : kReferences) {
    if (reference.member != member) continue;
    const std::string_view name = value.string_at(reference.name);
    if (!name.empty()) {
      out.insert(std::string(reference.resource) + "/" + ns + "/" + std::string(name));
    }
  }
  for (const auto& [key, below] : value.members()) collect(below, key, ns, out);
}

bool is_read(std::string_view verb) { return verb == "get" || verb == "list" || verb == "watch"; }

}  // namespace

std::string node_of(const User& user) {
  const bool is_node = user.name.starts_with(kNodePrefix) && user.in_group("system:nodes");
  return is_node ? user.name.substr(kNodePrefix.size()) : std::string();
}

std::set<std::string> references_of_pod(const api::Value& pod) {
  std::set<std::string> out;
  const auto* meta = pod.find("metadata");
  const auto* spec = pod.find("spec");
  if (meta == nullptr || spec == nullptr) return out;
  collect(*spec, "spec", std::string(meta->string_at("namespace")), out);
  // The claim of a generic ephemeral volume has the pod's name and the volume's.
  const auto* volumes = spec->find("volumes");
  if (volumes == nullptr || !volumes->is_array()) return out;
  for (const auto& volume : volumes->items()) {
    if (volume.find("ephemeral") == nullptr) continue;
    out.insert("persistentvolumeclaims/" + std::string(meta->string_at("namespace")) + "/" +
               std::string(meta->string_at("name")) + "-" + std::string(volume.string_at("name")));
  }
  return out;
}

bool NodeAuthorizer::allows(const std::string& node, const Attributes& wanted) {
  if (!wanted.is_resource || !wanted.group.empty() || !is_read(wanted.verb)) return true;
  const bool is_kept_apart = wanted.resource == "secrets" || wanted.resource == "configmaps" ||
                             wanted.resource == "persistentvolumeclaims";
  if (is_kept_apart) {
    return !wanted.ns.empty() && !wanted.name.empty() &&
           refers(node, wanted.resource + "/" + wanted.ns + "/" + wanted.name);
  }
  if (wanted.resource != "persistentvolumes") return true;
  // A volume belongs to whom its claim belongs.
  const auto volume = store_.get({"persistentvolumes", "", wanted.name});
  if (!volume) return false;
  api::Arena arena;
  const auto parsed = api::parse_json(arena, (*volume)->json);
  const auto* claim = parsed ? parsed->find_path({"spec", "claimRef"}) : nullptr;
  return claim != nullptr &&
         refers(node, "persistentvolumeclaims/" + std::string(claim->string_at("namespace")) + "/" +
                          std::string(claim->string_at("name")));
}

bool NodeAuthorizer::refers(const std::string& node, const std::string& reference) {
  const std::lock_guard lock(mutex_);
  refresh();
  const auto found = by_node_.find(node);
  return found != by_node_.end() && found->second.contains(reference);
}

void NodeAuthorizer::refresh() {
  if (!stale_.exchange(false)) return;
  if (!watcher_ || !take_in()) reload();
}

void NodeAuthorizer::reload() {
  pods_.clear();
  by_node_.clear();
  watcher_.reset();
  auto snapshot = store_.list("pods", "");
  if (!snapshot) return;
  for (const auto& object : snapshot->objects) add(*object);
  auto watcher = store_.watch("pods", "", snapshot->revision, [this] { stale_ = true; });
  if (watcher) watcher_ = std::move(*watcher);
}

bool NodeAuthorizer::take_in() {
  std::vector<store::Event> events;
  do {
    events.clear();
    if (!watcher_->next(events, kEventsAtOnce)) return false;
    for (const auto& event : events) {
      // Most changes are of the status.
      const bool keeps_spec = event.type == store::Event::Type::kModified && event.previous &&
                              api::find_in_json(event.object->json, kSpec) ==
                                  api::find_in_json(event.previous->json, kSpec);
      if (keeps_spec) continue;
      remove(event.object->key.ns + "/" + event.object->key.name);
      if (event.type != store::Event::Type::kDeleted) add(*event.object);
    }
  } while (events.size() == kEventsAtOnce);
  return true;
}

void NodeAuthorizer::add(const store::Object& object) {
  api::Arena arena;
  const auto parsed = api::parse_json(arena, object.json);
  const auto* spec = parsed ? parsed->find("spec") : nullptr;
  if (spec == nullptr || spec->string_at("nodeName").empty()) return;
  Pod pod{std::string(spec->string_at("nodeName")), references_of_pod(*parsed)};
  auto& counts = by_node_[pod.node];
  for (const auto& reference : pod.references) ++counts[reference];
  pods_[object.key.ns + "/" + object.key.name] = std::move(pod);
}

void NodeAuthorizer::remove(const std::string& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return;
  auto& counts = by_node_[found->second.node];
  for (const auto& reference : found->second.references) {
    if (--counts[reference] == 0) counts.erase(reference);
  }
  if (counts.empty()) by_node_.erase(found->second.node);
  pods_.erase(found);
}

}  // namespace pinnace::apiserver

#include "apiserver/authorization/node_authorizer.h"

#include <algorithm>

#include "api/json.h"
#include "api/json_scan.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::string_view kSpec[] = {"spec"};
constexpr std::string_view kClaimStatuses[] = {"status", "resourceClaimStatuses"};
constexpr std::string_view kLeaseNamespace = "kube-node-lease";

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

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
  return std::ranges::find(verbs, verb) != verbs.end();
}

// What the pod refers to beside the things of its spec that Secrets and volumes are.
void collect_more(const api::Value& pod, const store::Key& key, std::set<std::string>& out) {
  const auto* spec = pod.find("spec");
  const std::string_view account = spec == nullptr ? "" : spec->string_at("serviceAccountName");
  if (!account.empty()) out.insert("serviceaccounts/" + key.ns + "/" + std::string(account));
  const auto add_claims = [&](const api::Value* list) {
    if (list == nullptr || !list->is_array()) return;
    for (const auto& item : list->items()) {
      const std::string_view name = item.string_at("resourceClaimName");
      if (!name.empty()) out.insert("resourceclaims/" + key.ns + "/" + std::string(name));
    }
  };
  add_claims(pod.find_path({"spec", "resourceClaims"}));
  add_claims(pod.find_path({"status", "resourceClaimStatuses"}));
  if (const auto* extended = pod.find_path({"status", "extendedResourceClaimStatus"})) {
    const std::string_view name = extended->string_at("resourceClaimName");
    if (!name.empty()) out.insert("resourceclaims/" + key.ns + "/" + std::string(name));
  }
}

// Where a PersistentVolume's source names a Secret that the node needs; its namespace under
// `ns_member`, or else the claim's.
struct VolumeSecret {
  std::string_view source, reference, name_member, ns_member;
};
constexpr VolumeSecret kVolumeSecrets[] = {
    {"azureFile", "", "secretName", "secretNamespace"},
    {"cephfs", "secretRef", "name", "namespace"},
    {"cinder", "secretRef", "name", "namespace"},
    {"flexVolume", "secretRef", "name", "namespace"},
    {"rbd", "secretRef", "name", "namespace"},
    {"scaleIO", "secretRef", "name", "namespace"},
    {"iscsi", "secretRef", "name", "namespace"},
    {"storageos", "secretRef", "name", "namespace"},
    {"csi", "nodePublishSecretRef", "name", "namespace"},
    {"csi", "nodeStageSecretRef", "name", "namespace"},
    {"csi", "nodeExpandSecretRef", "name", "namespace"},
};

// References, "kind/ns/name", to what a volume is of and to what it names.
std::string claim_of(const api::Value& volume) {
  const auto* claim = volume.find_path({"spec", "claimRef"});
  if (claim == nullptr) return {};
  return "persistentvolumeclaims/" + std::string(claim->string_at("namespace")) + "/" +
         std::string(claim->string_at("name"));
}

std::vector<std::string> secrets_of(const api::Value& volume) {
  std::vector<std::string> secrets;
  const auto* spec = volume.find("spec");
  const auto* claim = volume.find_path({"spec", "claimRef"});
  if (spec == nullptr || claim == nullptr) return secrets;
  for (const VolumeSecret& each : kVolumeSecrets) {
    const auto* found = spec->find(each.source);
    if (found != nullptr && !each.reference.empty()) found = found->find(each.reference);
    const std::string_view name = found == nullptr ? "" : found->string_at(each.name_member);
    if (name.empty()) continue;
    std::string_view ns = found->string_at(each.ns_member);
    if (ns.empty()) ns = claim->string_at("namespace");
    secrets.push_back("secrets/" + std::string(ns) + "/" + std::string(name));
  }
  return secrets;
}

Decision allowed() { return {Verdict::kAllow, "", ""}; }
Decision no_opinion(std::string reason = "") {
  return {Verdict::kNoOpinion, std::move(reason), ""};
}

// Reads of one kind's single objects; `may_list` also as a list or watch of one name.
Decision check_read(const Attributes& wanted, bool may_list) {
  if (may_list && !is_one_of(wanted.verb, {"get", "list", "watch"})) {
    return no_opinion("can only read resources of this type");
  }
  if (!may_list && wanted.verb != "get") {
    return no_opinion("can only get individual resources of this type");
  }
  if (!wanted.subresource.empty()) {
    return no_opinion(may_list ? "cannot read subresource" : "cannot get subresource");
  }
  if (may_list && wanted.ns.empty()) {
    return no_opinion("can only read namespaced object of this type");
  }
  return allowed();
}

// A Lease or CSINode has its node's name; at creation admission sees to it.
Decision check_own(const std::string& node, const Attributes& wanted, std::string_view what,
                   std::string_view kind) {
  if (!is_one_of(wanted.verb, {"get", "create", "update", "patch", "delete"})) {
    return no_opinion("can only get, create, update, patch, or delete a " + std::string(what));
  }
  if (what == "node lease" && wanted.ns != kLeaseNamespace) {
    return no_opinion("can only access leases in the " + quoted(kLeaseNamespace) +
                      " system namespace");
  }
  if (what != "node lease" && !wanted.subresource.empty()) {
    return no_opinion("cannot authorize " + std::string(what) + " subresources");
  }
  if (wanted.verb != "create" && wanted.name != node) {
    return no_opinion("can only access " + std::string(kind) +
                      " with the same name as the requesting node");
  }
  return allowed();
}

bool selects(const Attributes& wanted, std::string_view field, std::string_view value) {
  return std::ranges::any_of(wanted.fields, [&](const SelectorTerm& term) {
    return term.key == field && term.op == "In" && term.values.size() == 1 &&
           term.values[0] == value;
  });
}

// A node reads the accounts of its pods, and asks for tokens of theirs.
Decision check_account(const Attributes& wanted) {
  if (wanted.verb == "get" && wanted.subresource.empty()) return allowed();
  if (wanted.verb != "create" || wanted.name.empty()) {
    return no_opinion("can only create tokens for individual service accounts");
  }
  if (wanted.subresource != "token") {
    return no_opinion("can only create token subresource of serviceaccount");
  }
  return allowed();
}

Decision check_node(const std::string& node, const Attributes& wanted) {
  if (wanted.subresource == "status") {
    return is_one_of(wanted.verb, {"update", "patch"}) ? allowed() : no_opinion();
  }
  if (!wanted.subresource.empty()) return no_opinion();
  // Its own: admission sees to it.
  if (is_one_of(wanted.verb, {"create", "update", "patch"})) return allowed();
  if (!is_one_of(wanted.verb, {"get", "list", "watch"})) return no_opinion();
  if (wanted.name == node) return allowed();
  if (wanted.name.empty()) {
    return no_opinion("node '" + node + "' cannot read all nodes, only its own Node object");
  }
  return no_opinion("node '" + node + "' cannot read '" + wanted.name +
                    "', only its own Node object");
}

}  // namespace

bool is_node(const User& user) {
  return user.name.starts_with(kNodePrefix) && user.in_group("system:nodes");
}

std::string node_of(const User& user) {
  return is_node(user) ? user.name.substr(kNodePrefix.size()) : std::string();
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

NodeAuthorizer::NodeAuthorizer(store::Store& store, std::vector<Rule> rules)
    : store_(store),
      rules_(std::move(rules)),
      pod_follower_(store, "pods", [this] { stale_ = true; }),
      volume_follower_(store, "persistentvolumes", [this] { stale_ = true; }) {}

std::optional<Decision> NodeAuthorizer::decide(const User& user, const Attributes& wanted, bool) {
  if (!is_node(user)) return no_opinion();
  const std::string node = node_of(user);
  if (node.empty()) return no_opinion("unknown node for user " + quoted(user.name));
  return of_node(node, wanted);
}

void NodeAuthorizer::list_rules(const User& user, const std::string&, RuleSet& out) {
  if (!is_node(user)) return;
  out.is_incomplete = true;
  out.errors.emplace_back("node authorizer does not support user rule resolution");
}

Decision NodeAuthorizer::of_node(const std::string& node, const Attributes& wanted) {
  const auto if_related = [&](Decision first) {
    return first.verdict == Verdict::kAllow ? related(node, wanted) : first;
  };
  const std::string& resource = wanted.resource;
  if (wanted.is_resource && wanted.group.empty()) {
    if (resource == "secrets" || resource == "configmaps") {
      return if_related(check_read(wanted, true));
    }
    if (resource == "persistentvolumeclaims" && wanted.subresource == "status") {
      if (!is_one_of(wanted.verb, {"update", "patch"})) {
        return no_opinion("can only get/update/patch this type");
      }
      return related(node, wanted);
    }
    if (resource == "persistentvolumeclaims" || resource == "persistentvolumes") {
      return if_related(check_read(wanted, false));
    }
    if (resource == "serviceaccounts") return if_related(check_account(wanted));
    if (resource == "nodes") return check_node(node, wanted);
    if (resource == "pods") return of_pod(node, wanted);
  } else if (wanted.is_resource) {
    const std::string& group = wanted.group;
    if (group == "resource.k8s.io" && resource == "resourceclaims") {
      return if_related(check_read(wanted, false));
    }
    if (group == "resource.k8s.io" && resource == "resourceslices") return of_slice(node, wanted);
    if (group == "certificates.k8s.io" && resource == "podcertificaterequests") {
      return of_pod_certificate(node, wanted);
    }
    if (group == "storage.k8s.io" && resource == "volumeattachments") {
      return if_related(check_read(wanted, false));
    }
    if (group == "storage.k8s.io" && resource == "csinodes") {
      return check_own(node, wanted, "CSINode", "CSINode");
    }
    if (group == "coordination.k8s.io" && resource == "leases") {
      return check_own(node, wanted, "node lease", "node lease");
    }
  }
  const bool is_allowed =
      std::ranges::any_of(rules_, [&](const Rule& rule) { return rule.allows(wanted); });
  return is_allowed ? allowed() : no_opinion();
}

Decision NodeAuthorizer::of_slice(const std::string& node, const Attributes& wanted) {
  if (!wanted.subresource.empty()) {
    return no_opinion("cannot authorize ResourceSlice subresources");
  }
  if (wanted.verb == "create") return allowed();  // Admission looks at its node.
  if (is_one_of(wanted.verb, {"get", "update", "patch", "delete"})) return related(node, wanted);
  if (!is_one_of(wanted.verb, {"watch", "list", "deletecollection"})) {
    return no_opinion(
        "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, "
        "update, patch, delete, deletecollection");
  }
  if (selects(wanted, "spec.nodeName", node)) return allowed();
  return no_opinion(
      "can only list/watch/deletecollection resourceslices with nodeName field selector");
}

Decision NodeAuthorizer::of_pod_certificate(const std::string& node, const Attributes& wanted) {
  const std::string& verb = wanted.verb;
  if (!wanted.subresource.empty()) {
    return no_opinion("nodes may not access the status subresource of PodCertificateRequests");
  }
  if (verb == "create") return allowed();  // Admission looks at its node.
  if (verb == "get") return related(node, wanted);
  if (!is_one_of(verb, {"list", "watch"})) {
    return no_opinion("nodes may not " + verb + " podcertificaterequests");
  }
  if (selects(wanted, "spec.nodeName", node)) return allowed();
  return no_opinion("can only list/watch podcertificaterequests with nodeName field selector");
}

Decision NodeAuthorizer::of_pod(const std::string& node, const Attributes& wanted) {
  const std::string& verb = wanted.verb;
  // What it may create, change and delete: admission sees to it.
  if (wanted.subresource == "status") {
    return is_one_of(verb, {"update", "patch"}) ? allowed() : no_opinion();
  }
  if (wanted.subresource == "eviction") return verb == "create" ? allowed() : no_opinion();
  if (!wanted.subresource.empty()) return no_opinion();
  if (is_one_of(verb, {"create", "delete"})) return allowed();
  if (verb == "get") return related(node, wanted);
  if (!is_one_of(verb, {"list", "watch"})) return no_opinion();
  if (selects(wanted, "spec.nodeName", node)) return allowed();
  if (!wanted.name.empty()) return related(node, wanted);
  return no_opinion("can only list/watch pods with spec.nodeName field selector");
}

Decision NodeAuthorizer::related(const std::string& node, const Attributes& wanted) {
  if (wanted.name.empty()) return no_opinion("No Object name found");
  if (is_related(node, wanted)) return allowed();
  return no_opinion("no relationship found between node '" + node + "' and this object");
}

bool NodeAuthorizer::is_related(const std::string& node, const Attributes& wanted) {
  const std::string& resource = wanted.resource;
  const bool has_owner = resource == "persistentvolumes" || resource == "volumeattachments" ||
                         resource == "resourceslices" || resource == "podcertificaterequests";
  if (!has_owner) {
    const std::string reference = resource + "/" + wanted.ns + "/" + wanted.name;
    const std::lock_guard lock(mutex_);
    refresh();
    return refers(node, reference) || (resource == "secrets" && volume_refers(node, reference));
  }
  const std::string prefix = wanted.group.empty() ? "" : wanted.group + "/";
  const auto found = store_.get({prefix + resource, wanted.ns, wanted.name});
  if (!found) return false;
  api::Arena arena;
  const auto parsed = parse_stored(arena, **found);
  const auto* spec = parsed ? parsed->find("spec") : nullptr;
  if (spec == nullptr) return false;
  if (resource != "persistentvolumes") return spec->string_at("nodeName") == node;
  const std::lock_guard lock(mutex_);
  refresh();
  return refers(node, claim_of(*parsed));
}

bool NodeAuthorizer::refers(const std::string& node, const std::string& reference) const {
  const auto found = by_node_.find(node);
  return found != by_node_.end() && found->second.contains(reference);
}

bool NodeAuthorizer::volume_refers(const std::string& node, const std::string& secret) const {
  const auto found = claims_of_secret_.find(secret);
  return found != claims_of_secret_.end() &&
         std::ranges::any_of(found->second,
                             [&](const std::string& claim) { return refers(node, claim); });
}

void NodeAuthorizer::refresh() {
  if (!stale_.exchange(false)) return;
  const auto restart_pods = [this](const store::Snapshot& snapshot) {
    pods_.clear();
    by_node_.clear();
    for (const auto& object : snapshot.objects) add_pod(*object);
  };
  const auto restart_volumes = [this](const store::Snapshot& snapshot) {
    volumes_.clear();
    claims_of_secret_.clear();
    for (const auto& object : snapshot.objects) add_volume(*object);
  };
  const bool has_pods = pod_follower_.catch_up(
      restart_pods, [this](const store::Event& event) { take_pod_event(event); });
  const bool has_volumes =
      volume_follower_.catch_up(restart_volumes, [this](const store::Event& event) {
        remove_volume(event.object->key.name);
        if (event.type != store::Event::Type::kDeleted) add_volume(*event.object);
      });
  if (!has_pods || !has_volumes) stale_ = true;
}

void NodeAuthorizer::take_pod_event(const store::Event& event) {
  // Most changes are of what does not matter here.
  std::string room, previous_room;
  const auto keeps = [&](std::span<const std::string_view> path) {
    return api::find_in_json(event.object->json.read(room), path) ==
           api::find_in_json(event.previous->json.read(previous_room), path);
  };
  if (event.type == store::Event::Type::kModified && event.previous && keeps(kSpec) &&
      keeps(kClaimStatuses)) {
    return;
  }
  remove_pod(event.object->key);
  if (event.type != store::Event::Type::kDeleted) add_pod(*event.object);
}

void NodeAuthorizer::add_pod(const store::Object& object) {
  api::Arena arena;
  const auto parsed = parse_stored(arena, object);
  const auto* spec = parsed ? parsed->find("spec") : nullptr;
  if (spec == nullptr || spec->string_at("nodeName").empty()) return;
  Pod pod{std::string(spec->string_at("nodeName")), {}};
  // What a node's agent made itself gives it no rights to other objects.
  if (!parsed->find_path({"metadata", "annotations", "kubernetes.io/config.mirror"})) {
    pod.references = references_of_pod(*parsed);
    collect_more(*parsed, object.key, pod.references);
  }
  pod.references.insert("pods/" + object.key.ns + "/" + object.key.name);
  auto& counts = by_node_[pod.node];
  for (const auto& reference : pod.references) ++counts[reference];
  pods_[object.key.ns + "/" + object.key.name] = std::move(pod);
}

void NodeAuthorizer::remove_pod(const store::Key& key) {
  const auto found = pods_.find(key.ns + "/" + key.name);
  if (found == pods_.end()) return;
  auto& counts = by_node_[found->second.node];
  for (const auto& reference : found->second.references) {
    if (--counts[reference] == 0) counts.erase(reference);
  }
  if (counts.empty()) by_node_.erase(found->second.node);
  pods_.erase(found);
}

void NodeAuthorizer::add_volume(const store::Object& object) {
  api::Arena arena;
  const auto parsed = parse_stored(arena, object);
  if (!parsed) return;
  Volume volume{claim_of(*parsed), secrets_of(*parsed)};
  if (volume.secrets.empty()) return;
  for (const std::string& secret : volume.secrets) claims_of_secret_[secret].insert(volume.claim);
  volumes_[object.key.name] = std::move(volume);
}

void NodeAuthorizer::remove_volume(const std::string& name) {
  const auto found = volumes_.find(name);
  if (found == volumes_.end()) return;
  for (const std::string& secret : found->second.secrets) {
    auto& claims = claims_of_secret_[secret];
    claims.erase(claims.find(found->second.claim));
    if (claims.empty()) claims_of_secret_.erase(secret);
  }
  volumes_.erase(found);
}

}  // namespace pinnace::apiserver

// NodeRestriction: a node's agent writes about its own node and the pods on it, and nothing else.
//
// Why on by default here: every cluster that this server is in has node agents of its own.
#include <algorithm>
#include <set>

#include "api/json.h"
#include "apiserver/admission/node_restriction/node_labels.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"
#include "net/certificate_request.h"

namespace pinnace::apiserver {
namespace {

// One request of a node's agent.
struct NodeRequest {
  AdmissionRequest& request;
  const std::string& node;

  Change& change() const { return request.change; }
  std::string quoted_node() const { return "node \"" + node + "\""; }
  Unexpected refuse(std::string_view why) const { return admission_refusal(change(), why); }
  Unexpected refuse_node(std::string_view why) const {
    return refuse(quoted_node() + " " + std::string(why));
  }
  Result<api::Value> stored(std::string resource, std::string ns, std::string name,
                            std::string_view shown) const {
    const auto found = change().backend.store().get({std::move(resource), std::move(ns), name});
    if (!found) return errors::not_found(shown, name);
    return parse_stored(change().arena, **found);
  }
};

Result<void> check_owner(const NodeRequest& from, const api::Value& pod) {
  const auto owners = items_at(pod.find("metadata"), "ownerReferences");
  if (owners.size() > 1) {
    return from.refuse_node("can only create pods with a single owner reference set to itself");
  }
  if (owners.empty()) {
    return from.refuse_node("can only create pods with an owner reference set to itself");
  }
  const api::Value& owner = owners[0];
  if (owner.string_at("apiVersion") != "v1" || owner.string_at("kind") != "Node" ||
      owner.string_at("name") != from.node) {
    return from.refuse_node("can only create pods with an owner reference set to itself");
  }
  if (!owner.bool_at("controller")) {
    return from.refuse_node("can only create pods with a controller owner reference set to itself");
  }
  if (owner.bool_at("blockOwnerDeletion")) {
    return from.refuse_node("must not set blockOwnerDeletion on an owner reference");
  }
  const auto node = from.stored("nodes", "", from.node, "nodes");
  if (!node) return std::unexpected(node.error());
  const std::string expected(owner.string_at("uid")), got(meta_text(*node, "uid"));
  if (expected == got) return {};
  return from.refuse("node " + from.node + " UID mismatch: expected " + expected + " got " + got);
}

// What a volume has from the API, beside Secrets, ConfigMaps and claims.
std::string_view resource_of_volume(const api::Value& volume) {
  constexpr std::pair<std::string_view, std::string_view> kSources[] = {
      {"csi", "csidrivers (via CSI volumes)"},
      {"glusterfs", "endpoints (via glusterFS volumes)"},
      {"persistentVolumeClaim", "persistentvolumeclaims"},
      {"ephemeral", "persistentvolumeclaims (via ephemeral volumes)"},
  };
  constexpr std::pair<std::string_view, std::string_view> kProjected[] = {
      {"serviceAccountToken", "serviceaccounts (via projected volumes)"},
      {"clusterTrustBundle", "clustertrustbundles"},
      {"podCertificate", "podcertificates"},
  };
  for (const auto& [source, resource] : kSources) {
    if (volume.find(source) != nullptr) return resource;
  }
  for (const auto& projected : items_at(volume.find("projected"), "sources")) {
    for (const auto& [source, resource] : kProjected) {
      if (projected.find(source) != nullptr) return resource;
    }
  }
  return {};
}

// The first thing of the cluster that the pod refers to; "" for none.
std::string_view resource_of_pod(const api::Value& pod) {
  if (!spec_text(pod, "serviceAccountName").empty()) return "serviceaccounts";
  const auto references = references_of_pod(pod);
  for (const std::string_view resource : {"secrets", "configmaps"}) {
    const bool is_referred_to = std::ranges::any_of(references, [&](const std::string& one) {
      return one.starts_with(std::string(resource) + "/");
    });
    if (is_referred_to) return resource;
  }
  if (!items_at(pod.find("spec"), "resourceClaims").empty()) return "resourceclaims";
  for (const auto& volume : items_at(pod.find("spec"), "volumes")) {
    if (const auto resource = resource_of_volume(volume); !resource.empty()) return resource;
  }
  return {};
}

// What a mirror pod shows is on the node's disk: it refers to nothing of the cluster.
Result<void> check_references(const NodeRequest& from, const api::Value& pod) {
  const std::string_view resource = resource_of_pod(pod);
  if (resource.empty()) return {};
  return from.refuse_node("can not create pods that reference " + std::string(resource));
}

Result<void> check_pod(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (request.is(Operation::kDelete)) {
    if (spec_text(*request.old, "nodeName") == from.node) return {};
    return from.refuse_node("can only delete pods with spec.nodeName set to itself");
  }
  if (!request.is(Operation::kCreate)) {
    return from.refuse("unexpected operation \"UPDATE\", " + from.quoted_node() +
                       " can only create and delete mirror pods");
  }
  const api::Value& pod = *request.object;
  if (!is_mirror_pod(pod)) {
    return from.refuse("pod does not have \"" + std::string(kMirrorAnnotation) + "\" annotation, " +
                       from.quoted_node() + " can only create mirror pods");
  }
  if (spec_text(pod, "nodeName") != from.node) {
    return from.refuse_node("can only create pods with spec.nodeName set to itself");
  }
  if (auto ok = check_owner(from, pod); !ok) return ok;
  return check_references(from, pod);
}

Result<void> check_pod_status(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (!request.is(Operation::kUpdate)) {
    return from.refuse(request.is(Operation::kDelete) ? "unexpected operation \"DELETE\""
                                                      : "unexpected operation \"CREATE\"");
  }
  if (spec_text(*request.old, "nodeName") != from.node) {
    return from.refuse_node("can only update pod status for pods with spec.nodeName set to itself");
  }
  static const api::Value kNone = api::Value::object();
  const auto part = [](const api::Value& object, std::string_view half, std::string_view key) {
    const auto* found = object.find_path({half, key});
    return found == nullptr ? &kNone : found;
  };
  if (!api::equal(*part(*request.old, "metadata", "labels"),
                  *part(*request.object, "metadata", "labels"))) {
    return from.refuse_node("cannot update labels through pod status");
  }
  struct Kept {
    std::string_view field, refusal;
  };
  for (const auto& [field, refusal] :
       {Kept{"resourceClaimStatuses", "cannot update resource claim statues"},
        Kept{"extendedResourceClaimStatus", "cannot update extended resource claim status"}}) {
    if (!api::equal(*part(*request.old, "status", field),
                    *part(*request.object, "status", field))) {
      return from.refuse_node(refusal);
    }
  }
  return {};
}

Result<void> check_eviction(const NodeRequest& from) {
  const auto pod = from.stored("pods", from.change().ns, from.change().name, "pods");
  if (!pod) return std::unexpected(pod.error());
  if (spec_text(*pod, "nodeName") == from.node) return {};
  return from.refuse("node " + from.node + " can only evict pods with spec.nodeName set to itself");
}

Result<void> check_any_pod(const NodeRequest& from) {
  const std::string& subresource = from.change().subresource;
  if (subresource.empty()) return check_pod(from);
  if (subresource == "status") return check_pod_status(from);
  if (subresource == "eviction") return check_eviction(from);
  return from.refuse("unexpected pod subresource \"" + subresource +
                     "\", only 'status' and 'eviction' are allowed");
}

bool differs(const api::Value& a, const api::Value& b,
             std::initializer_list<std::string_view> path) {
  const auto *left = a.find_path(path), *right = b.find_path(path);
  const bool has_left = left != nullptr && !left->empty();
  const bool has_right = right != nullptr && !right->empty();
  return has_left != has_right || (has_left && !api::equal(*left, *right));
}

Result<void> check_node(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (from.change().name != from.node) {
    return from.refuse_node("is not allowed to modify node \"" + from.change().name + "\"");
  }
  if (request.is(Operation::kDelete)) return {};
  const auto* source = request.object->find_path({"spec", "configSource"});
  if (request.is(Operation::kCreate) && source != nullptr) {
    return from.refuse_node("is not allowed to create pods with a non-nil configSource");
  }
  if (request.is(Operation::kUpdate)) {
    if (source != nullptr && differs(*request.old, *request.object, {"spec", "configSource"})) {
      return from.refuse_node(
          "is not allowed to update configSource to a new non-nil configSource");
    }
    if (differs(*request.old, *request.object, {"spec", "taints"})) {
      return from.refuse_node("is not allowed to modify taints");
    }
    if (differs(*request.old, *request.object, {"metadata", "ownerReferences"})) {
      return from.refuse_node("is not allowed to modify ownerReferences");
    }
  }
  const auto labels = forbidden_label_changes(
      request.old == nullptr ? nullptr : request.old->find_path({"metadata", "labels"}),
      request.object->find_path({"metadata", "labels"}));
  if (labels.empty()) return {};
  const std::string all = join(labels, ", ");
  if (request.is(Operation::kUpdate)) return from.refuse("is not allowed to modify labels: " + all);
  return from.refuse_node("is not allowed to set the following labels: " + all);
}

// Of a claim the agent may say what came of a resize.
Result<void> check_claim(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (from.change().subresource != "status" || !request.is(Operation::kUpdate)) {
    return from.refuse("may only update PVC status");
  }
  const auto rest = [&](const api::Value& claim) {
    api::Value copy = api::deep_copy(from.change().arena, claim);
    if (auto* status = copy.find("status")) {
      for (const char* key :
           {"capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"}) {
        status->erase(key);
      }
    }
    if (auto* meta = copy.find("metadata")) {
      meta->erase("managedFields");
      meta->erase("resourceVersion");
    }
    return copy;
  };
  if (api::equal(rest(*request.old), rest(*request.object))) return {};
  return from.refuse_node(
      "is not allowed to update fields other than status.quantity and "
      "status.conditions");
}

// The CSI driver behind a claim; "" where it is bound to none.
std::string driver_of_claim(const NodeRequest& from, std::string name) {
  const auto claim = from.stored("persistentvolumeclaims", from.change().ns, std::move(name),
                                 "persistentvolumeclaims");
  if (!claim) return {};
  const auto volume = from.stored(
      "persistentvolumes", "", std::string(spec_text(*claim, "volumeName")), "persistentvolumes");
  const auto* source = volume ? volume->find_path({"spec", "csi"}) : nullptr;
  return std::string(source == nullptr ? "" : source->string_at("driver"));
}

bool driver_asks_for(const NodeRequest& from, std::string name, std::string_view audience) {
  const auto driver =
      from.stored("storage.k8s.io/csidrivers", "", std::move(name), "csidrivers.storage.k8s.io");
  if (!driver) return false;
  return std::ranges::any_of(
      items_at(driver->find("spec"), "tokenRequests"),
      [&](const api::Value& wanted) { return wanted.string_at("audience") == audience; });
}

// Whether a volume of the pod, or the driver behind it, asks for tokens of this audience; ""
// stands for the server's default.
bool pod_asks_for(const NodeRequest& from, const api::Value& pod, std::string_view audience) {
  for (const auto& volume : items_at(pod.find("spec"), "volumes")) {
    for (const auto& source : items_at(volume.find("projected"), "sources")) {
      const auto* token = source.find("serviceAccountToken");
      if (token != nullptr && token->string_at("audience") == audience) return true;
    }
    std::string driver;
    if (const auto* own = volume.find("csi")) {
      driver = own->string_at("driver");
    } else if (const auto* claim = volume.find("persistentVolumeClaim")) {
      driver = driver_of_claim(from, std::string(claim->string_at("claimName")));
    } else if (volume.find("ephemeral") != nullptr) {
      driver = driver_of_claim(
          from, std::string(meta_text(pod, "name")) + "-" + std::string(volume.string_at("name")));
    }
    if (!driver.empty() && driver_asks_for(from, std::move(driver), audience)) return true;
  }
  return false;
}

Result<void> check_audiences(const NodeRequest& from, const api::Value& pod) {
  const auto* spec = from.request.object->find("spec");
  const auto audiences = items_at(spec, "audiences");
  const std::string_view wanted =
      audiences.empty() || !audiences[0].is_string() ? "" : audiences[0].as_string();
  if (audiences.size() > 1) {
    return from.refuse("node may only request 0 or 1 audiences");
  }
  if (pod_asks_for(from, pod, wanted)) return {};
  Attributes granted;
  granted.verb = "request-serviceaccounts-token-audience";
  granted.resource = wanted;
  granted.ns = from.change().ns;
  granted.name = from.change().name;
  if (may_user(from.request, granted)) return {};
  return from.refuse("audience \"" + std::string(wanted) + "\" not found in pod spec volume, " +
                     from.change().call.user.name +
                     " is not authorized to request tokens for this audience");
}

Result<void> check_service_account(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (!request.is(Operation::kCreate) || from.change().subresource != "token") return {};
  const auto* bound = request.object->find_path({"spec", "boundObjectRef"});
  if (bound == nullptr || bound->string_at("apiVersion") != "v1" ||
      bound->string_at("kind") != "Pod" || bound->string_at("name").empty()) {
    return from.refuse("node requested token not bound to a pod");
  }
  const std::string uid(bound->string_at("uid"));
  if (uid.empty()) return from.refuse("node requested token with a pod binding without a uid");
  const auto pod =
      from.stored("pods", from.change().ns, std::string(bound->string_at("name")), "pods");
  if (!pod) return std::unexpected(pod.error());
  if (uid != meta_text(*pod, "uid")) {
    return from.refuse("the UID in the bound object reference (" + uid +
                       ") does not match the UID in record. The object might have been deleted "
                       "and then recreated");
  }
  if (spec_text(*pod, "nodeName") != from.node) {
    return from.refuse("node requested token bound to a pod scheduled on a different node");
  }
  return check_audiences(from, *pod);
}

Result<void> check_lease(const NodeRequest& from) {
  if (from.change().ns != "kube-node-lease") {
    return from.refuse("can only access leases in the \"kube-node-lease\" system namespace");
  }
  if (from.change().name == from.node) return {};
  return from.refuse("can only access node lease with the same name as the requesting node");
}

Result<void> check_csi_node(const NodeRequest& from) {
  if (from.change().name == from.node) return {};
  return from.refuse("can only access CSINode with the same name as the requesting node");
}

Result<void> check_resource_slice(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (request.is(Operation::kUpdate)) return {};  // The Node authorizer has looked at it.
  const api::Value& slice = request.old != nullptr ? *request.old : *request.object;
  if (spec_text(slice, "nodeName") == from.node) return {};
  return from.refuse(request.is(Operation::kDelete)
                         ? "can only delete ResourceSlice with the same NodeName as the requesting "
                           "node"
                         : "can only create ResourceSlice with the same NodeName as the requesting "
                           "node");
}

// A certificate for nodes is for the node itself.
Result<void> check_certificate_request(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (!request.is(Operation::kCreate)) return {};
  const std::string_view signer = spec_text(*request.object, "signerName");
  if (signer != "kubernetes.io/kubelet-serving" &&
      signer != "kubernetes.io/kube-apiserver-client-kubelet") {
    return {};
  }
  const auto pem = base64_decode(spec_text(*request.object, "request"));
  const auto asked = pem ? net::inspect_request(*pem) : errors::bad_request("not base64");
  if (!asked) return from.refuse("unable to parse csr: " + asked.error().message);
  const std::string own = "system:node:" + from.node;
  if (asked->common_name == own) return {};
  return from.refuse("can only create a node CSR with CN=" + own);
}

// What a request for a pod's certificate says of another object. Whoever asks may have seen an
// older one, so that this is no refusal: he may try again.
Result<api::Value> named_in_request(const NodeRequest& from, const char* resource, std::string ns,
                                    std::string_view name, const std::string& shown) {
  auto found = from.stored(resource, std::move(ns), std::string(name), resource);
  if (found) return found;
  return errors::unexplained("while retrieving " + shown +
                             " named in the PodCertificateRequest: " + found.error().message);
}

// A certificate is for a pod that runs on the node, as the service account that the pod has.
Result<void> check_pod_certificate(const NodeRequest& from) {
  const AdmissionRequest& request = from.request;
  if (!request.is(Operation::kCreate)) {
    return from.refuse(request.is(Operation::kDelete) ? "unexpected operation DELETE"
                                                      : "unexpected operation UPDATE");
  }
  const auto said = [&](std::string_view key) {
    return std::string(spec_text(*request.object, key));
  };
  const std::string &ns = from.change().ns, named_node = said("nodeName");
  const std::string pod_name = said("podName"), account_name = said("serviceAccountName");
  const std::string shown_pod = quoted(ns + "/" + pod_name);
  const std::string of_pod = "PodCertificateRequest for pod " + shown_pod;
  if (named_node != from.node) {
    return from.refuse("PodCertificateRequest.Spec.NodeName=" + quoted(named_node) +
                       ", which is not the requesting node " + quoted(from.node));
  }
  const auto node = named_in_request(from, "nodes", "", named_node, "node " + quoted(named_node));
  if (!node) return std::unexpected(node.error());
  if (said("nodeUID") != meta_text(*node, "uid")) {
    return errors::unexplained(of_pod + " names node UID " + quoted(said("nodeUID")) +
                               ", inconsistent with the running node (" +
                               quoted(meta_text(*node, "uid")) + ")");
  }
  const auto pod = named_in_request(from, "pods", ns, pod_name, "pod " + shown_pod);
  if (!pod) return std::unexpected(pod.error());
  if (said("podUID") != meta_text(*pod, "uid")) {
    return errors::unexplained(of_pod + " contains pod UID (" + quoted(said("podUID")) +
                               ") which differs from running pod " +
                               quoted(meta_text(*pod, "uid")));
  }
  if (spec_text(*pod, "nodeName") != named_node) {
    return from.refuse("pod " + shown_pod + " is not running on node " + quoted(named_node) +
                       " named in the PodCertificateRequest");
  }
  if (is_mirror_pod(*pod)) return from.refuse("pod " + shown_pod + " is a mirror pod");
  if (account_name != spec_text(*pod, "serviceAccountName")) {
    return from.refuse(of_pod + " contains serviceAccountName (" + quoted(account_name) +
                       ") that differs from running pod (" +
                       quoted(spec_text(*pod, "serviceAccountName")) + ")");
  }
  const auto account = named_in_request(from, "serviceaccounts", ns, account_name,
                                        "service account " + quoted(ns + "/" + account_name));
  if (!account) return std::unexpected(account.error());
  if (said("serviceAccountUID") == meta_text(*account, "uid")) return {};
  return errors::unexplained(of_pod + " names service account UID " +
                             quoted(said("serviceAccountUID")) +
                             ", which differs from the running service account (" +
                             quoted(meta_text(*account, "uid")) + ")");
}

constexpr struct {
  std::string_view resource;
  Result<void> (*check)(const NodeRequest&);
} kChecks[] = {
    {"pods", check_any_pod},
    {"nodes", check_node},
    {"persistentvolumeclaims", check_claim},
    {"serviceaccounts", check_service_account},
    {"coordination.k8s.io/leases", check_lease},
    {"storage.k8s.io/csinodes", check_csi_node},
    {"resource.k8s.io/resourceslices", check_resource_slice},
    {"certificates.k8s.io/certificatesigningrequests", check_certificate_request},
    {"certificates.k8s.io/podcertificaterequests", check_pod_certificate},
};

Result<void> restrict_node(AdmissionRequest& request) {
  const User& user = request.change.call.user;
  if (!is_node(user)) return {};
  const std::string node = node_of(user);
  if (node.empty()) {
    return admission_refusal(request.change,
                             "could not determine node from user \"" + user.name + "\"");
  }
  for (const auto& [resource, check] : kChecks) {
    if (resource == request.resource()) return check({request, node});
  }
  return {};
}

}  // namespace

constinit const AdmissionPlugin kNodeRestriction{.name = "NodeRestriction",
                                                 .resources = "",
                                                 .subresources = "*",
                                                 .operations = kWrites | kDeletes,
                                                 .mutate = restrict_node};

}  // namespace pinnace::apiserver

#include "apiserver/fairness/default_objects.h"

#include <vector>

#include "api/defaults.h"
#include "api/schema.h"
#include "api/yaml.h"
#include "apiserver/registry/object_meta.h"
#include "base/assert.h"

namespace pinnace::apiserver::fairness {
namespace {

constexpr std::string_view kText = R"yaml(
priorityLevels:
- name: exempt
  mandatory: true
  spec: {type: Exempt, exempt: {nominalConcurrencyShares: 0, lendablePercent: 0}}
- name: catch-all
  mandatory: true
  spec:
    type: Limited
    limited: {nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: {type: Reject}}
- name: system
  spec:
    type: Limited
    limited:
      nominalConcurrencyShares: 30
      lendablePercent: 33
      limitResponse: &few
        type: Queue
        queuing: {queues: 64, handSize: 6, queueLengthLimit: 50}
- name: node-high
  spec:
    type: Limited
    limited: {nominalConcurrencyShares: 40, lendablePercent: 25, limitResponse: *few}
- name: leader-election
  spec:
    type: Limited
    limited:
      nominalConcurrencyShares: 10
      lendablePercent: 0
      limitResponse:
        type: Queue
        queuing: {queues: 16, handSize: 4, queueLengthLimit: 50}
- name: workload-high
  spec:
    type: Limited
    limited:
      nominalConcurrencyShares: 40
      lendablePercent: 50
      limitResponse: &many
        type: Queue
        queuing: {queues: 128, handSize: 6, queueLengthLimit: 50}
- name: workload-low
  spec:
    type: Limited
    limited: {nominalConcurrencyShares: 100, lendablePercent: 90, limitResponse: *many}
- name: global-default
  spec:
    type: Limited
    limited: {nominalConcurrencyShares: 20, lendablePercent: 50, limitResponse: *many}

flowSchemas:
- name: exempt
  mandatory: true
  spec:
    priorityLevelConfiguration: {name: exempt}
    matchingPrecedence: 1
    rules:
    - subjects: [{kind: Group, group: {name: "system:masters"}}]
      resourceRules: &all-resources
      - {verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"]}
      nonResourceRules: &all-urls
      - {verbs: ["*"], nonResourceURLs: ["*"]}
- name: catch-all
  mandatory: true
  spec:
    priorityLevelConfiguration: {name: catch-all}
    matchingPrecedence: 10000
    distinguisherMethod: {type: ByUser}
    rules:
    - subjects: &everybody
      - {kind: Group, group: {name: "system:unauthenticated"}}
      - {kind: Group, group: {name: "system:authenticated"}}
      resourceRules: *all-resources
      nonResourceRules: *all-urls
- name: probes
  spec:
    priorityLevelConfiguration: {name: exempt}
    matchingPrecedence: 2
    rules:
    - subjects: *everybody
      nonResourceRules:
      - {verbs: [get], nonResourceURLs: [/healthz, /readyz, /livez]}
- name: system-leader-election
  spec:
    priorityLevelConfiguration: {name: leader-election}
    matchingPrecedence: 100
    distinguisherMethod: {type: ByUser}
    rules:
    - subjects:
      - {kind: User, user: {name: "system:kube-controller-manager"}}
      - {kind: User, user: {name: "system:kube-scheduler"}}
      - {kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: "*"}}
      resourceRules:
      - verbs: [get, create, update]
        apiGroups: [coordination.k8s.io]
        resources: [leases]
        namespaces: ["*"]
- name: system-node-high
  spec:
    priorityLevelConfiguration: {name: node-high}
    matchingPrecedence: 400
    distinguisherMethod: {type: ByUser}
    rules:
    - subjects: &nodes
      - {kind: Group, group: {name: "system:nodes"}}
      resourceRules:
      - verbs: ["*"]
        apiGroups: [""]
        resources: [nodes, nodes/status]
        clusterScope: true
        namespaces: ["*"]
      - verbs: ["*"]
        apiGroups: [coordination.k8s.io]
        resources: [leases]
        namespaces: ["*"]
- name: system-nodes
  spec:
    priorityLevelConfiguration: {name: system}
    matchingPrecedence: 500
    distinguisherMethod: {type: ByUser}
    rules:
    - {subjects: *nodes, resourceRules: *all-resources, nonResourceRules: *all-urls}
- name: kube-controller-manager
  spec:
    priorityLevelConfiguration: {name: workload-high}
    matchingPrecedence: 800
    distinguisherMethod: {type: ByNamespace}
    rules:
    - subjects: [{kind: User, user: {name: "system:kube-controller-manager"}}]
      resourceRules: *all-resources
      nonResourceRules: *all-urls
- name: kube-scheduler
  spec:
    priorityLevelConfiguration: {name: workload-high}
    matchingPrecedence: 800
    distinguisherMethod: {type: ByNamespace}
    rules:
    - subjects: [{kind: User, user: {name: "system:kube-scheduler"}}]
      resourceRules: *all-resources
      nonResourceRules: *all-urls
- name: kube-system-service-accounts
  spec:
    priorityLevelConfiguration: {name: workload-high}
    matchingPrecedence: 900
    distinguisherMethod: {type: ByNamespace}
    rules:
    - subjects:
      - {kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: "*"}}
      resourceRules: *all-resources
      nonResourceRules: *all-urls
- name: service-accounts
  spec:
    priorityLevelConfiguration: {name: workload-low}
    matchingPrecedence: 9000
    distinguisherMethod: {type: ByUser}
    rules:
    - subjects: [{kind: Group, group: {name: "system:serviceaccounts"}}]
      resourceRules: *all-resources
      nonResourceRules: *all-urls
- name: global-default
  spec:
    priorityLevelConfiguration: {name: global-default}
    matchingPrecedence: 9900
    distinguisherMethod: {type: ByUser}
    rules:
    - {subjects: *everybody, resourceRules: *all-resources, nonResourceRules: *all-urls}
)yaml";

constexpr std::string_view kGroup = "flowcontrol.apiserver.k8s.io";

struct Defaults {
  api::Arena arena{64 << 10};
  std::vector<DefaultObject> all;

  Defaults() {
    const auto root = api::parse_yaml(arena, kText);
    PINNACE_ASSERT(root.has_value());
    add(*root->find("priorityLevels"), "prioritylevelconfigurations", false);
    add(*root->find("flowSchemas"), "flowschemas", true);
  }

 private:
  void add(const api::Value& list, std::string_view resource, bool is_schema) {
    const api::TypeInfo& type = *api::builtin_schema().find_resource(kGroup, "v1", resource)->type;
    for (const api::Value& entry : list.items()) {
      api::Value tree = api::Value::object();
      tree.ensure_object(arena, "metadata").set_ref(arena, "name", *entry.find("name"));
      tree.set_ref(arena, "spec", *entry.find("spec"));
      api::apply_defaults(arena, tree, type);
      all.push_back(
          {std::string(entry.string_at("name")), is_schema, entry.bool_at("mandatory"), tree});
    }
  }
};

const Defaults& defaults() {
  static const Defaults* const made = new Defaults;
  return *made;
}

}  // namespace

std::span<const DefaultObject> default_objects() { return defaults().all; }

const DefaultObject* find_default(bool is_schema, std::string_view name) {
  for (const DefaultObject& object : default_objects()) {
    if (object.is_schema == is_schema && object.name == name) return &object;
  }
  return nullptr;
}

bool has_default_spec(const DefaultObject& wanted, const api::Value& spec) {
  const api::Value& own = *wanted.tree.find("spec");
  if (wanted.is_schema || wanted.name != kExempt) return api::equal(own, spec);
  return spec.string_at("type") == "Exempt" && spec.find("exempt") != nullptr &&
         spec.find("limited") == nullptr;
}

bool revise(api::Arena& arena, const DefaultObject& wanted, api::Value& object) {
  const api::Value* annotation = object.find_path({"metadata", "annotations", kAutoUpdate});
  const std::string_view said =
      annotation != nullptr && annotation->is_string() ? annotation->as_string() : "";
  const api::Value* meta = object.find("metadata");
  const std::int64_t generation = meta == nullptr ? 0 : meta->int_at("generation");
  const bool is_ours =
      wanted.is_mandatory || said == "true" || (said != "false" && generation == 1);
  const std::string_view says = is_ours ? "true" : "false";
  const api::Value* spec = object.find("spec");
  const bool puts_spec = is_ours && (spec == nullptr || !has_default_spec(wanted, *spec));
  if (!puts_spec && said == says) return false;
  api::Value& kept = meta_of(arena, object);
  if (said != says) {
    kept.ensure_object(arena, "annotations")
        .set_ref(arena, kAutoUpdate, api::Value::string_ref(says));
  }
  if (puts_spec) {
    object.set_ref(arena, "spec", *wanted.tree.find("spec"));
    kept.set_ref(arena, "generation", api::Value::integer(generation + 1));
  }
  return true;
}

bool is_obsolete(bool is_schema, const api::Value& object) {
  const api::Value* annotation = object.find_path({"metadata", "annotations", kAutoUpdate});
  return annotation != nullptr && annotation->is_string() && annotation->as_string() == "true" &&
         find_default(is_schema, meta_text(object, "name")) == nullptr;
}

}  // namespace pinnace::apiserver::fairness

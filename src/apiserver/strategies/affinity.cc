// Where a pod may run: affinity and spreading.
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {
namespace {

void validate_weight(const Field& weight) {
  if (weight.number() < 1 || weight.number() > 100) weight.invalid("must be in the range 1-100");
}

void validate_node_affinity(const Field& affinity) {
  const Field required = affinity["requiredDuringSchedulingIgnoredDuringExecution"];
  if (required.is_set()) validate_node_selector(required);
  for (const Field& term : affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()) {
    validate_weight(term["weight"]);
    for (const Field& one : term["preference"]["matchExpressions"].items()) {
      const Field key = one["key"];
      key.each(api::check_qualified_name(key.text()));
    }
  }
}

void validate_pod_affinity_term(const Field& term) {
  validate_label_selector(term["labelSelector"]);
  validate_label_selector(term["namespaceSelector"]);
  for (const Field& ns : term["namespaces"].items()) {
    ns.each(api::check_dns1123_label(ns.text()));
  }
  const Field key = term["topologyKey"];
  if (key.empty()) return key.required("can not be empty");
  key.each(api::check_qualified_name(key.text()));
}

void validate_pod_affinity(const Field& affinity) {
  for (const Field& term : affinity["requiredDuringSchedulingIgnoredDuringExecution"].items()) {
    validate_pod_affinity_term(term);
  }
  for (const Field& one : affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()) {
    validate_weight(one["weight"]);
    validate_pod_affinity_term(one["podAffinityTerm"]);
  }
}

}  // namespace

void validate_affinity(const Field& affinity) {
  if (!affinity.is_set()) return;
  validate_node_affinity(affinity["nodeAffinity"]);
  validate_pod_affinity(affinity["podAffinity"]);
  validate_pod_affinity(affinity["podAntiAffinity"]);
}

void validate_topology_spread(const Field& constraints) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const Field& constraint : constraints.items()) {
    const Field skew = constraint["maxSkew"];
    if (skew.number() <= 0) skew.invalid("must be greater than zero");
    const Field key = constraint["topologyKey"];
    if (key.empty())
      key.required("can not be empty");
    else
      key.each(api::check_qualified_name(key.text()));
    const Field when = constraint["whenUnsatisfiable"];
    const Field domains = constraint["minDomains"];
    if (domains.is_set()) {
      if (domains.number() <= 0) domains.invalid("must be greater than zero");
      if (when.text() != "DoNotSchedule") {
        domains.invalid("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not " +
                        std::string(when.text()));
      }
    }
    const std::string shown = "{" + std::string(key.text()) + ", " + std::string(when.text()) + "}";
    if (!pairs.emplace(key.text(), when.text()).second) {
      constraint.as(constraint.path() + ".{topologyKey, whenUnsatisfiable}")
          .duplicate_value(quoted(shown));
    }
    validate_label_selector(constraint["labelSelector"]);
  }
}

}  // namespace pinnace::apiserver

// Where a pod may run: affinity and spreading.
#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

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
    validate_node_selector_term(term["preference"], false);
  }
}

using Texts = std::set<std::string, std::less<>>;

// Keys whose values the pod's own labels give. They need a selector to go into.
void validate_label_keys(const Field& keys, const Field& selector) {
  if (keys.empty()) return;
  if (!selector.is_set()) {
    return keys.forbidden("must not be specified when labelSelector is not set");
  }
  for (const Field& key : keys.items()) key.each(api::check_qualified_name(key.text()));
}

// A key may not be said in the selector too: it is put there when the pod is made, and is then
// there twice.
void validate_term_keys(const Field& term) {
  const Field selector = term["labelSelector"];
  const Field match = term["matchLabelKeys"];
  const Field mismatch = term["mismatchLabelKeys"];
  validate_label_keys(match, selector);
  validate_label_keys(mismatch, selector);
  const auto match_keys = match.items();
  std::map<std::string_view, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < match_keys.size(); ++i) places[match_keys[i].text()].push_back(i);
  Texts seen;
  for (const auto& [key, value] : selector["matchLabels"].entries()) seen.emplace(key);
  for (const Field& expression : selector["matchExpressions"].items()) {
    const std::string_view key = expression["key"].text();
    const auto found = places.find(key);
    if (seen.emplace(key).second || found == places.end()) continue;
    for (const std::size_t i : found->second) {
      match_keys[i]
          .as(term.path() + "[" + std::to_string(i) + "]")
          .invalid("exists in both matchLabelKeys and labelSelector");
    }
  }
  Texts others;
  for (const Field& key : mismatch.items()) others.emplace(key.text());
  for (const Field& key : match_keys) {
    if (!others.contains(key.text())) continue;
    key.invalid("exists in both matchLabelKeys and mismatchLabelKeys");
  }
}

void validate_pod_affinity_term(const Field& term) {
  validate_label_selector(term["labelSelector"]);
  validate_label_selector(term["namespaceSelector"]);
  for (const Field& ns : term["namespaces"].items()) {
    ns.as(term["namespace"]).each(api::check_dns1123_label(ns.text()));
  }
  validate_term_keys(term);
  const Field key = term["topologyKey"];
  if (key.empty()) key.required("can not be empty");
  for (const auto& text : api::check_qualified_name(key.text())) {
    key.invalid_value(quoted(key.text()), text);
  }
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
  const auto all = constraints.items();
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> last;
  for (std::size_t i = 0; i < all.size(); ++i) {
    last[{all[i]["topologyKey"].text(), all[i]["whenUnsatisfiable"].text()}] = i;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Field& constraint = all[i];
    const Field skew = constraint["maxSkew"];
    if (skew.number() <= 0) {
      skew.invalid_value(std::to_string(skew.number()), "must be greater than zero");
    }
    const Field key = constraint["topologyKey"];
    const Field when = constraint["whenUnsatisfiable"];
    if (key.empty()) key.required("can not be empty");
    if (!when.is_among({"DoNotSchedule", "ScheduleAnyway"})) {
      when.not_supported_value(quoted(when.text()), {"DoNotSchedule", "ScheduleAnyway"});
    }
    if (last[{key.text(), when.text()}] != i) {
      const std::string pair =
          "{" + std::string(key.text()) + ", " + std::string(when.text()) + "}";
      constraint.as(constraint["{topologyKey, whenUnsatisfiable}"]).duplicate_value(quoted(pair));
    }
    const Field domains = constraint["minDomains"];
    if (domains.is_set()) {
      if (domains.number() <= 0) domains.invalid("must be greater than zero");
      if (!when.is("DoNotSchedule")) {
        domains.invalid("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not " +
                        std::string(when.text()));
      }
    }
    for (const char* policy : {"nodeAffinityPolicy", "nodeTaintsPolicy"}) {
      constraint[policy].one_of_if_set({"Honor", "Ignore"});
    }
    validate_term_keys(constraint);
    validate_label_selector(constraint["labelSelector"]);
  }
}

}  // namespace pinnace::apiserver

#include "controllers/cluster_role_aggregation/plan.h"

#include <algorithm>

#include "api/selector.h"

namespace pinnace::controllers::cluster_role_aggregation {

std::optional<Rules> gather(const Role& role,
                            const std::vector<std::shared_ptr<const Role>>& roles) {
  const auto* aggregation = role.aggregation_rule.get();
  if (aggregation == nullptr) return {};
  std::vector<api::LabelSelector> selectors;
  for (const auto& selector : aggregation->cluster_role_selectors) {
    if (auto made = api::label_selector_of(selector)) selectors.push_back(std::move(*made));
  }
  Rules rules;
  for (const auto& other : roles) {
    if (other->metadata.name == role.metadata.name) continue;
    const bool matches = std::ranges::any_of(
        selectors, [&](const auto& selector) { return selector.matches(other->metadata.labels); });
    if (!matches) continue;
    for (const auto& rule : other->rules) {
      if (std::ranges::find(rules, rule) == rules.end()) rules.push_back(rule);
    }
  }
  if (rules == role.rules) return {};
  return rules;
}

}  // namespace pinnace::controllers::cluster_role_aggregation

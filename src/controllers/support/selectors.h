// Label selectors on typed objects.
#pragma once

#include <map>
#include <string>

#include "controllers/support/types.h"

namespace pinnace::controllers {

using Labels = std::map<std::string, std::string, std::less<>>;

// As in Kubernetes: no selector matches nothing, an empty one everything. An operator that is
// unknown matches nothing.
bool matches(const meta_v1::LabelSelector& selector, const Labels& labels);
inline bool matches(const api::Boxed<meta_v1::LabelSelector>& selector, const Labels& labels) {
  return selector && matches(*selector, labels);
}
// Every pair of `selector` is in `labels`; an empty selector matches nothing here.
bool matches(const Labels& selector, const Labels& labels);
inline bool is_empty(const meta_v1::LabelSelector& selector) {
  return selector.match_labels.empty() && selector.match_expressions.empty();
}

}  // namespace pinnace::controllers

#include "controllers/support/selectors.h"

#include <algorithm>

#include "api/selector.h"

namespace pinnace::controllers {
namespace {

bool contains_all(const Labels& wanted, const Labels& labels) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const auto found = labels.find(pair.first);
    return found != labels.end() && found->second == pair.second;
  });
}

}  // namespace

bool matches(const meta_v1::LabelSelector& selector, const Labels& labels) {
  // Nearly all selectors are plain pairs: no need to compile them.
  if (selector.match_expressions.empty()) return contains_all(selector.match_labels, labels);
  const auto compiled = api::label_selector_of(selector);
  return compiled && compiled->matches(labels);
}

bool matches(const Labels& selector, const Labels& labels) {
  return !selector.empty() && contains_all(selector, labels);
}

}  // namespace pinnace::controllers

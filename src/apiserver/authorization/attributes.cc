#include "apiserver/authorization/attributes.h"

#include "api/selector.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {
namespace {

std::string_view operator_of(api::LabelOperator op) {
  switch (op) {
    case api::LabelOperator::kIn:
    case api::LabelOperator::kEquals:
    case api::LabelOperator::kDoubleEquals:
      return "In";
    case api::LabelOperator::kNotIn:
    case api::LabelOperator::kNotEquals:
      return "NotIn";
    case api::LabelOperator::kExists:
      return "Exists";
    case api::LabelOperator::kDoesNotExist:
      return "DoesNotExist";
    default:
      return "";  // Comparisons of numbers have no form in a review.
  }
}

}  // namespace

std::vector<SelectorTerm> field_terms(std::string_view selector) {
  std::vector<SelectorTerm> terms;
  const auto parsed = api::parse_field_selector(selector);
  if (!parsed) return terms;
  for (const auto& each : parsed->requirements()) {
    terms.push_back({each.field, each.negated ? "NotIn" : "In", {each.value}});
  }
  return terms;
}

std::vector<SelectorTerm> label_terms(std::string_view selector) {
  std::vector<SelectorTerm> terms;
  const auto parsed = api::parse_label_selector(selector);
  if (!parsed) return terms;
  for (const auto& each : parsed->requirements()) {
    const std::string_view op = operator_of(each.op);
    // Leaving out a requirement asks for more than the request does, never for less.
    if (!op.empty()) terms.push_back({each.key, std::string(op), each.values});
  }
  return terms;
}

Attributes attributes_of(const Call& call) {
  const RequestInfo& info = call.info;
  if (!info.is_resource) return {info.verb, false, "", "", "", "", "", info.path, "", {}, {}};
  Attributes wanted{info.verb,        true,    info.group, info.resource,
                    info.subresource, info.ns, info.name,  info.path,
                    info.version,     {},      {}};
  const bool selects =
      info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection";
  if (!selects) return wanted;
  if (const auto text = call.query.get("fieldSelector"); !text.empty()) {
    wanted.fields = field_terms(text);
  }
  if (const auto text = call.query.get("labelSelector"); !text.empty()) {
    wanted.labels = label_terms(text);
  }
  return wanted;
}

}  // namespace pinnace::apiserver

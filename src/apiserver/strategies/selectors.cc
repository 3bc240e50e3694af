// Label maps, label selectors, node selectors, amounts: what many kinds contain.
#include "api/json.h"
#include "api/quantity.h"
#include "api/selector.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

void validate_selector_key(const Field& key) { key.each(api::check_qualified_name(key.text())); }

void validate_label_expression(const Field& expression) {
  const Field op = expression["operator"];
  const Field values = expression["values"];
  if (op.text() == "In" || op.text() == "NotIn") {
    if (values.empty()) values.required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op.text() == "Exists" || op.text() == "DoesNotExist") {
    if (!values.empty()) {
      values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else {
    op.invalid("not a valid selector operator");
  }
  validate_selector_key(expression["key"]);
  for (const Field& value : values.items()) value.each(api::check_label_value(value.text()));
}

void validate_node_expression(const Field& expression) {
  const Field op = expression["operator"];
  const Field values = expression["values"];
  if (op.text() == "In" || op.text() == "NotIn") {
    if (values.empty()) values.required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op.text() == "Exists" || op.text() == "DoesNotExist") {
    if (!values.empty()) {
      values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op.text() == "Gt" || op.text() == "Lt") {
    if (values.size() != 1) {
      values.required("must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  } else {
    op.invalid("not a valid selector operator");
  }
  validate_selector_key(expression["key"]);
}

}  // namespace

void validate_label_map(const Field& labels) {
  if (labels.value() == nullptr) return;
  for (const auto& [key, value] : labels.value()->members()) {
    for (const auto& text : api::check_qualified_name(key)) {
      labels.invalid_value(quoted(key), text);
    }
    if (!value.is_string()) continue;
    for (const auto& text : api::check_label_value(value.as_string())) {
      labels.invalid_value(quoted(value.as_string()), text);
    }
  }
}

void validate_label_selector(const Field& selector) {
  validate_label_map(selector["matchLabels"]);
  for (const Field& expression : selector["matchExpressions"].items()) {
    validate_label_expression(expression);
  }
}

void validate_node_selector(const Field& selector) {
  const Field terms = selector["nodeSelectorTerms"];
  if (terms.empty()) terms.required("must have at least one node selector term");
  for (const Field& term : terms.items()) {
    for (const Field& one : term["matchExpressions"].items()) validate_node_expression(one);
    for (const Field& one : term["matchFields"].items()) {
      const Field key = one["key"];
      const Field op = one["operator"];
      if (op.text() != "In" && op.text() != "NotIn") op.invalid("not a valid selector operator");
      if (one["values"].size() != 1) {
        one["values"].required(
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
      }
      if (key.text() != "metadata.name") key.invalid("not a valid field selector key");
    }
  }
}

void validate_amounts(const Field& amounts) {
  if (amounts.value() == nullptr || !amounts.value()->is_object()) return;
  for (const auto& [name, value] : amounts.value()->members()) {
    const Field amount = amounts.at_key(name);
    for (const auto& text : api::check_qualified_name(name)) {
      amount.invalid_value(quoted(name), text);
    }
    const auto parsed = api::Quantity::parse(amount.text());
    if (parsed && parsed->sign() < 0) amount.invalid("must be greater than or equal to 0");
  }
}

void validate_int_or_percent(const Field& field) {
  if (!field.is_set()) return;
  if (field.value()->is_int()) {
    if (field.number() < 0) field.invalid("must be greater than or equal to 0");
    return;
  }
  const auto complaints = api::check_percent(field.text());
  if (!complaints.empty()) return field.each(complaints);
  const auto percent = parse_int(field.text().substr(0, field.text().size() - 1));
  if (!percent || *percent > 100) field.invalid("must not be greater than 100%");
}

bool is_zero_count(const Field& field) {
  if (!field.is_set()) return false;
  return field.value()->is_int() ? field.number() == 0 : field.text() == "0%";
}

}  // namespace pinnace::apiserver

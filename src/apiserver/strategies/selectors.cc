// Label maps, label selectors, node selectors, amounts: what many kinds contain.
#include "api/addresses.h"
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

// The keys of node selectors' expressions over labels; values count where they decide.
void validate_node_expression(const Field& expression, bool checks_values) {
  const Field op = expression["operator"];
  const Field values = expression["values"];
  if (op.is_among({"In", "NotIn"})) {
    if (values.empty()) values.required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op.is_among({"Exists", "DoesNotExist"})) {
    if (!values.empty()) {
      values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op.is_among({"Gt", "Lt"})) {
    if (values.size() != 1) {
      values.required("must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  } else {
    op.invalid("not a valid selector operator");
  }
  validate_selector_key(expression["key"]);
  if (!checks_values) return;
  for (const Field& value : values.items()) value.each(api::check_label_value(value.text()));
}

void validate_node_field(const Field& expression) {
  const Field key = expression["key"];
  const Field op = expression["operator"];
  const Field values = expression["values"];
  if (!op.is_among({"In", "NotIn"})) {
    op.invalid("not a valid selector operator");
  } else if (values.size() != 1) {
    values.required(
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  }
  if (!key.is("metadata.name")) return key.invalid("not a valid field selector key");
  for (const Field& value : values.items()) value.each(api::check_dns1123_subdomain(value.text()));
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

void validate_annotation_keys(const Field& annotations) {
  constexpr std::size_t kMaxBytes = 256 << 10;
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations.entries()) {
    for (const auto& text : api::check_qualified_name(to_lower(key))) {
      annotations.invalid_value(quoted(key), text);
    }
    bytes += key.size() + value.text().size();
  }
  if (bytes > kMaxBytes) annotations.too_long(kMaxBytes);
}

void validate_node_selector_term(const Field& term, bool checks_values) {
  for (const Field& one : term["matchExpressions"].items()) {
    validate_node_expression(one, checks_values);
  }
  for (const Field& one : term["matchFields"].items()) validate_node_field(one);
}

void validate_node_selector(const Field& selector) {
  const Field terms = selector["nodeSelectorTerms"];
  if (terms.empty()) return terms.required("must have at least one node selector term");
  for (const Field& term : terms.items()) validate_node_selector_term(term, true);
}

void validate_domain_path(const Field& path) {
  if (!path.require()) return;
  const auto slash = path.text().find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.text().size()) {
    return path.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")");
  }
  path.each(api::check_dns1123_subdomain(path.text().substr(0, slash)));
}

void validate_signer_name(const Field& name) {
  constexpr std::size_t kMaxBytes = 253 + 63 + 1;
  const auto parts = split(name.text(), '/');
  if (name.text().size() > kMaxBytes) name.too_long(kMaxBytes);
  if (parts.size() != 2) {
    return name.invalid(
        "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  for (const auto& text : api::check_dns1123_subdomain(parts[0])) {
    name.invalid_value(quoted(parts[0]), "validating label " + quoted(parts[0]) + ": " + text);
  }
  if (parts[0].find('.') == std::string_view::npos) {
    name.invalid("should be a domain with at least two segments separated by dots");
  }
  for (const std::string_view part : split(parts[1], '.')) {
    for (const auto& text : api::check_dns1123_subdomain(part)) {
      name.invalid_value(quoted(parts[1]), "validating label " + quoted(part) + ": " + text);
    }
  }
}

void validate_non_special_ip(const Field& ip) {
  const std::string use = api::special_use(ip.text());
  if (!use.empty()) ip.invalid(use);
}

void validate_port_or_name(const Field& port) {
  if (!port.is_set() || port.value()->is_int()) {
    for (const auto& text : api::check_port_number(port.number())) {
      port.invalid_value(std::to_string(port.number()), text);
    }
    return;
  }
  port.each(api::check_port_name(port.text()));
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

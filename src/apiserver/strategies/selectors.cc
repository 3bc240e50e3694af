// Label maps, label selectors, node selectors, amounts: what many kinds contain.
#include <algorithm>
#include <set>

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

namespace {

bool is_path_character(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') ||
         std::string_view("/-._~%!$&'()*+,;=:").find(c) != std::string_view::npos;
}

}  // namespace

void validate_domain_path(const Field& path) {
  if (!path.require()) return;
  const auto slash = path.text().find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.text().size()) {
    return path.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")");
  }
  const std::string_view domain = path.text().substr(0, slash);
  const std::string_view rest = path.text().substr(slash + 1);
  for (const auto& text : api::check_dns1123_subdomain(domain)) {
    path.invalid_value(quoted(domain), text);
  }
  if (std::ranges::all_of(rest, is_path_character)) return;
  path.invalid_value(quoted(rest),
                     "Invalid path (regex used for validation is "
                     "'[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
}

void validate_signer_name(const Field& name) {
  constexpr std::size_t kMaxDomain = 253, kMaxBytes = 253 + 1 + 253 + 1 + 63;
  if (!name.require()) return;
  const auto parts = split(name.text(), '/');
  if (parts.size() != 2) {
    return name.invalid(
        "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  // Of the first label that is wrong.
  const auto labels = [&](std::string_view part, api::Complaints (*check)(std::string_view)) {
    for (const std::string_view label : split(part, '.')) {
      const auto complaints = check(label);
      for (const auto& text : complaints) {
        name.invalid_value(quoted(part), "validating label " + quoted(label) + ": " + text);
      }
      if (!complaints.empty()) return;
    }
  };
  if (parts[0].size() > kMaxDomain) name.too_long(kMaxDomain);
  labels(parts[0], api::check_dns1123_label);
  if (parts[0].find('.') == std::string_view::npos) {
    name.invalid_value(quoted(parts[0]),
                       "should be a domain with at least two segments separated by dots");
  }
  labels(parts[1], api::check_dns1123_subdomain);
  if (name.text().size() > kMaxBytes) name.too_long(kMaxBytes);
}

api::Complaints check_trust_bundle_name(std::string_view name) {
  const auto colon = name.rfind(':');
  return api::check_dns1123_subdomain(colon == std::string_view::npos ? name
                                                                      : name.substr(colon + 1));
}

namespace {

// Letters, digits and "_,:", with a letter first and no "," or ":" last.
bool is_condition_reason(std::string_view reason) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (const char c : reason) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_letter(c) && !is_digit && c != '_' && c != ',' && c != ':') return false;
  }
  return is_letter(reason.front()) && reason.back() != ',' && reason.back() != ':';
}

void validate_condition(const Field& condition) {
  constexpr std::size_t kMaxReason = 1 << 10, kMaxMessage = 32 << 10;
  const Field type = condition["type"];
  const Field status = condition["status"];
  const Field generation = condition["observedGeneration"];
  const Field reason = condition["reason"];
  const Field message = condition["message"];
  type.each(api::check_qualified_name(type.text()));
  if (!status.is_among({"False", "True", "Unknown"})) {
    status.not_supported_value(quoted(status.text()), {"False", "True", "Unknown"});
  }
  if (generation.number() < 0) generation.invalid("must be greater than or equal to zero");
  condition["lastTransitionTime"].require();
  if (reason.require()) {
    if (!is_condition_reason(reason.text())) {
      reason.invalid(
          "a condition reason must start with alphabetic character, optionally followed by a "
          "string of alphanumeric characters or '_,:', and must end with an alphanumeric character "
          "or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or "
          "'ReasonA:ReasonB', regex used for validation is "
          "'[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')");
    }
    if (reason.text().size() > kMaxReason) reason.too_long(kMaxReason);
  }
  if (message.text().size() > kMaxMessage) message.too_long(kMaxMessage);
}

}  // namespace

void validate_conditions(const Field& conditions) {
  std::set<std::string_view> types;
  for (const Field& condition : conditions.items()) {
    if (!types.insert(condition["type"].text()).second) condition["type"].duplicate();
    validate_condition(condition);
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
  if (field.is_int())
    field.at_least(0);
  else
    field.each(api::check_percent(field.text()));
}

void validate_not_above_all(const Field& field) {
  if (api::check_percent(field.text()).empty() && count_of(field) > 100) {
    field.invalid("must not be greater than 100%");
  }
}

std::int64_t count_of(const Field& field) {
  if (!field.is_set() || field.is_int()) return field.number();
  std::string_view text = field.text();
  if (text.ends_with('%')) text.remove_suffix(1);
  return parse_int(text).value_or(0);
}

}  // namespace pinnace::apiserver

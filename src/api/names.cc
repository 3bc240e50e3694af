#include "api/names.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "api/addresses.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;
constexpr std::size_t kMaxPortName = 15;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_lower(c) || is_upper(c) || is_digit(c); }
bool is_lower_alnum(char c) { return is_lower(c) || is_digit(c); }

bool is_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) { return std::ranges::all_of(split(text, '.'), is_label); }

bool is_name_part(std::string_view text) {
  const auto inner = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(text, inner);
}

// The regular expressions are only quoted in messages; the functions above decide.
struct Form {
  std::string_view message;
  std::string_view expression;
  std::initializer_list<std::string_view> examples;
};

std::string form_message(const Form& form) {
  std::string text(form.message);
  text += form.examples.size() == 0 ? " (" : " (e.g. ";
  bool first = true;
  for (std::string_view example : form.examples) {
    if (!std::exchange(first, false)) text += " or ";
    text.append("'").append(example).append("', ");
  }
  return text.append("regex used for validation is '").append(form.expression).append("')");
}

// Kubernetes counts bytes everywhere, but says so only of labels.
std::string too_long(std::size_t max, const char* unit) {
  return "must be no more than " + std::to_string(max) + " " + unit;
}

constexpr std::string_view kEmpty = "must be non-empty";

#define PINNACE_QUALIFIED "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define PINNACE_LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define PINNACE_SEARCH "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"

const Form kLabelForm = {
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character",
    PINNACE_LABEL,
    {"my-name", "123-abc"}};
const Form kSubdomainForm = {
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character",
    PINNACE_LABEL "(\\." PINNACE_LABEL ")*",
    {"example.com"}};
const Form kSearchForm = {
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' "
    "or '.', and must start and end with an alphanumeric character",
    PINNACE_SEARCH "(\\." PINNACE_SEARCH ")*",
    {"example.com"}};
const Form kDns1035Form = {
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character",
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    {"my-name", "abc-123"}};
const Form kWildcardForm = {
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character",
    "\\*\\." PINNACE_LABEL "(\\." PINNACE_LABEL ")*",
    {"*.example.com"}};
const Form kQualifiedForm = {
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character",
    PINNACE_QUALIFIED,
    {"MyName", "my.name", "123-abc"}};
const Form kLabelValueForm = {
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character",
    "(" PINNACE_QUALIFIED ")?",
    {"MyValue", "my_value", "12345"}};
const Form kCIdentifierForm = {
    "a valid C identifier must start with alphabetic character or '_', followed by a string of "
    "alphanumeric characters or '_'",
    "[A-Za-z_][A-Za-z0-9_]*",
    {"my_name", "MY_NAME", "MyName"}};
const Form kEnvVarForm = {
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', "
    "or '.', and must not start with a digit",
    "[-._a-zA-Z][-._a-zA-Z0-9]*",
    {"my.env-name", "MY_ENV.NAME", "MyEnvName1"}};
const Form kConfigKeyForm = {
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "[-._a-zA-Z0-9]+",
    {"key.name", "KEY_NAME", "key-name"}};
const Form kHeaderForm = {"a valid HTTP header must consist of alphanumeric characters or '-'",
                          "[-A-Za-z0-9]+",
                          {"X-Header-Name"}};
const Form kPercentForm = {
    "a valid percent string must be a numeric string followed by an ending '%'",
    "[0-9]+%",
    {"1%", "93%"}};

#undef PINNACE_QUALIFIED
#undef PINNACE_LABEL
#undef PINNACE_SEARCH

Complaints check(std::string_view text, std::size_t max, bool form_holds, const Form& form,
                 const char* unit = "characters") {
  Complaints complaints;
  if (text.size() > max) complaints.push_back(too_long(max, unit));
  if (!form_holds) complaints.push_back(form_message(form));
  return complaints;
}

// Names that would leave a directory when used as a file.
void add_dot_complaints(std::string_view text, Complaints& complaints) {
  if (text == ".") {
    complaints.emplace_back("must not be '.'");
  } else if (text == "..") {
    complaints.emplace_back("must not be '..'");
  } else if (text.starts_with("..")) {
    complaints.emplace_back("must not start with '..'");
  }
}

bool is_file_character(char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; }

constexpr std::size_t kNoMaximum = static_cast<std::size_t>(-1);

}  // namespace

Complaints check_dns1123_label(std::string_view text) {
  Complaints complaints = check(text, kMaxLabel, is_label(text), kLabelForm);
  if (!is_label(text) && is_subdomain(text)) complaints.back() = "must not contain dots";
  return complaints;
}

Complaints check_dns1123_subdomain(std::string_view text) {
  return check(text, kMaxSubdomain, is_subdomain(text), kSubdomainForm);
}

Complaints check_dns_search(std::string_view text) {
  const auto is_part = [](std::string_view part) {
    if (part.starts_with('_')) part.remove_prefix(1);
    return !part.empty() && is_lower_alnum(part.front()) && is_lower_alnum(part.back()) &&
           std::ranges::all_of(part,
                               [](char c) { return is_lower_alnum(c) || c == '-' || c == '_'; });
  };
  return check(text, kMaxSubdomain, std::ranges::all_of(split(text, '.'), is_part), kSearchForm);
}

Complaints check_dns1035_label(std::string_view text) {
  return check(text, kMaxLabel, is_label(text) && is_lower(text.front()), kDns1035Form);
}

Complaints check_wildcard_dns1123_subdomain(std::string_view text) {
  const bool holds = text.starts_with("*.") && is_subdomain(text.substr(2));
  return check(text, kMaxSubdomain, holds, kWildcardForm);
}

Complaints check_path_segment_name(std::string_view text) {
  if (text == "." || text == "..") return {"may not be '" + std::string(text) + "'"};
  Complaints complaints;
  for (char c : {'/', '%'}) {
    if (text.find(c) != std::string_view::npos) {
      complaints.push_back(std::string("may not contain '") + c + "'");
    }
  }
  return complaints;
}

Complaints check_qualified_name(std::string_view text) {
  Complaints complaints;
  const std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() > 2) {
    return {"a valid label key " + form_message(kQualifiedForm) +
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
  }
  if (parts.size() == 2 && parts[0].empty()) {
    complaints.push_back("prefix part " + std::string(kEmpty));
  } else if (parts.size() == 2) {
    for (const std::string& complaint :
         check(parts[0], kMaxSubdomain, is_subdomain(parts[0]), kSubdomainForm, "bytes")) {
      complaints.push_back("prefix part " + complaint);
    }
  }
  const std::string_view name = parts.back();
  if (name.empty()) {
    complaints.push_back("name part " + std::string(kEmpty));
  } else if (name.size() > kMaxLabel) {
    complaints.push_back("name part " + too_long(kMaxLabel, "bytes"));
  }
  if (!is_name_part(name)) complaints.push_back("name part " + form_message(kQualifiedForm));
  return complaints;
}

Complaints check_label_value(std::string_view text) {
  return check(text, kMaxLabel, text.empty() || is_name_part(text), kLabelValueForm, "bytes");
}

Complaints check_c_identifier(std::string_view text) {
  const bool holds = !text.empty() && !is_digit(text.front()) &&
                     std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_'; });
  return check(text, kNoMaximum, holds, kCIdentifierForm);
}

Complaints check_env_var_name(std::string_view text) {
  const bool holds =
      !text.empty() && !is_digit(text.front()) && std::ranges::all_of(text, is_file_character);
  Complaints complaints = check(text, kNoMaximum, holds, kEnvVarForm);
  add_dot_complaints(text, complaints);
  return complaints;
}

Complaints check_relaxed_env_var_name(std::string_view text) {
  const bool holds = !text.empty() && std::ranges::all_of(text, [](char c) {
    return c >= 0x20 && c < 0x7f && c != '=';
  });
  if (holds) return {};
  return {
      "a valid environment variable name must consist only of printable ASCII characters other "
      "than '='"};
}

Complaints check_config_map_key(std::string_view text) {
  const bool holds = !text.empty() && std::ranges::all_of(text, is_file_character);
  Complaints complaints = check(text, kMaxSubdomain, holds, kConfigKeyForm);
  add_dot_complaints(text, complaints);
  return complaints;
}

Complaints check_port_name(std::string_view text) {
  Complaints complaints;
  if (text.size() > kMaxPortName) complaints.push_back(too_long(kMaxPortName, "characters"));
  const auto in_set = [](char c) { return is_lower_alnum(c) || c == '-'; };
  if (text.empty() || !std::ranges::all_of(text, in_set)) {
    complaints.emplace_back(
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::ranges::none_of(text, is_lower)) {
    complaints.emplace_back("must contain at least one letter (a-z)");
  }
  if (text.find("--") != std::string_view::npos) {
    complaints.emplace_back("must not contain consecutive hyphens");
  }
  if (text.starts_with('-') || text.ends_with('-')) {
    complaints.emplace_back("must not begin or end with a hyphen");
  }
  return complaints;
}

Complaints check_port_number(std::int64_t port) {
  if (port >= 1 && port <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

Complaints check_http_header_name(std::string_view text) {
  const bool holds =
      !text.empty() && std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
  return check(text, kNoMaximum, holds, kHeaderForm);
}

Complaints check_percent(std::string_view text) {
  const bool holds = text.size() >= 2 && text.ends_with('%') &&
                     std::ranges::all_of(text.substr(0, text.size() - 1), is_digit);
  return check(text, kNoMaximum, holds, kPercentForm);
}

Complaints check_ip(std::string_view text) {
  if (parse_address(text)) return {};
  return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
}

Complaints check_cidr(std::string_view text) {
  if (parse_range(text)) return {};
  return {"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
}

std::string join_complaints(const Complaints& complaints) { return join(complaints, "; "); }

}  // namespace pinnace::api

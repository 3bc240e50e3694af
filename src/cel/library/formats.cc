// format.named("dns1123Label"), format.dns1123Label() and validate(): what is wrong with a text.
//
// Source: k8s.io/apiserver/pkg/cel/library/format.go.
#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "api/names.h"
#include "base/strings.h"
#include "cel/internal/functions.h"
#include "cel/internal/time_text.h"
#include "cel/internal/url_text.h"

namespace pinnace::cel::internal {
namespace {

const Type kFormatType{.kind = TypeKind::kOpaque, .name = "kubernetes.NamedFormat"};

using api::Complaints;

// A prefix of a name may end with a dash, which the rest of the name will follow.
std::string as_prefix(std::string_view text) {
  std::string whole(text);
  if (whole.size() > 1 && whole.back() == '-') whole.replace(whole.size() - 2, 2, "a");
  return whole;
}
Complaints label_prefix(std::string_view text) { return api::check_dns1123_label(as_prefix(text)); }
Complaints subdomain_prefix(std::string_view text) {
  return api::check_dns1123_subdomain(as_prefix(text));
}
Complaints label_1035_prefix(std::string_view text) {
  return api::check_dns1035_label(as_prefix(text));
}

Complaints check_uri(std::string_view text) {
  const auto parsed = parse_url(text);
  if (parsed) return {};
  return {parsed.error()};
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Dashes may be left out.
Complaints check_uuid(std::string_view text) {
  constexpr std::size_t kGroups[] = {8, 4, 4, 4, 12};
  std::size_t at = 0;
  bool right = true;
  for (const std::size_t group : kGroups) {
    if (at > 0 && at < text.size() && text[at] == '-') ++at;
    const std::string_view digits = text.substr(std::min(at, text.size()), group);
    right = right && digits.size() == group && std::ranges::all_of(digits, is_hex);
    at += group;
  }
  if (right && at == text.size()) return {};
  return {"does not match the UUID format"};
}

Complaints check_bytes(std::string_view text) {
  if (base64_decode(text)) return {};
  return {"invalid base64"};
}

Complaints check_date(std::string_view text) {
  Workspace space;
  if (text.size() == 10 && !parse_timestamp(space, text).is_error()) return {};
  return {"invalid date"};
}
Complaints check_datetime(std::string_view text) {
  Workspace space;
  if (text.size() > 10 && !parse_timestamp(space, text).is_error()) return {};
  return {"invalid datetime"};
}

class Format final : public Opaque {
 public:
  constexpr Format(std::string_view known_as, Complaints (*checked_by)(std::string_view),
                   std::uint64_t size_of_regex)
      : name(known_as), check(checked_by), regex_size(size_of_regex) {}
  const Type& type() const override { return kFormatType; }
  bool equals(const Opaque& other) const override {
    return name == static_cast<const Format&>(other).name;
  }
  // As Kubernetes counts it: about as long as a pattern for it would be.
  std::uint64_t size() const override { return regex_size; }

  std::string_view name;
  Complaints (*check)(std::string_view);
  std::uint64_t regex_size;
};

constexpr Format kFormats[] = {
    {"dns1123Label", api::check_dns1123_label, 30},
    {"dns1123Subdomain", api::check_dns1123_subdomain, 60},
    {"dns1035Label", api::check_dns1035_label, 30},
    {"qualifiedName", api::check_qualified_name, 60},
    {"dns1123LabelPrefix", label_prefix, 30},
    {"dns1123SubdomainPrefix", subdomain_prefix, 60},
    {"dns1035LabelPrefix", label_1035_prefix, 30},
    {"labelValue", api::check_label_value, 40},
    {"uri", check_uri, 1103},
    {"uuid", check_uuid, 82},
    {"byte", check_bytes, 84},
    {"date", check_date, 188},
    {"datetime", check_datetime, 188},
};

Value named(const Call& call) {
  const auto found = std::ranges::find(kFormats, call.text(0), &Format::name);
  if (found == std::end(kFormats)) return Value::none();
  return Value::optional(call.space, Value::opaque(*found));
}

template <std::size_t kIndex>
Value constant(const Call&) {
  return Value::opaque(kFormats[kIndex]);
}

Value validate(const Call& call) {
  const auto& format = static_cast<const Format&>(call[0].as_opaque());
  const Complaints complaints = format.check(call.text(1));
  if (complaints.empty()) return Value::none();
  Value* items = call.space.allocate<Value>(complaints.size());
  for (std::size_t i = 0; i < complaints.size(); ++i) {
    new (items + i) Value(call.string(complaints[i]));
  }
  return Value::optional(call.space, Value::list({items, complaints.size()}));
}

struct Table {
  std::deque<std::string> texts;
  std::vector<Declaration> rows{
      {"format.named", "format-named", "(string) -> optional(kubernetes.NamedFormat)", named},
      {"validate", "format-validate", "kubernetes.NamedFormat.(string) -> optional(list(string))",
       validate},
  };

  Table() { add(std::make_index_sequence<std::size(kFormats)>()); }
  template <std::size_t... kIndexes>
  void add(std::index_sequence<kIndexes...>) {
    (add_constant(kFormats[kIndexes].name, constant<kIndexes>), ...);
  }
  void add_constant(std::string_view name, Implementation code) {
    const std::string& function = texts.emplace_back("format." + std::string(name));
    rows.push_back({function, function, "() -> kubernetes.NamedFormat", code});
  }
};

}  // namespace

std::span<const Declaration> format_declarations() {
  static const Table table;
  return table.rows;
}

}  // namespace pinnace::cel::internal

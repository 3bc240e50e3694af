// Names, addresses and ranges: what is right in one form stays so in its canonical one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/addresses.h"
#include "api/int_or_string.h"
#include "api/names.h"

namespace {

using namespace pinnace::api;

void check(bool holds) {
  if (!holds) std::abort();
}

void fuzz_names(std::string_view text) {
  for (const auto look :
       {check_dns_search, check_wildcard_dns1123_subdomain, check_c_identifier, check_env_var_name,
        check_relaxed_env_var_name, check_config_map_key, check_port_name, check_http_header_name,
        check_percent, check_path_segment_name}) {
    for (const auto& complaint : look(text)) check(!complaint.empty());
  }
  // The stricter forms are within the wider ones.
  if (check_dns1035_label(text).empty()) check(check_dns1123_label(text).empty());
  if (check_dns1123_label(text).empty()) check(check_dns1123_subdomain(text).empty());
  if (check_dns1123_label(text).empty()) check(check_qualified_name(text).empty());
  if (check_dns1123_label(text).empty()) check(check_label_value(text).empty());
}

void fuzz_addresses(std::string_view text) {
  if (const auto address = parse_address(text)) {
    const auto again = parse_address(address->text());
    check(again && again->text() == address->text() && again->is_plain);
  } else {
    check(!check_ip(text).empty());
  }
  if (const auto range = parse_range(text)) {
    check(range->prefix_bits >= 0 && range->prefix_bits <= range->address.bits());
    const auto again = parse_range(range->base().text() + '/' + std::to_string(range->prefix_bits));
    check(again && again->base().text() == range->base().text());
  }
  (void)check_cidr(text);
  (void)special_use(text);
  (void)address_warnings("field", text);
  (void)range_warnings("field", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_names(text);
  fuzz_addresses(text);
  const IntOrString either = IntOrString::parse(text);
  check(either.is_string ? either.text() == text : IntOrString::parse(either.text()) == either);
  (void)either.as_int();
  (void)scaled_value(either, 7, true);
  return 0;
}

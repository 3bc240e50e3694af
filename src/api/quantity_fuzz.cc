// Amounts, times and durations: their canonical form reads back as itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/quantity.h"
#include "api/time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto quantity = Quantity::parse(text)) {
    const std::string canonical = quantity->format();
    auto again = Quantity::parse(canonical);
    if (!again) std::abort();
    // "1.953125Ki" is written "2000", which is read as decimal and written "2k": equal all the same.
    auto third = Quantity::parse(again->format());
    if (!third || *third != *again) std::abort();
    (void)quantity->milli_value();
    (void)quantity->value();
  }
  if (const auto duration = parse_duration(text)) {
    const std::string canonical = format_duration(*duration);
    const auto again = parse_duration(canonical);
    if (!again || *again != *duration) std::abort();
  }
  pinnace::WallTime moment;
  if (pinnace::parse_rfc3339(text, moment)) (void)pinnace::rfc3339_micro(moment);
  return 0;
}

// Certificate requests of strangers: what can be read can be signed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/certificate_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;  // NOLINT: a program of one function.
  constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
  static const auto kAuthority =
      net::make_authority("fuzz", kNow, kNow + std::chrono::hours(24)).value();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!net::inspect_request(text)) return 0;
  (void)net::sign_request(kAuthority, text,
                          {kNow, kNow + std::chrono::hours(1), {"client auth", "signing"}});
  return 0;
}

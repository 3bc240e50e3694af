// Texts of a server that may be anybody's: what is cut out of them lies in them.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "client/json_slices.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::client;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto check = [&](std::string_view part) {
    PINNACE_ASSERT(part.empty() ||
                   (part.data() >= text.data() && part.data() + part.size() <= text.data() + size));
  };
  (void)for_each_member(text, [&](std::string_view key, std::string_view raw) {
    check(key);
    check(raw);
  });
  (void)for_each_element(text, check);
  check(raw_member(text, "items"));
  check(from_member(text, "items"));
  const auto [type, object] = event_slices(text);
  check(type);
  check(object);
  check(plain_string(text));
  return 0;
}

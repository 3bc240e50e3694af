#include "base/assert.h"
#include "dns/dns_message.h"

// Whatever decodes must encode within its limit and decode again to the same names.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::dns;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  edit_ttls(bytes, [](std::uint32_t ttl) { return ttl / 2; });
  const auto message = decode(bytes);
  if (!message) return 0;
  const std::string small = encode(*message, 512);
  PINNACE_ASSERT(small.size() <= 512);
  const auto again = decode(encode(*message));
  PINNACE_ASSERT(again);
  PINNACE_ASSERT(again->question.has_value() == message->question.has_value());
  if (message->question) PINNACE_ASSERT(again->question->name == message->question->name);
  return 0;
}

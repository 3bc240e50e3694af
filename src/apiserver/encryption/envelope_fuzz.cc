// Sealed values that somebody has tampered with: none opens but what was sealed for that object.
// Input: a byte that chooses a provider, then what stands behind its prefix.
#include <cstddef>
#include <cstdint>
#include <string>

#include "apiserver/encryption/provider.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::apiserver::encryption;
  using Type = ProviderConfiguration::Type;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static constexpr Type kTypes[] = {Type::kAesGcm, Type::kAesCbc, Type::kSecretbox,
                                    Type::kIdentity};
  const Type type = kTypes[data[0] % 4];
  const auto provider = make_local_provider(
      {.type = type, .keys = {{"one", std::string(32, 'k')}, {"two", std::string(32, 'l')}}});
  const auto opened = provider->open(std::string(provider->prefix()) + std::string(bytes), "a");
  // AES-CBC knows no tampering.
  if (type == Type::kAesGcm || type == Type::kSecretbox) PINNACE_ASSERT(!opened);
  const auto sealed = provider->seal(bytes, "a");
  PINNACE_ASSERT(sealed && sealed->starts_with(provider->prefix()));
  const auto again = provider->open(*sealed, "a");
  PINNACE_ASSERT(again && again->plain == bytes && !again->is_stale);
  if (type == Type::kAesGcm) PINNACE_ASSERT(!provider->open(*sealed, "b"));
  return 0;
}

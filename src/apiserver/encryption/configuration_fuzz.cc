// Whatever a file of EncryptionConfiguration holds, it is read or refused.
#include <cstddef>
#include <cstdint>

#include "apiserver/encryption/configuration.h"
#include "apiserver/encryption/key_service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)pinnace::apiserver::encryption::parse_configuration(text);
  (void)pinnace::apiserver::encryption::decode_encrypted_object(text);
  return 0;
}

// What stands on a disk or in etcd and may be anybody's: it decodes or is refused.
// Input: a key of etcd, a line break, a value.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "store/etcd/layout.h"
#include "store/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view key = text.substr(0, text.find('\n'));
  const std::string_view value = text.substr(std::min(text.size(), key.size() + 1));
  (void)decode_record(record_key(1), value);
  (void)decode_record(key, value);
  (void)decode_lost(value);
  (void)decode_number(value);
  const etcd::Layout layout{"/registry", 1};
  if (const auto object = layout.decode({std::string(key), std::string(value), 1, 2, 1})) {
    PINNACE_ASSERT(layout.key_of((*object)->key) == key);
    PINNACE_ASSERT((*object)->revision == 3);
  }
  if (const auto decoded = etcd::decode_value(value)) {
    PINNACE_ASSERT(etcd::encode_value(decoded->uid, decoded->head, decoded->tail) == value);
  }
  (void)etcd::decode_revision(value);
  return 0;
}

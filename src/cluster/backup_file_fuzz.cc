// Backups that anybody may hand in: what decodes is written as the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cluster/backup_file.h"
#include "net/digest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  // With a true checksum, so that what is behind it is reached.
  std::string bytes = "pinnace backup 1\n";
  bytes.append(reinterpret_cast<const char*>(data), size);
  bytes += net::sha256(bytes);
  const auto content = cluster::decode_backup(bytes);
  if (content && cluster::encode_backup(*content).size() != bytes.size()) std::abort();
  return 0;
}

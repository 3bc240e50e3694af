// Files that people write for the command line and the server: kubeconfigs and configurations of
// admission. Each is read or refused.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/webhook/webhook_client.h"
#include "base/assert.h"
#include "cluster/kubeconfig.h"
#include "io/fd.h"
#include "io/files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  // A file without a disk.
  static const io::UniqueFd& file = *new io::UniqueFd(memfd_create("fuzzed", MFD_CLOEXEC));
  static const std::string& path = *new std::string("/proc/self/fd/" + std::to_string(file.get()));
  PINNACE_ASSERT(ftruncate(file.get(), 0) == 0 && lseek(file.get(), 0, SEEK_SET) == 0);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  PINNACE_ASSERT(io::write_all(file.get(), text).has_value());
  (void)cluster::read_kubeconfig(path);
  (void)apiserver::WebhookTarget::read_kubeconfig(path);
  if (const auto plugins = apiserver::PluginConfigurations::read(path)) {
    (void)plugins->find("PodSecurity");
  }
  return 0;
}

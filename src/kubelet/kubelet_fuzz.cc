// What a node reads of others: what containers log, what is asked about it, docker configurations
// in Secrets, and variables in commands.
// Input: a byte that chooses, then the text.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "base/strings.h"
#include "kubelet/pod/env.h"
#include "kubelet/pod/pull_secrets.h"
#include "kubelet/server/log_reader.h"
#include "kubelet/server/logs.h"
#include "kubelet/server/node_call.h"

namespace {

using namespace pinnace;
using namespace pinnace::kubelet;

void fuzz_pull_secret(std::string_view text, bool is_old) {
  auto secret = std::make_shared<api::core_v1::Secret>();
  secret->type = is_old ? "kubernetes.io/dockercfg" : "kubernetes.io/dockerconfigjson";
  secret->data[is_old ? ".dockercfg" : ".dockerconfigjson"] = text;
  (void)find_credentials({secret}, "example.com/a/b:1");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      if (const auto line = parse_log_line(text)) PINNACE_ASSERT(line->text.size() <= text.size());
      break;
    case 1:
      if (const auto query = Parameters::parse(text)) (void)parse_log_options(*query, {});
      break;
    case 2:
      fuzz_pull_secret(text, (data[0] & 4) != 0);
      break;
    default: {
      const Environment variables = {{"A", "$(B)"}, {"B", "b"}};
      const std::string expanded = expand_variables(text, variables);
      PINNACE_ASSERT(expanded.size() <= 2 * text.size());
      if (text.find('$') == std::string_view::npos) PINNACE_ASSERT(expanded == text);
    }
  }
  return 0;
}

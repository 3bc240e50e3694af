// Whatever an audit policy holds, it is read or refused; and what is read can be asked.
#include <cstddef>
#include <cstdint>

#include "apiserver/audit/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = pinnace::apiserver::audit::parse_policy(text);
  pinnace::apiserver::RequestInfo info;
  info.is_resource = size % 2 == 0;
  info.resource = "pods";
  info.path = "/healthz";
  if (policy) (void)policy->evaluate({}, info);
  return 0;
}

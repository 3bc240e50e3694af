// Provider seals and opens values in one way, with one set of keys.
//
// Shape: what it seals begins with `prefix()`, as kube-apiserver writes it, so that either server
//   reads what the other has kept.
// Threads: any, at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apiserver/encryption/configuration.h"
#include "base/error.h"
#include "store/transformer.h"

namespace pinnace::apiserver::encryption {

class Provider {
 public:
  virtual ~Provider() = default;
  // "k8s:enc:aesgcm:v1:"; empty for identity, which keeps values as they are.
  virtual std::string_view prefix() const = 0;
  // `associated` is authenticated with the value where the cipher can.
  virtual Result<std::string> seal(std::string_view plain, std::string_view associated) = 0;
  // `kept` begins with `prefix()`. Stale if another of its keys would be used now.
  virtual Result<store::Transformer::Opened> open(std::string_view kept,
                                                  std::string_view associated) = 0;
};

// For identity and the ciphers whose keys stand in the configuration.
std::unique_ptr<Provider> make_local_provider(ProviderConfiguration configuration);

}  // namespace pinnace::apiserver::encryption

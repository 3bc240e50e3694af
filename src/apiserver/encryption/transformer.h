// ConfiguredTransformer is the store's Transformer as an EncryptionConfiguration says; it can be
// given another one while it works.
//
// Threads: any, at once. A value is sealed and opened by one configuration as a whole.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/encryption/configuration.h"
#include "apiserver/encryption/kms_provider.h"
#include "apiserver/encryption/provider.h"
#include "store/transformer.h"

namespace pinnace::apiserver::encryption {

using ConnectKeyService = std::unique_ptr<KeyService> (*)(const std::string& endpoint,
                                                          Duration timeout);

class ConfiguredTransformer final : public store::Transformer {
 public:
  // Asks each key management service once, so that its key is known before anything is sealed or
  // opened; fails if one is not well.
  static Result<std::shared_ptr<ConfiguredTransformer>> create(
      EncryptionConfiguration configuration, const Clock& clock,
      ConnectKeyService connect = connect_key_service);

  // From now on as `configuration` says; fails as `create`, and then all stays as it is.
  Result<void> replace(EncryptionConfiguration configuration);
  // Asks the key management services how they are. True: one of them has another key.
  Result<bool> refresh();
  bool has_key_services() const;

  bool seals(std::string_view resource) const override;
  Result<std::string> seal(const store::Key& key, std::string_view plain) override;
  Result<Opened> open(const store::Key& key, std::string_view kept) override;

 private:
  struct Entry {
    std::vector<ResourcePattern> resources;
    std::vector<std::unique_ptr<Provider>> providers;
  };
  struct Table {
    std::vector<Entry> entries;
    std::vector<KmsProvider*> key_services;
    // Null: no rule is for this resource.
    const Entry* find(std::string_view resource) const;
  };
  ConfiguredTransformer(const Clock& clock, ConnectKeyService connect)
      : clock_(clock), connect_(connect) {}
  Result<std::shared_ptr<const Table>> make_table(EncryptionConfiguration configuration) const;

  const Clock& clock_;
  const ConnectKeyService connect_;
  std::atomic<std::shared_ptr<const Table>> table_;
};

}  // namespace pinnace::apiserver::encryption

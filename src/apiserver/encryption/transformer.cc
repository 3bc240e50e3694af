#include "apiserver/encryption/transformer.h"

#include <utility>

namespace pinnace::apiserver::encryption {

namespace {

// How closely a pattern names a resource: 3 itself, 2 all of its group, 1 everything, 0 not at all.
int closeness(const ResourcePattern& pattern, std::string_view group, std::string_view name) {
  if (pattern.resource == name && pattern.group == group) return 3;
  if (pattern.resource != "*") return 0;
  if (pattern.group == "*") return 1;
  return pattern.group == group ? 2 : 0;
}

}  // namespace

// "apps/deployments" or "secrets"; the first of the closest patterns counts.
const ConfiguredTransformer::Entry* ConfiguredTransformer::Table::find(
    std::string_view resource) const {
  const auto slash = resource.rfind('/');
  const bool is_core = slash == std::string_view::npos;
  const std::string_view group = is_core ? std::string_view() : resource.substr(0, slash);
  const std::string_view name = is_core ? resource : resource.substr(slash + 1);
  const Entry* found = nullptr;
  int best = 0;
  for (const Entry& entry : entries) {
    for (const auto& pattern : entry.resources) {
      const int close = closeness(pattern, group, name);
      if (close <= best) continue;
      best = close;
      found = &entry;
    }
  }
  return found;
}

Result<std::shared_ptr<const ConfiguredTransformer::Table>> ConfiguredTransformer::make_table(
    EncryptionConfiguration configuration) const {
  auto table = std::make_shared<Table>();
  for (auto& rule : configuration.rules) {
    Entry entry{std::move(rule.resources), {}};
    for (auto& provider : rule.providers) {
      if (provider.type != ProviderConfiguration::Type::kKms) {
        entry.providers.push_back(make_local_provider(std::move(provider)));
        continue;
      }
      auto kms = std::make_unique<KmsProvider>(
          provider.name, connect_(provider.endpoint, provider.timeout), clock_);
      if (auto well = kms->refresh(); !well) return std::unexpected(std::move(well.error()));
      table->key_services.push_back(kms.get());
      entry.providers.push_back(std::move(kms));
    }
    table->entries.push_back(std::move(entry));
  }
  return table;
}

Result<std::shared_ptr<ConfiguredTransformer>> ConfiguredTransformer::create(
    EncryptionConfiguration configuration, const Clock& clock, ConnectKeyService connect) {
  std::shared_ptr<ConfiguredTransformer> made(new ConfiguredTransformer(clock, connect));
  if (auto done = made->replace(std::move(configuration)); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return made;
}

Result<void> ConfiguredTransformer::replace(EncryptionConfiguration configuration) {
  auto table = make_table(std::move(configuration));
  if (!table) return std::unexpected(std::move(table.error()));
  table_ = std::move(*table);
  return {};
}

bool ConfiguredTransformer::has_key_services() const {
  return !table_.load()->key_services.empty();
}

Result<bool> ConfiguredTransformer::refresh() {
  const auto table = table_.load();
  bool changed = false;
  for (KmsProvider* const service : table->key_services) {
    auto refreshed = service->refresh();
    if (!refreshed) return refreshed;
    changed = changed || *refreshed;
  }
  return changed;
}

bool ConfiguredTransformer::seals(std::string_view resource) const {
  const auto table = table_.load();
  const Entry* const entry = table->find(resource);
  return entry != nullptr && !entry->providers.front()->prefix().empty();
}

Result<std::string> ConfiguredTransformer::seal(const store::Key& key, std::string_view plain) {
  const auto table = table_.load();
  const Entry* const entry = table->find(key.resource);
  if (entry == nullptr) return std::string(plain);
  return entry->providers.front()->seal(plain, store::associated_data(key));
}

Result<store::Transformer::Opened> ConfiguredTransformer::open(const store::Key& key,
                                                               std::string_view kept) {
  const auto table = table_.load();
  const Entry* const entry = table->find(key.resource);
  if (entry == nullptr) return store::open_value(nullptr, key, kept);
  const bool is_plain = !kept.starts_with(store::kSealedPrefix);
  // Several providers may have one prefix: whichever opens it counts.
  Result<Opened> outcome = errors::internal("no matching prefix found");
  for (std::size_t i = 0; i < entry->providers.size(); ++i) {
    Provider& provider = *entry->providers[i];
    if (is_plain != provider.prefix().empty() || !kept.starts_with(provider.prefix())) continue;
    outcome = provider.open(kept, store::associated_data(key));
    if (!outcome) continue;
    outcome->is_stale = outcome->is_stale || i != 0;
    return outcome;
  }
  outcome.error().message =
      "cannot read " + store::associated_data(key) + ": " + outcome.error().message;
  return outcome;
}

}  // namespace pinnace::apiserver::encryption

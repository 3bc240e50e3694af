#include "store/transformer.h"

namespace pinnace::store {

std::string associated_data(const Key& key) {
  std::string text = key.resource;
  if (!key.ns.empty()) (text += '/') += key.ns;
  return (text += '/') += key.name;
}

Result<Transformer::Opened> open_value(Transformer* transformer, const Key& key,
                                       std::string_view kept) {
  if (transformer != nullptr) return transformer->open(key, kept);
  if (kept.starts_with(kSealedPrefix)) {
    return errors::internal(associated_data(key) +
                            " is encrypted, and no encryption configuration is given");
  }
  return Transformer::Opened{std::string(kept), false};
}

}  // namespace pinnace::store

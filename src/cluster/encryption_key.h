// The cluster's own encryption key: an EncryptionConfiguration beside the PKI that encrypts Secrets
// with AES-256-GCM, made once and rotated by `pinnace rotate-encryption-key`.
//
// Shape: a file of mode 0600. Keys are named key1, key2, ...; the first one writes, and values that
//   are still plain are read.
// Threads: one at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cluster/settings.h"
#include "cluster/store_options.h"
#include "store/transformer.h"

namespace pinnace::cluster {

// The flag that names another file.
inline constexpr std::string_view kEncryptionFlag = "encryption-provider-config";

// The file that a store is encrypted by: the one that was named (may be empty), or the cluster's
// own. That one is made if it is missing, but not for a store that other servers share: then the
// result is empty, and nothing is encrypted.
Result<std::string> find_encryption_file(const std::string& named, const Settings& settings,
                                         const StoreSettings& store);
// A transformer for one who reads or writes the store once; null when nothing is encrypted.
Result<std::shared_ptr<store::Transformer>> open_transformer(const std::string& named,
                                                             const Settings& settings,
                                                             const StoreSettings& store);
// Puts a new key before those that are there.
Result<void> add_encryption_key(const std::string& path);
// Leaves only the first key.
Result<void> drop_old_encryption_keys(const std::string& path);

}  // namespace pinnace::cluster

#include "apiserver/encryption/kms_provider.h"

#include <utility>

#include "base/strings.h"
#include "net/cipher.h"
#include "net/digest.h"

namespace pinnace::apiserver::encryption {

namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kInfoBytes = 32;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxKeyIdBytes = 1024;

// What the same wrapped seed always has, and no other.
std::string id_of(const KeyService::Wrapped& wrapped) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    text += std::to_string(part.size()) + ':';
    text += part;
  };
  add(wrapped.ciphertext);
  add(wrapped.key_id);
  for (const auto& [name, value] : wrapped.annotations) {
    add(name);
    add(value);
  }
  return net::sha256(text);
}

Result<void> check_health(const KeyService::Status& status) {
  if (status.version != "v2" && status.version != "v2beta1") {
    return errors::unavailable("expected KMSv2 API version v2, got " + status.version);
  }
  if (status.health != "ok") {
    return errors::unavailable("expected KMSv2 healthz status \"ok\", got " + status.health);
  }
  if (status.key_id.empty() || status.key_id.size() > kMaxKeyIdBytes) {
    return errors::unavailable("expected a KMSv2 key_id of 1 to 1024 bytes, got " +
                               std::to_string(status.key_id.size()));
  }
  return {};
}

std::string new_uid() { return hex_encode(net::random_bytes(16)); }

}  // namespace

KmsProvider::KmsProvider(const std::string& name, std::unique_ptr<KeyService> service,
                         const Clock& clock)
    : prefix_("k8s:enc:kms:v2:" + name + ':'), service_(std::move(service)), clock_(clock) {}

void KmsProvider::remember(std::string id, std::string seed) {
  if (!seeds_.emplace(id, std::move(seed)).second) return;
  seed_order_.push_back(std::move(id));
  if (seed_order_.size() <= kMaxSeeds) return;
  seeds_.erase(seed_order_.front());
  seed_order_.pop_front();
}

Result<bool> KmsProvider::refresh() {
  const std::lock_guard one_at_a_time(refreshing_);
  auto status = service_->status();
  if (!status) return std::unexpected(std::move(status.error()));
  if (auto well = check_health(*status); !well) {
    return std::unexpected(std::move(well.error()));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!seed_.empty() && wrapped_.key_id == status->key_id) {
      expires_ = clock_.monotonic() + kSeedLife;
      return false;
    }
  }
  std::string seed = net::random_bytes(kSeedBytes);
  auto wrapped = service_->wrap(seed, new_uid());
  if (!wrapped) return std::unexpected(std::move(wrapped.error()));
  if (wrapped->key_id != status->key_id || wrapped->ciphertext.empty()) {
    return errors::unavailable("the key management service changed its key meanwhile");
  }
  const std::lock_guard lock(mutex_);
  remember(id_of(*wrapped), seed);
  seed_ = std::move(seed);
  wrapped_ = std::move(*wrapped);
  expires_ = clock_.monotonic() + kSeedLife;
  return true;
}

Result<std::string> KmsProvider::seal(std::string_view plain, std::string_view associated) {
  std::string seed;
  EncryptedObject object;
  {
    const std::lock_guard lock(mutex_);
    if (seed_.empty() || clock_.monotonic() >= expires_) {
      return errors::unavailable(
          "the key management service has not been well for too long: nothing can be encrypted");
    }
    seed = seed_;
    object.source = wrapped_;
  }
  const std::string info = net::random_bytes(kInfoBytes);
  auto sealed = net::aes_gcm_seal(net::hkdf_expand_sha256(seed, info, kKeyBytes),
                                  net::random_bytes(net::kGcmNonceBytes), plain, associated);
  if (!sealed) return sealed;
  object.data = info + *sealed;
  return prefix_ + encode_encrypted_object(object);
}

Result<std::string> KmsProvider::seed_of(const KeyService::Wrapped& wrapped) {
  std::string id = id_of(wrapped);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = seeds_.find(id); found != seeds_.end()) return found->second;
  }
  auto seed = service_->unwrap(wrapped, new_uid());
  if (!seed) return seed;
  const std::lock_guard lock(mutex_);
  remember(std::move(id), *seed);
  return seed;
}

Result<store::Transformer::Opened> KmsProvider::open(std::string_view kept,
                                                     std::string_view associated) {
  auto object = decode_encrypted_object(kept.substr(prefix_.size()));
  if (!object) return std::unexpected(std::move(object.error()));
  auto seed = seed_of(object->source);
  if (!seed) return std::unexpected(std::move(seed.error()));
  using SourceType = EncryptedObject::SourceType;
  Result<std::string> plain = errors::internal("a key source of an unknown type");
  if (object->source_type == SourceType::kAesGcmKey) {
    plain = net::aes_gcm_open(*seed, object->data, associated);
  } else if (object->source_type == SourceType::kHkdfSeed && object->data.size() > kInfoBytes) {
    const std::string_view data = object->data;
    plain = net::aes_gcm_open(net::hkdf_expand_sha256(*seed, data.substr(0, kInfoBytes), kKeyBytes),
                              data.substr(kInfoBytes), associated);
  }
  if (!plain) return std::unexpected(std::move(plain.error()));
  const std::lock_guard lock(mutex_);
  const bool is_stale =
      object->source.key_id != wrapped_.key_id || object->source_type != SourceType::kHkdfSeed;
  return store::Transformer::Opened{std::move(*plain), is_stale};
}

}  // namespace pinnace::apiserver::encryption

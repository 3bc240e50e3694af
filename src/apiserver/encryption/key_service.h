// KeyService is a key management service (KMS v2): it wraps keys that we make, with keys that we
// never see.
//
// Threads: any, at once. All of it blocks, for at most the time limit given at creation.
// Errors: 503 when it does not answer; 500 when it answers nonsense.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver::encryption {

class KeyService {
 public:
  using Annotations = std::map<std::string, std::string>;
  struct Status {
    std::string version, health, key_id;
  };
  struct Wrapped {
    std::string ciphertext, key_id;
    Annotations annotations;
  };
  virtual ~KeyService() = default;
  virtual Result<Status> status() = 0;
  virtual Result<Wrapped> wrap(const std::string& plain, const std::string& uid) = 0;
  virtual Result<std::string> unwrap(const Wrapped& wrapped, const std::string& uid) = 0;
};

// Over gRPC on a unix socket ("unix:///run/kms.sock").
std::unique_ptr<KeyService> connect_key_service(const std::string& endpoint, Duration timeout);

// A value as KMS v2 keeps it, in protobuf.
struct EncryptedObject {
  enum class SourceType : int { kAesGcmKey = 0, kHkdfSeed = 1 };
  std::string data;
  KeyService::Wrapped source;
  SourceType source_type = SourceType::kHkdfSeed;
};
std::string encode_encrypted_object(const EncryptedObject& object);
Result<EncryptedObject> decode_encrypted_object(std::string_view bytes);

}  // namespace pinnace::apiserver::encryption

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "apiserver/encryption/key_service.h"
#include "apiserver/encryption/kms.grpc.pb.h"

namespace pinnace::apiserver::encryption {

namespace {

template <typename Map>
KeyService::Annotations annotations_of(const Map& from) {
  return {from.begin(), from.end()};
}

Unexpected failed(std::string_view call, const grpc::Status& status) {
  return errors::unavailable("the key management service failed (" + std::string(call) +
                             "): " + status.error_message());
}

class GrpcKeyService final : public KeyService {
 public:
  GrpcKeyService(const std::string& endpoint, Duration timeout)
      : timeout_ms_(std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count()),
        stub_(v2::KeyManagementService::NewStub(
            grpc::CreateChannel(endpoint, grpc::InsecureChannelCredentials()))) {}

  Result<Status> status() override {
    grpc::ClientContext context;
    limit(context);
    v2::StatusResponse answer;
    const auto status = stub_->Status(&context, v2::StatusRequest(), &answer);
    if (!status.ok()) return failed("status", status);
    return Status{answer.version(), answer.healthz(), answer.key_id()};
  }

  Result<Wrapped> wrap(const std::string& plain, const std::string& uid) override {
    grpc::ClientContext context;
    limit(context);
    v2::EncryptRequest request;
    request.set_plaintext(plain);
    request.set_uid(uid);
    v2::EncryptResponse answer;
    const auto status = stub_->Encrypt(&context, request, &answer);
    if (!status.ok()) return failed("encrypt", status);
    return Wrapped{answer.ciphertext(), answer.key_id(), annotations_of(answer.annotations())};
  }

  Result<std::string> unwrap(const Wrapped& wrapped, const std::string& uid) override {
    grpc::ClientContext context;
    limit(context);
    v2::DecryptRequest request;
    request.set_ciphertext(wrapped.ciphertext);
    request.set_uid(uid);
    request.set_key_id(wrapped.key_id);
    for (const auto& [name, value] : wrapped.annotations) {
      (*request.mutable_annotations())[name] = value;
    }
    v2::DecryptResponse answer;
    const auto status = stub_->Decrypt(&context, request, &answer);
    if (!status.ok()) return failed("decrypt", status);
    return answer.plaintext();
  }

 private:
  // gRPC has no deadline that is relative but through its own clock's "now".
  void limit(grpc::ClientContext& context) const {
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(timeout_ms_, GPR_TIMESPAN)));
  }

  const std::int64_t timeout_ms_;
  const std::unique_ptr<v2::KeyManagementService::Stub> stub_;
};

}  // namespace

std::unique_ptr<KeyService> connect_key_service(const std::string& endpoint, Duration timeout) {
  return std::make_unique<GrpcKeyService>(endpoint, timeout);
}

std::string encode_encrypted_object(const EncryptedObject& object) {
  v2::EncryptedObject message;
  message.set_encrypteddata(object.data);
  message.set_keyid(object.source.key_id);
  message.set_encrypteddeksource(object.source.ciphertext);
  for (const auto& [name, value] : object.source.annotations) {
    (*message.mutable_annotations())[name] = value;
  }
  message.set_encrypteddeksourcetype(static_cast<int>(object.source_type));
  return message.SerializeAsString();
}

Result<EncryptedObject> decode_encrypted_object(std::string_view bytes) {
  v2::EncryptedObject message;
  if (bytes.size() > (1u << 30) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return errors::internal("a value of the key management service does not decode");
  }
  EncryptedObject object;
  object.data = message.encrypteddata();
  object.source = {message.encrypteddeksource(), message.keyid(),
                   annotations_of(message.annotations())};
  object.source_type = static_cast<EncryptedObject::SourceType>(message.encrypteddeksourcetype());
  if (object.data.empty() || object.source.ciphertext.empty()) {
    return errors::internal("a value of the key management service lacks its data or its key");
  }
  return object;
}

}  // namespace pinnace::apiserver::encryption

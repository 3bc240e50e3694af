// CertificateSigningRequests: who asks, for what, and who decided.
#include <algorithm>
#include <set>

#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Who asks is what the server saw, not what the body says.
Result<void> prepare_signing_request(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  const User& user = change.call.user;
  spec.set_ref(change.arena, "username", change.text(user.name));
  spec.erase("uid");
  spec.erase("extra");
  if (!user.uid.empty()) spec.set_ref(change.arena, "uid", change.text(user.uid));
  api::Value groups = api::Value::array();
  for (const auto& group : user.groups) groups.append(change.arena, change.text(group));
  spec.set_ref(change.arena, "groups", groups);
  return {};
}

constexpr const char* kUsages[] = {"any",
                                   "cert sign",
                                   "client auth",
                                   "code signing",
                                   "content commitment",
                                   "crl sign",
                                   "data encipherment",
                                   "decipher only",
                                   "digital signature",
                                   "email protection",
                                   "encipher only",
                                   "ipsec end system",
                                   "ipsec tunnel",
                                   "ipsec user",
                                   "key agreement",
                                   "key encipherment",
                                   "microsoft sgc",
                                   "netscape sgc",
                                   "ocsp signing",
                                   "s/mime",
                                   "server auth",
                                   "signing",
                                   "timestamping"};

void validate_signing_request(Change& change, const api::Value& object) {
  constexpr std::int64_t kLeastSeconds = 600;
  const Field spec = root(change, object)["spec"];
  const Field request = spec["request"];
  const auto pem = base64_decode(request.text());
  if (!pem || pem->find("-----BEGIN CERTIFICATE REQUEST-----") == std::string::npos) {
    request.invalid("PEM block type must be CERTIFICATE REQUEST");
  }
  const Field usages = spec["usages"];
  if (usages.empty()) usages.required();
  std::set<std::string, std::less<>> seen;
  for (const Field& usage : usages.items()) {
    if (std::find(std::begin(kUsages), std::end(kUsages), usage.text()) == std::end(kUsages)) {
      usage.not_supported({std::begin(kUsages), std::end(kUsages)});
    }
    if (!seen.emplace(usage.text()).second) usage.duplicate();
  }
  const Field signer = spec["signerName"];
  if (signer.is("kubernetes.io/legacy-unknown") && change.call.resource->version == "v1") {
    signer.invalid("the legacy signerName is not allowed via this API version");
  } else if (signer.require()) {
    validate_signer_name(signer);
  }
  const Field expiry = spec["expirationSeconds"];
  if (expiry.is_set() && expiry.number() < kLeastSeconds) {
    expiry.invalid("may not specify a duration less than 600 seconds (10 minutes)");
  }
}

const api::Value* condition_of(const api::Value* conditions, std::string_view type) {
  if (conditions == nullptr || !conditions->is_array()) return nullptr;
  for (const auto& condition : conditions->items()) {
    if (condition.string_at("type") == type) return &condition;
  }
  return nullptr;
}

// Approval adds decisions, the signer adds the certificate; neither takes back what is said.
void validate_decisions(Change& change, const api::Value& object, const api::Value& old) {
  const bool approves = change.subresource == "approval";
  const Field status = root(change, object)["status"];
  const Field conditions = status["conditions"];
  const auto* before = old.find_path({"status", "conditions"});
  for (const Field& condition : conditions.items()) {
    const Field type = condition["type"];
    if (type.require() && type.is_among({"Approved", "Denied"}) &&
        !condition["status"].is("True")) {
      condition["status"].not_supported({"True"});
    }
  }
  if (condition_of(conditions.value(), "Approved") != nullptr &&
      condition_of(conditions.value(), "Denied") != nullptr) {
    conditions.invalid("Approved and Denied conditions are mutually exclusive");
  }
  for (const char* type : {"Approved", "Denied", "Failed"}) {
    const bool had = condition_of(before, type) != nullptr;
    const bool has = condition_of(conditions.value(), type) != nullptr;
    if (had && !has) {
      conditions.forbidden("updates may not remove a condition of type " + quoted(type));
    }
    if (!had && has && !approves && type != std::string_view("Failed")) {
      conditions.forbidden("updates may not add a condition of type " + quoted(type));
    }
  }
  const Field certificate = status["certificate"];
  const auto* was = old.find_path({"status", "certificate"});
  if (certificate.same_as(was)) return;
  if (approves) {
    return certificate.forbidden("updates may not set certificate content");
  }
  if (was != nullptr)
    return certificate.forbidden("updates may not modify existing certificate content");
  const auto pem = base64_decode(certificate.text());
  if (!pem || pem->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    certificate.invalid_value("\"<certificate data>\"", "must contain one or more PEM blocks");
  }
}

void validate_request_update(Change& change, const api::Value& object, const api::Value& old) {
  if (change.subresource == "approval") validate_decisions(change, object, old);
}

// Beyond the right to the subresource, a signer's name says who may approve and sign.
Result<void> check_signer(const Change& change, const api::Value& old) {
  const char* verb = change.subresource == "approval" ? "approve"
                     : change.subresource == "status" ? "sign"
                                                      : nullptr;
  const auto* spec = old.find("spec");
  if (verb == nullptr || spec == nullptr) return {};
  const std::string signer(spec->string_at("signerName"));
  const auto may = [&](std::string name) {
    return change.backend.authorization->allows(
        change.call.user,
        {verb, true, "certificates.k8s.io", "signers", "", "", std::move(name), ""});
  };
  if (may(signer) || may(signer.substr(0, signer.find('/')) + "/*")) return {};
  return errors::forbidden(
      "certificatesigningrequests.certificates.k8s.io", change.name,
      std::string("user not permitted to ") + verb + " requests with signerName " + quoted(signer));
}

Result<void> keep_signing_request(Change& change, api::Value& object, const api::Value& old) {
  if (const auto* spec = old.find("spec")) {
    object.set_ref(change.arena, "spec", api::deep_copy(change.arena, *spec));
  }
  return check_signer(change, old);
}

}  // namespace

const Strategy kSigningRequestStrategy{
    .storage_resource = "certificates.k8s.io/certificatesigningrequests",
    .check_name = api::check_path_segment_name,
    .prepare_create = prepare_signing_request,
    .prepare_update = keep_signing_request,
    .validate = validate_signing_request,
    .validate_update = validate_request_update,
    .validate_status = validate_decisions,
};

}  // namespace pinnace::apiserver

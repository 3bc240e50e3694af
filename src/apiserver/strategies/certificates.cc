// CertificateSigningRequests: who asks, for what, and who decided. Who may decide and sign is a
// matter of admission: CertificateApproval and CertificateSigning.
#include <algorithm>
#include <set>

#include "apiserver/backend.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"
#include "net/certificate_request.h"
#include "net/x509.h"

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
  spec.set_ref(change.arena, "groups", text_list(change.arena, user.groups));
  if (user.extra.empty()) return {};
  api::Value& extra = spec.ensure_object(change.arena, "extra");
  for (const auto& [key, values] : user.extra) {
    extra.set(change.arena, key, text_list(change.arena, values));
  }
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
  if (const auto asked = net::inspect_request(pem.value_or("")); !asked) {
    request.invalid(asked.error().message);
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

// What is wrong in the certificates that a signer hands out; "" for nothing.
std::string fault_in_chain(std::string_view pem) {
  const auto blocks = net::pem_blocks(pem);
  if (blocks.empty()) return "must contain one or more PEM blocks";
  for (const auto& block : blocks) {
    if (block.type != "CERTIFICATE") {
      return "only CERTIFICATE PEM blocks are allowed, found " + quoted(block.type);
    }
    if (block.has_headers) return "no PEM block headers are permitted";
    if (!block.is_certificate) return "x509: malformed certificate";
  }
  return "";
}

// When a condition was said, and since when it holds, is the server's to fill in.
void date_conditions(Change& change, api::Value& object, const api::Value& old) {
  auto* conditions = object.find_path({"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return;
  const std::string now = rfc3339(change.backend.now());
  for (api::Value& condition : conditions->items()) {
    if (!condition.is_object()) continue;
    if (condition.string_at("lastUpdateTime").empty()) {
      condition.set(change.arena, "lastUpdateTime", change.text(now));
    }
    if (!condition.string_at("lastTransitionTime").empty()) continue;
    const auto* before =
        condition_of(old.find_path({"status", "conditions"}), condition.string_at("type"));
    const bool is_same =
        before != nullptr && before->string_at("status") == condition.string_at("status");
    const std::string_view since = is_same ? before->string_at("lastTransitionTime") : "";
    condition.set(change.arena, "lastTransitionTime", change.text(since.empty() ? now : since));
  }
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
  if (const std::string wrong = fault_in_chain(base64_decode(certificate.text()).value_or(""));
      !wrong.empty()) {
    certificate.invalid_value("\"<certificate data>\"", wrong);
  }
}

void validate_request_update(Change& change, const api::Value& object, const api::Value& old) {
  if (change.subresource == "approval") validate_decisions(change, object, old);
}

Result<void> keep_signing_request(Change& change, api::Value& object, const api::Value& old) {
  if (const auto* spec = old.find("spec")) {
    object.set_ref(change.arena, "spec", api::deep_copy(change.arena, *spec));
  }
  if (!change.subresource.empty()) date_conditions(change, object, old);
  return {};
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

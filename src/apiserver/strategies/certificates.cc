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
  }
  for (const Field& usage : usages.items()) {
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

std::vector<const api::Value*> conditions_of(const api::Value* conditions, std::string_view type) {
  std::vector<const api::Value*> out;
  if (conditions == nullptr || !conditions->is_array()) return out;
  for (const auto& condition : conditions->items()) {
    if (condition.string_at("type") == type) out.push_back(&condition);
  }
  return out;
}

// What is wrong in the certificates that a signer hands out; "" for nothing.
std::string fault_in_chain(std::string_view pem) {
  if (pem.empty()) return "";
  const auto blocks = net::pem_blocks(pem);
  if (blocks.empty()) return "must contain at least one CERTIFICATE PEM block";
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

bool has_odd_types(const api::Value* conditions) {
  std::set<std::string, std::less<>> seen;
  if (conditions == nullptr || !conditions->is_array()) return false;
  return std::any_of(conditions->items().begin(), conditions->items().end(), [&](const auto& one) {
    const auto type = one.string_at("type");
    return type.empty() || !seen.emplace(type).second;
  });
}

// What was once taken is taken again.
void validate_request_conditions(const Field& conditions, const api::Value* before) {
  const bool may_be_odd = has_odd_types(before);
  const bool may_be_both =
      condition_of(before, "Approved") != nullptr && condition_of(before, "Denied") != nullptr;
  std::set<std::string, std::less<>> seen;
  for (const Field& condition : conditions.items()) {
    const Field type = condition["type"];
    const Field status = condition["status"];
    if (!may_be_odd) type.require();
    const bool only_true = type.is_among({"Approved", "Denied", "Failed"});
    if (status.require() && !status.is("True") &&
        (only_true || !status.is_among({"False", "Unknown"}))) {
      status.not_supported(only_true ? std::vector<std::string>{"True"}
                                     : std::vector<std::string>{"False", "True", "Unknown"});
    }
    const std::string_view opposite =
        type.is("Approved") ? "Denied" : (type.is("Denied") ? "Approved" : "");
    if (!may_be_both && !opposite.empty() && seen.contains(opposite)) {
      conditions.invalid_value(quoted(type.text()),
                               "Approved and Denied conditions are mutually exclusive");
    }
    if (!seen.emplace(type.text()).second && !may_be_odd) {
      type.duplicate_value(quoted(type.text()));
    }
  }
}

// Approval adds decisions, the signer adds the certificate; neither takes back what is said.
void validate_decisions_stay(const Field& conditions, const api::Value* before, bool approves) {
  for (const char* type : {"Approved", "Denied", "Failed"}) {
    if (conditions_of(conditions.value(), type).size() < conditions_of(before, type).size()) {
      conditions.forbidden("updates may not remove a condition of type " + quoted(type));
    }
  }
  if (approves) return;
  for (const char* type : {"Approved", "Denied"}) {
    const auto is = conditions_of(conditions.value(), type);
    const auto was = conditions_of(before, type);
    if (is.size() > was.size()) {
      conditions.forbidden("updates may not add a condition of type " + quoted(type));
    } else if (is.size() == was.size() &&
               !std::equal(is.begin(), is.end(), was.begin(),
                           [](const auto* a, const auto* b) { return api::equal(*a, *b); })) {
      conditions.forbidden("updates may not modify a condition of type " + quoted(type));
    }
  }
}

void validate_decisions(Change& change, const api::Value& object, const api::Value& old) {
  const bool approves = change.subresource == "approval";
  const Field status = root(change, object)["status"];
  const Field conditions = status["conditions"];
  const Field certificate = status["certificate"];
  const auto* before = old.find_path({"status", "conditions"});
  const auto* old_status = old.find("status");
  const std::string_view was = old_status == nullptr ? "" : old_status->string_at("certificate");
  const bool keeps_certificate = certificate.text() == was;
  validate_request_conditions(conditions, before);
  if (!keeps_certificate && fault_in_chain(base64_decode(was).value_or("")).empty()) {
    const std::string wrong = fault_in_chain(base64_decode(certificate.text()).value_or(""));
    if (!wrong.empty()) certificate.invalid_value("\"<certificate data>\"", wrong);
  }
  validate_decisions_stay(conditions, before, approves);
  if (keeps_certificate) return;
  if (approves) {
    certificate.forbidden("updates may not set certificate content");
  } else if (!was.empty()) {
    certificate.forbidden("updates may not modify existing certificate content");
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

// PodCertificateRequests: who asks for which pod, and what a signer may answer.
#include <algorithm>

#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

// -- What is asked

bool is_of_kubernetes(std::string_view signer) {
  const std::string_view host = signer.substr(0, signer.find('/'));
  return host == "kubernetes.io" || host.ends_with(".kubernetes.io");
}

void validate_expiration(const Field& seconds, std::string_view signer) {
  constexpr std::int64_t kLeast = 3600, kMostOfKubernetes = 86400, kMost = 91 * 86400;
  const std::int64_t most = is_of_kubernetes(signer) ? kMostOfKubernetes : kMost;
  if (!seconds.is_set()) {
    seconds.required("must be set");
  } else if (seconds.number() < kLeast || seconds.number() > most) {
    seconds.invalid("must be in the range [" + std::to_string(kLeast) + ", " +
                    std::to_string(most) + "]");
  }
}

void validate_user_annotations(const Field& annotations) {
  constexpr std::size_t kMaxBytes = 256 << 10;
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations.entries()) {
    const std::string lower = to_lower(key);
    const api::Complaints wrong = api::check_qualified_name(lower);
    bytes += key.size() + value.text().size();
    if (lower.empty()) {
      annotations.required();
    } else if (!wrong.empty()) {
      for (const auto& text : wrong) annotations.invalid_value(quoted(lower), text);
    } else if (lower.find('/') == std::string::npos) {
      annotations.invalid_value(quoted(lower),
                                "must be a domain-prefixed key (such as \"acme.io/foo\")");
    }
  }
  if (bytes > kMaxBytes) annotations.too_long(kMaxBytes);
}

void validate_pod_certificate(Change& change, const api::Value& object) {
  constexpr std::size_t kMaxUid = 128;
  // What is asked does not change: it was once right.
  if (change.old != nullptr) return;
  const Field spec = root(change, object)["spec"];
  struct Party {
    const char *name, *uid;
  };
  validate_signer_name(spec["signerName"]);
  validate_user_annotations(spec["unverifiedUserAnnotations"]);
  for (const Party& party : {Party{"podName", "podUID"},
                             Party{"serviceAccountName", "serviceAccountUID"},
                             Party{"nodeName", "nodeUID"}}) {
    const Field uid = spec[party.uid];
    spec[party.name].each(api::check_dns1123_subdomain(spec[party.name].text()));
    if (uid.empty()) uid.invalid("must not be empty");
    if (uid.text().size() > kMaxUid) uid.too_long(kMaxUid);
  }
  validate_expiration(spec["maxExpirationSeconds"], spec["signerName"].text());
}

void keep_pod_certificate(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  if (!spec.same_as(old.find("spec"))) spec.invalid("field is immutable");
}

// -- What is answered

bool is_decided(const Field& conditions, std::initializer_list<std::string_view> types) {
  const auto all = conditions.items();
  return std::ranges::any_of(all, [&](const Field& condition) {
    return condition["type"].is_among(types) && condition["status"].is("True");
  });
}

// At most one decision, which is true.
void validate_answer_conditions(const Field& conditions) {
  bool is_known = false;
  std::size_t index = 0;
  for (const Field& condition : conditions.items()) {
    // Kubernetes has a dot before the number.
    const std::string place = conditions.path() + ".[" + std::to_string(index++) + "]";
    const Field type = condition["type"].as(place + ".type");
    const Field status = condition["status"].as(place + ".status");
    if (!type.is_among({"Issued", "Denied", "Failed"})) {
      type.not_supported_value(quoted(type.text()), {"Issued", "Denied", "Failed"});
      continue;
    }
    if (is_known) {
      type.invalid(
          "There may be at most one condition with type \"Issued\", \"Denied\", or \"Failed\"");
    }
    is_known = true;
    if (!status.is("True")) status.not_supported_value(quoted(status.text()), {"True"});
  }
  validate_conditions(conditions);
}

// The first certificate, or nothing where a complaint was made.
std::optional<net::CertificateInfo> validate_leaf(const Field& chain) {
  constexpr std::size_t kMaxBytes = 100 << 10;
  if (chain.text().size() > kMaxBytes) {
    chain.too_long(kMaxBytes);
    return {};
  }
  const auto blocks = net::pem_blocks(chain.text());
  const auto leaf = net::inspect_certificate(chain.text());
  if (blocks.empty()) {
    chain.invalid("issued certificate chain must contain at least one certificate");
  } else if (blocks[0].type != "CERTIFICATE") {
    chain.invalid("issued certificate chain must consist entirely of CERTIFICATE PEM blocks");
  } else if (!blocks[0].is_certificate || !leaf) {
    chain.invalid("leaf certificate does not parse as valid X.509");
  } else {
    return *leaf;
  }
  return {};
}

void validate_domains(const Field& chain, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.empty()) {
      chain.invalid_value(quoted(name), "leaf certificate should not contain empty DNSName");
    }
    if (name.find("..") != std::string::npos) {
      chain.invalid_value(quoted(name), "leaf certificate's DNSName should not contain '..'");
    }
    if (name.starts_with('.') || name.ends_with('.')) {
      chain.invalid_value(quoted(name),
                          "leaf certificate's DNSName should not start or end with '.'");
    }
  }
}

void validate_rest_of_chain(const Field& chain) {
  for (const net::PemBlock& block : net::pem_blocks(chain.text())) {
    if (block.type != "CERTIFICATE") {
      return chain.invalid(
          "issued certificate chain must consist entirely of CERTFICATE PEM blocks");
    }
    if (!block.is_certificate) {
      return chain.invalid("intermediate certificate does not parse as valid X.509");
    }
  }
}

std::optional<WallTime> time_at(const Field& place, std::string_view why) {
  WallTime time;
  if (place.is_set() && parse_rfc3339(place.text(), time)) return time;
  place.required(why);
  return {};
}

void validate_issued(const Field& status, WallTime now) {
  using std::chrono::minutes;
  constexpr const char* kAsIssued = "must be present and consistent with the issued certificate";
  const Field chain = status["certificateChain"];
  const auto leaf = validate_leaf(chain);
  if (!leaf) return;
  validate_domains(chain, leaf->dns_names);
  const auto begins = time_at(status["notBefore"], kAsIssued);
  const auto ends = time_at(status["notAfter"], kAsIssued);
  const auto refreshes =
      time_at(status["beginRefreshAt"],
              "must be present and in the range [notbefore+10min, notafter-10min]");
  if (!begins || !ends || !refreshes || !status.causes().empty()) return;
  if (*begins != leaf->not_before) {
    status["notBefore"].invalid(
        "must be set to the NotBefore time encoded in the leaf certificate");
  } else if (*begins <= now - minutes(5) || *begins >= now + minutes(5)) {
    status["notBefore"].invalid(
        "must be set to within 5 minutes of kube-apiserver's current time");
  } else if (*ends != leaf->not_after) {
    status["notAfter"].invalid("must be set to the NotAfter time encoded in the leaf certificate");
  } else if (*refreshes < *begins + minutes(10)) {
    status["beginRefreshAt"].invalid("must be at least 10 minutes after status.notBefore");
  } else if (*refreshes > *ends - minutes(10)) {
    status["beginRefreshAt"].invalid("must be at least 10 minutes before status.notAfter");
  } else {
    validate_rest_of_chain(chain);
  }
}

// A request is answered once.
void validate_answer(Change& change, const api::Value& object, const api::Value& old) {
  const Field status = root(change, object)["status"];
  const Field before = root(change, old)["status"];
  const Field conditions = status["conditions"];
  validate_answer_conditions(conditions);
  if (!change.causes.empty()) return;
  if (is_decided(before["conditions"], {"Issued", "Denied", "Failed"})) {
    if (status.same_as(before.value())) return;
    return status.invalid_unshown(
        "immutable after PodCertificateRequest is issued, denied, or failed");
  }
  if (is_decided(conditions, {"Denied", "Failed"})) {
    const auto said = status.entries();
    const bool is_more = std::ranges::any_of(said, [](const auto& member) {
      return member.first != "conditions" && !member.second.empty();
    });
    if (!is_more) return;
    return status.invalid_unshown(
        "non-condition status fields must be empty when denying or failing the "
        "PodCertificateRequest");
  }
  if (is_decided(conditions, {"Issued"})) return validate_issued(status, change.backend.now());
  if (status.same_as(before.value())) return;
  status.invalid_unshown(
      "status is immutable unless transitioning to \"Issued\", \"Denied\", or \"Failed\"");
}

}  // namespace

const Strategy kPodCertificateStrategy{
    .storage_resource = "certificates.k8s.io/podcertificaterequests",
    .must_name_revision = true,
    .validate = validate_pod_certificate,
    .validate_update = keep_pod_certificate,
    .validate_status = validate_answer,
};

}  // namespace pinnace::apiserver

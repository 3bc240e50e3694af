#include "controllers/support/certificate_requests.h"

#include <set>

namespace pinnace::controllers {
namespace {

using Usages = std::set<std::string_view>;

const Usages kClientUsages = {"client auth", "digital signature", "key encipherment"};
const Usages kServingUsages = {"digital signature", "key encipherment", "server auth"};

std::string list_text(const Usages& usages) {
  std::string text;
  for (const auto& usage : usages) (text += text.empty() ? "[" : " ") += usage;
  return text + "]";
}

// Keys that are not RSA encipher no keys.
std::string fault_of_usages(const std::vector<std::string>& usages, const Usages& wanted) {
  Usages said(usages.begin(), usages.end());
  said.insert("key encipherment");
  return said == wanted ? "" : "usages did not match " + list_text(wanted);
}

}  // namespace

const RequestCondition* find_condition(const SigningRequest& request, std::string_view type) {
  for (const auto& condition : request.status.conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

std::string fault_of_kubelet_client(const net::CertificateRequest& asked,
                                    const std::vector<std::string>& usages) {
  if (asked.organizations != std::vector<std::string>{"system:nodes"}) {
    return "subject organization is not system:nodes";
  }
  if (!asked.dns_names.empty()) return "DNS subjectAltNames are not allowed";
  if (!asked.email_addresses.empty()) return "Email subjectAltNames are not allowed";
  if (!asked.ip_addresses.empty()) return "IP subjectAltNames are not allowed";
  if (!asked.uris.empty()) return "URI subjectAltNames are not allowed";
  if (!asked.common_name.starts_with("system:node:")) {
    return "subject common name does not begin with system:node:";
  }
  return fault_of_usages(usages, kClientUsages);
}

std::string fault_of_kubelet_serving(const net::CertificateRequest& asked,
                                     const std::vector<std::string>& usages) {
  if (asked.organizations != std::vector<std::string>{"system:nodes"}) {
    return "subject organization is not system:nodes";
  }
  if (asked.dns_names.empty() && asked.ip_addresses.empty()) {
    return "DNS or IP subjectAltName is required";
  }
  if (!asked.email_addresses.empty()) return "Email subjectAltNames are not allowed";
  if (!asked.uris.empty()) return "URI subjectAltNames are not allowed";
  if (auto fault = fault_of_usages(usages, kServingUsages); !fault.empty()) return fault;
  if (!asked.common_name.starts_with("system:node:")) {
    return "subject common name does not begin with system:node:";
  }
  return "";
}

}  // namespace pinnace::controllers

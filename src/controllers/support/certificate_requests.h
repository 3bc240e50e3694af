// What the controllers of CertificateSigningRequests share: how one stands, and which of them a
// node's agent makes.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/types/certificates_v1.h"
#include "net/certificate_request.h"

namespace pinnace::controllers {

using SigningRequest = api::certificates_v1::CertificateSigningRequest;
using RequestCondition = api::certificates_v1::CertificateSigningRequestCondition;

inline constexpr std::string_view kClientSigner = "kubernetes.io/kube-apiserver-client";
inline constexpr std::string_view kKubeletClientSigner =
    "kubernetes.io/kube-apiserver-client-kubelet";
inline constexpr std::string_view kKubeletServingSigner = "kubernetes.io/kubelet-serving";
inline constexpr std::string_view kLegacySigner = "kubernetes.io/legacy-unknown";

inline constexpr std::string_view kApproved = "Approved";
inline constexpr std::string_view kDenied = "Denied";
inline constexpr std::string_view kFailed = "Failed";

// Null when there is none of this type.
const RequestCondition* find_condition(const SigningRequest& request, std::string_view type);

// What keeps a request from being one for a node's client or serving certificate; "" for nothing.
std::string fault_of_kubelet_client(const net::CertificateRequest& asked,
                                    const std::vector<std::string>& usages);
std::string fault_of_kubelet_serving(const net::CertificateRequest& asked,
                                     const std::vector<std::string>& usages);

}  // namespace pinnace::controllers

// Keys and X.509 certificates: a small authority for a cluster.
//
// Threads: any. Errors: 400 for text that is no certificate or key, 500 if OpenSSL fails.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::net {

struct KeyPair {
  std::string private_key_pem;  // PKCS #8
  std::string public_key_pem;   // SubjectPublicKeyInfo
};
Result<KeyPair> make_ec_key();  // P-256
Result<KeyPair> make_rsa_key(int bits = 2048);
Result<std::string> public_key_of(std::string_view private_key_pem);

struct CertificateAndKey {
  std::string certificate_pem;
  std::string private_key_pem;
};

struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool server = false;  // Extended key usage.
  bool client = false;
  WallTime not_before;
  WallTime not_after;
};

// A self-signed P-256 authority that may sign leaves only.
Result<CertificateAndKey> make_authority(std::string_view common_name, WallTime not_before,
                                         WallTime not_after);
// A new P-256 key and its certificate, signed by the authority.
Result<CertificateAndKey> issue_certificate(const CertificateAndKey& authority,
                                            const CertificateSpec& spec);

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::string issuer_common_name;
  WallTime not_before;
  WallTime not_after;
  bool is_authority = false;
  std::string sha256;  // Of the DER form, 32 bytes.
};
// Of the first certificate in the text.
Result<CertificateInfo> inspect_certificate(std::string_view pem);

// The blocks of a PEM text, of whatever kind; what is no block is skipped.
struct PemBlock {
  std::string type;  // "CERTIFICATE"
  std::string der;
  bool has_headers = false;
  bool is_certificate = false;  // Its bytes are one.
  bool is_authority = false;
};
std::vector<PemBlock> pem_blocks(std::string_view pem);

// True if `certificate_pem` was signed by one in `authority_pem`; validity dates are not looked at.
bool is_signed_by(std::string_view certificate_pem, std::string_view authority_pem);

// The subject of the first certificate in `chain_pem` if it is a client's, valid at `now`, and
// leads by the others to an authority in `authority_pem`; 401 with the reason if not.
Result<CertificateInfo> verify_client_chain(std::string_view chain_pem,
                                            std::string_view authority_pem, WallTime now);

}  // namespace pinnace::net

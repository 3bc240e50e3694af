// Certificates, requests for them and tokens of anybody: they are read or refused.
// Input: a byte that chooses, then DER (put into PEM here), PEM, or a token.
#include "base/assert.h"
#include "base/strings.h"
#include "net/certificate_request.h"
#include "net/jwt.h"
#include "net/x509.h"

namespace {

using namespace pinnace;
using namespace pinnace::net;

std::string pem_of(std::string_view label, std::string_view der) {
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  const std::string text = base64_encode(der);
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + '\n';
  return out + "-----END " + std::string(label) + "-----\n";
}

void read_certificate(const std::string& pem) {
  static const std::string& authority =
      *new std::string(make_authority("ca", WallTime(), WallTime())->certificate_pem);
  const auto info = inspect_certificate(pem);
  PINNACE_ASSERT(!info || info->sha256.size() == 32);
  PINNACE_ASSERT(!is_signed_by(pem, authority));
  PINNACE_ASSERT(!verify_client_chain(pem, authority, WallTime()));
  (void)public_key_of(pem);
}

// What can be read can be signed, and becomes no authority.
void read_request(const std::string& pem) {
  constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
  constexpr WallTime kEnd = kNow + std::chrono::hours(1);
  static const auto& authority = *new CertificateAndKey(*make_authority("ca", kNow, kEnd));
  if (!inspect_request(pem)) return;
  const auto made = sign_request(authority, pem, {kNow, kEnd, {"client auth", "cert sign"}});
  PINNACE_ASSERT(!made || !inspect_certificate(*made)->is_authority);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto& verifier =
      *new std::unique_ptr<JwtVerifier>(*JwtVerifier::create({make_ec_key()->public_key_pem}));
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      read_certificate(pem_of("CERTIFICATE", bytes));
      break;
    case 1:
      read_certificate(std::string(bytes));
      break;
    case 2:
      read_request(pem_of("CERTIFICATE REQUEST", bytes));
      break;
    case 3:
      read_request(std::string(bytes));
      break;
    default:
      PINNACE_ASSERT(!verifier->verify(bytes));
  }
  return 0;
}

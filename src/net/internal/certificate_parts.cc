#include "net/internal/certificate_parts.h"

#include <openssl/rand.h>

namespace pinnace::net::internal {

const EVP_MD* digest_for(const EVP_PKEY* key) {
  const int kind = EVP_PKEY_get_base_id(key);
  return kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448 ? nullptr : EVP_sha256();
}

bool set_time(ASN1_TIME* to, WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return ASN1_TIME_set(to, static_cast<time_t>(seconds)) != nullptr;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  using namespace std::chrono;
  sys_days day = year(parts.tm_year + 1900) / month(static_cast<unsigned>(parts.tm_mon + 1)) /
                 std::chrono::day(static_cast<unsigned>(parts.tm_mday));
  return day + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // Positive, always 16 bytes.
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool good = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return good;
}

bool add_name(X509_NAME* name, int nid, std::string_view value) {
  return X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

GeneralNames general_names(const AlternativeNames& names) {
  GeneralNames made(GENERAL_NAMES_new());
  bool good = true;
  const auto add = [&](int type, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(made.get(), name);
  };
  const auto add_texts = [&](int type, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      ASN1_STRING* value = ASN1_IA5STRING_new();
      good = good && ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1;
      add(type, value);
    }
  };
  add_texts(GEN_DNS, names.dns);
  for (const std::string& ip : names.ip) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(ip.c_str());
    good = good && address != nullptr;
    if (address != nullptr) add(GEN_IPADD, address);
  }
  add_texts(GEN_EMAIL, names.email);
  add_texts(GEN_URI, names.uri);
  if (!good) made.reset();
  return made;
}

}  // namespace pinnace::net::internal

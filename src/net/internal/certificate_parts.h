// The parts of which certificates and requests are built, for our .cc files only.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/internal/openssl.h"

namespace pinnace::net::internal {

// What a key of this kind signs with; null where the kind itself says it (Ed25519).
const EVP_MD* digest_for(const EVP_PKEY* key);

bool set_time(ASN1_TIME* to, WallTime time);
WallTime time_of(const ASN1_TIME* time);  // The epoch where it is none.
bool set_serial(X509* certificate);       // 16 random bytes.
// As UTF-8, and of any length: names of nodes are longer than X.520 has it.
bool add_name(X509_NAME* name, int nid, std::string_view value);
// `value` is text in OpenSSL's form: only for words of our own.
bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value);

// Built from values, not from text, so that a name cannot smuggle in another one. Null when one of
// them is no address.
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
GeneralNames general_names(const AlternativeNames& names);

}  // namespace pinnace::net::internal

// DnsMessage is a DNS query or answer as data, and its codec.
//
// Names are texts without the final dot ("web.default.svc.cluster.local"); the root is "". A dot or
// backslash inside a label is written "\." or "\\". Case is kept; compare without it.
// Bounds: a decoded message has at most 1 question, 512 records, and every name 255 bytes.
// Errors: a malformed message gives no value; nothing is read past its end.
// Source: RFC 1035 §4, RFC 2782 (SRV), RFC 6891 (EDNS0).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/ip.h"

namespace pinnace::dns {

enum class Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kOpt = 41,
  kAny = 255,
};
enum class Rcode : std::uint8_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
};

struct Question {
  std::string name;
  Type type = Type::kA;
  std::uint16_t klass = 1;
};

struct Record {
  std::string name;
  Type type = Type::kA;
  std::uint32_t ttl = 0;
  io::Ipv4 address;                                  // A
  std::string target;                                // CNAME, PTR, NS, SRV; SOA's primary server
  std::uint16_t priority = 0, weight = 0, port = 0;  // SRV
  std::string mailbox;                               // SOA
  std::uint32_t serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0;  // SOA
  std::string raw;  // The data of every other type (TXT's strings, AAAA).
};

struct DnsMessage {
  std::uint16_t id = 0;
  bool response = false, authoritative = false, truncated = false;
  bool recursion_desired = false, recursion_available = false;
  std::uint8_t opcode = 0;
  Rcode rcode = Rcode::kNoError;
  std::optional<Question> question;
  std::vector<Record> answers, authority, additional;  // Without OPT.
  // EDNS0: the sender's UDP payload size, if it said one.
  std::optional<std::uint16_t> udp_size;
  bool dnssec_ok = false;
};

std::optional<DnsMessage> decode(std::string_view bytes);

// At most `limit` bytes: records that do not fit are left out and `truncated` is set.
std::string encode(const DnsMessage& message, std::size_t limit = 65535);

// The header's fields that a forwarder needs without decoding the rest.
std::uint16_t message_id(std::string_view bytes);
void set_message_id(std::string& bytes, std::uint16_t id);

// Visits the TTL of every record but OPT; `edit` returns the TTL to put there. False: malformed.
template <typename Edit>
bool edit_ttls(std::string& bytes, Edit edit);

// The offset after the name that starts at `at`; 0 if it is malformed.
std::size_t skip_name(std::string_view bytes, std::size_t at);

bool same_name(std::string_view a, std::string_view b);

// ---- implementation of the template ----
template <typename Edit>
bool edit_ttls(std::string& bytes, Edit edit) {
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at]));
  };
  if (bytes.size() < 12) return false;
  const auto count = [&](std::size_t at) { return byte(at) << 8 | byte(at + 1); };
  std::size_t at = 12;
  for (std::uint32_t i = 0; i < count(4); ++i) {
    at = skip_name(bytes, at);
    if (at == 0 || at + 4 > bytes.size()) return false;
    at += 4;
  }
  const std::uint32_t records = count(6) + count(8) + count(10);
  for (std::uint32_t i = 0; i < records; ++i) {
    at = skip_name(bytes, at);
    if (at == 0 || at + 10 > bytes.size()) return false;
    if (count(at) != static_cast<std::uint32_t>(Type::kOpt)) {
      const std::uint32_t ttl = edit(count(at + 4) << 16 | count(at + 6));
      for (int k = 0; k < 4; ++k) bytes[at + 4 + k] = static_cast<char>(ttl >> (24 - 8 * k));
    }
    at += 10 + count(at + 8);
    if (at > bytes.size()) return false;
  }
  return true;
}

}  // namespace pinnace::dns

#include "dns/dns_message.h"

#include <map>

#include "base/strings.h"

namespace pinnace::dns {
namespace {

constexpr std::size_t kMaxRecords = 512;
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxPointers = 64;
constexpr std::size_t kOptBytes = 11;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }
  void seek(std::size_t at) { at_ = at; }

  std::uint8_t u8() {
    if (at_ >= bytes_.size()) return fail();
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint16_t u16() {
    const std::uint16_t high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string take(std::size_t size) {
    if (!ok_ || size > bytes_.size() - at_) return fail(), std::string();
    at_ += size;
    return std::string(bytes_.substr(at_ - size, size));
  }

  std::string name() {
    std::string text;
    std::size_t after = 0;  // Where to go on once a pointer was followed.
    std::size_t wire_bytes = 1;
    for (std::size_t pointers = 0;;) {
      const std::size_t length = u8();
      if (!ok_) return {};
      if (length == 0) break;
      if ((length & 0xc0) == 0xc0) {
        const std::size_t target = (length & 0x3f) << 8 | u8();
        if (!ok_ || ++pointers > kMaxPointers) return fail(), std::string();
        if (after == 0) after = at_;
        at_ = target;
        continue;
      }
      wire_bytes += length + 1;
      if (length > 63 || wire_bytes > kMaxNameBytes) return fail(), std::string();
      if (!text.empty()) text += '.';
      for (const char c : take(length)) {
        if (c == '.' || c == '\\') text += '\\';
        text += c;
      }
    }
    if (after != 0) at_ = after;
    return text;
  }

  std::uint8_t fail() {
    ok_ = false;
    return 0;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// Reads one record into `message` (OPT) or `into` (all others).
void read_record(Reader& in, DnsMessage& message, std::vector<Record>& into) {
  Record record;
  record.name = in.name();
  record.type = static_cast<Type>(in.u16());
  const std::uint16_t klass = in.u16();
  record.ttl = in.u32();
  const std::size_t size = in.u16();
  const std::size_t end = in.at() + size;
  if (!in.ok()) return;
  if (record.type == Type::kOpt) {
    in.take(size);
    message.udp_size = klass;
    message.dnssec_ok = (record.ttl & 0x8000) != 0;
    return;
  }
  switch (record.type) {
    case Type::kA:
      if (size != 4) in.fail();
      record.address.value = in.u32();
      break;
    case Type::kCname:
    case Type::kPtr:
    case Type::kNs:
      record.target = in.name();
      break;
    case Type::kSrv:
      record.priority = in.u16();
      record.weight = in.u16();
      record.port = in.u16();
      record.target = in.name();
      break;
    case Type::kSoa:
      record.target = in.name();
      record.mailbox = in.name();
      record.serial = in.u32();
      record.refresh = in.u32();
      record.retry = in.u32();
      record.expire = in.u32();
      record.minimum = in.u32();
      break;
    default:
      record.raw = in.take(size);
  }
  if (in.at() != end) in.fail();
  if (in.ok()) into.push_back(std::move(record));
}

class Writer {
 public:
  std::string bytes;

  void u8(std::size_t v) { bytes += static_cast<char>(v); }
  void u16(std::size_t v) {
    u8(v >> 8 & 0xff);
    u8(v & 0xff);
  }
  void u32(std::uint32_t v) {
    u16(v >> 16);
    u16(v & 0xffff);
  }
  void patch16(std::size_t at, std::size_t v) {
    bytes[at] = static_cast<char>(v >> 8);
    bytes[at + 1] = static_cast<char>(v);
  }

  // Labels of a text that came from `decode` or from API names, which fit by their own rules; a
  // longer label is cut at 63 bytes.
  void name(std::string_view text, bool compress = true) {
    while (!text.empty()) {
      const std::string key = to_lower(text);
      const auto known = seen_.find(key);
      if (compress && known != seen_.end()) return u16(0xc000 | known->second);
      if (bytes.size() < 0x4000) seen_.emplace(key, bytes.size());
      std::string label;
      std::size_t used = 0;
      for (; used < text.size() && text[used] != '.'; ++used) {
        if (text[used] == '\\' && used + 1 < text.size()) ++used;
        if (label.size() < 63) label += text[used];
      }
      u8(label.size());
      bytes += label;
      text.remove_prefix(std::min(text.size(), used + 1));
    }
    u8(0);
  }

  void record(const Record& record) {
    name(record.name);
    u16(static_cast<std::uint16_t>(record.type));
    u16(1);
    u32(record.ttl);
    const std::size_t size_at = bytes.size();
    u16(0);
    data(record);
    patch16(size_at, bytes.size() - size_at - 2);
  }

 private:
  void data(const Record& record) {
    switch (record.type) {
      case Type::kA:
        return u32(record.address.value);
      case Type::kCname:
      case Type::kPtr:
      case Type::kNs:
        return name(record.target);
      case Type::kSrv:
        u16(record.priority);
        u16(record.weight);
        u16(record.port);
        return name(record.target, false);  // RFC 2782: not compressed.
      case Type::kSoa:
        name(record.target);
        name(record.mailbox);
        for (const auto v :
             {record.serial, record.refresh, record.retry, record.expire, record.minimum}) {
          u32(v);
        }
        return;
      default:
        bytes += record.raw;
    }
  }

  std::map<std::string, std::size_t> seen_;
};

}  // namespace

std::optional<DnsMessage> decode(std::string_view bytes) {
  Reader in(bytes);
  DnsMessage message;
  message.id = in.u16();
  const std::uint8_t high = in.u8();
  const std::uint8_t low = in.u8();
  message.response = (high & 0x80) != 0;
  message.opcode = high >> 3 & 0xf;
  message.authoritative = (high & 0x04) != 0;
  message.truncated = (high & 0x02) != 0;
  message.recursion_desired = (high & 0x01) != 0;
  message.recursion_available = (low & 0x80) != 0;
  message.rcode = static_cast<Rcode>(low & 0xf);
  const std::size_t questions = in.u16();
  const std::size_t counts[] = {in.u16(), in.u16(), in.u16()};
  if (!in.ok() || questions > 1 || counts[0] + counts[1] + counts[2] > kMaxRecords) {
    return std::nullopt;
  }
  if (questions == 1) {
    Question question;
    question.name = in.name();
    question.type = static_cast<Type>(in.u16());
    question.klass = in.u16();
    message.question = std::move(question);
  }
  std::vector<Record>* const sections[] = {&message.answers, &message.authority,
                                           &message.additional};
  for (int section = 0; section < 3; ++section) {
    for (std::size_t i = 0; i < counts[section] && in.ok(); ++i) {
      read_record(in, message, *sections[section]);
    }
  }
  if (!in.ok()) return std::nullopt;
  return message;
}

std::string encode(const DnsMessage& message, std::size_t limit) {
  Writer out;
  out.u16(message.id);
  out.u8((message.response ? 0x80 : 0) | (message.opcode & 0xf) << 3 |
         (message.authoritative ? 0x04 : 0) | (message.truncated ? 0x02 : 0) |
         (message.recursion_desired ? 0x01 : 0));
  out.u8((message.recursion_available ? 0x80 : 0) | static_cast<std::uint8_t>(message.rcode));
  out.u16(message.question ? 1 : 0);
  for (int i = 0; i < 3; ++i) out.u16(0);
  if (message.question) {
    out.name(message.question->name);
    out.u16(static_cast<std::uint16_t>(message.question->type));
    out.u16(message.question->klass);
  }
  const std::size_t room = limit - (message.udp_size ? kOptBytes : 0);
  const std::vector<Record>* const sections[] = {&message.answers, &message.authority,
                                                 &message.additional};
  std::size_t counts[3] = {};
  bool full = false;
  for (int section = 0; section < 3 && !full; ++section) {
    for (const auto& record : *sections[section]) {
      const std::size_t before = out.bytes.size();
      out.record(record);
      if (out.bytes.size() > room) {
        out.bytes.resize(before);
        // Additional records are a courtesy: leaving them out is no truncation.
        if (section < 2) out.bytes[2] = static_cast<char>(out.bytes[2] | 0x02);
        full = true;
        break;
      }
      ++counts[section];
    }
  }
  if (message.udp_size) {
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(Type::kOpt));
    out.u16(*message.udp_size);
    out.u32(message.dnssec_ok ? 0x8000 : 0);
    out.u16(0);
    ++counts[2];
  }
  for (std::size_t i = 0; i < 3; ++i) out.patch16(6 + 2 * i, counts[i]);
  return std::move(out.bytes);
}

std::uint16_t message_id(std::string_view bytes) { return Reader(bytes).u16(); }

void set_message_id(std::string& bytes, std::uint16_t id) {
  bytes[0] = static_cast<char>(id >> 8);
  bytes[1] = static_cast<char>(id);
}

std::size_t skip_name(std::string_view bytes, std::size_t at) {
  while (at < bytes.size()) {
    const std::size_t length = static_cast<unsigned char>(bytes[at]);
    if ((length & 0xc0) == 0xc0) return at + 2 <= bytes.size() ? at + 2 : 0;
    if (length > 63) return 0;
    at += length + 1;
    if (length == 0) return at;
  }
  return 0;
}

bool same_name(std::string_view a, std::string_view b) { return equal_ignoring_case(a, b); }

}  // namespace pinnace::dns

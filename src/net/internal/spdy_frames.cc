#include "net/internal/spdy_frames.h"

#include <zlib.h>

#include <algorithm>

#include "base/assert.h"

namespace pinnace::net::internal {
namespace {

constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kMaxControlBytes = 64 << 10;
constexpr std::size_t kMaxHeaderBytes = 64 << 10;
constexpr std::uint16_t kVersion = 3;
constexpr std::uint8_t kFlagFin = 1;

std::uint32_t number_at(std::string_view bytes, std::size_t at, int size) {
  std::uint32_t number = 0;
  for (int i = 0; i < size; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  }
  return number;
}

void put(std::string& out, std::uint32_t number, int size) {
  for (int i = size - 1; i >= 0; --i) out += static_cast<char>(number >> (8 * i));
}

Bytef* zlib_bytes(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write there.
}

std::string control(SpdyType type, std::uint8_t flags, std::string_view body) {
  std::string out;
  put(out, 0x8000 | kVersion, 2);
  put(out, static_cast<std::uint32_t>(type), 2);
  put(out, flags, 1);
  put(out, static_cast<std::uint32_t>(body.size()), 3);
  return out.append(body);
}

std::string control(SpdyType type, std::initializer_list<std::uint32_t> numbers) {
  std::string body;
  for (const auto number : numbers) put(body, number, 4);
  return control(type, 0, body);
}

}  // namespace

class SpdyParser::Inflater {
 public:
  Inflater() { PINNACE_ASSERT(inflateInit(&state_) == Z_OK); }
  ~Inflater() { inflateEnd(&state_); }

  // False when the block is malformed or too large.
  bool inflate_block(std::string_view block, std::string& out) {
    state_.next_in = zlib_bytes(block);
    state_.avail_in = static_cast<uInt>(block.size());
    out.resize(kMaxHeaderBytes);
    state_.next_out = zlib_bytes(out);
    state_.avail_out = static_cast<uInt>(out.size());
    int result = inflate(&state_, Z_SYNC_FLUSH);
    if (result == Z_NEED_DICT) {
      const std::string& words = spdy_dictionary();
      if (inflateSetDictionary(&state_, zlib_bytes(words), static_cast<uInt>(words.size())) !=
          Z_OK) {
        return false;
      }
      result = inflate(&state_, Z_SYNC_FLUSH);
    }
    // A full buffer may mean that there is more; then what follows could not be understood.
    if (result != Z_OK || state_.avail_in != 0 || state_.avail_out == 0) return false;
    out.resize(out.size() - state_.avail_out);
    return true;
  }

 private:
  z_stream state_{};
};

SpdyParser::SpdyParser() : inflater_(std::make_unique<Inflater>()) {}
SpdyParser::~SpdyParser() = default;

void SpdyParser::feed(std::string_view bytes) {
  if (failed_) return;
  in_.erase(0, at_);
  at_ = 0;
  in_.append(bytes);
}

std::optional<SpdyFrame> SpdyParser::data_piece() {
  const std::size_t size = std::min(data_left_, in_.size() - at_);
  if (size == 0 && data_left_ != 0) return std::nullopt;
  SpdyFrame piece = data_;
  piece.data = std::string_view(in_).substr(at_, size);
  at_ += size;
  data_left_ -= size;
  in_data_ = data_left_ != 0;
  piece.fin = data_.fin && !in_data_;
  return piece;
}

std::optional<SpdyFrame> SpdyParser::next() {
  while (!failed_) {
    if (in_data_) return data_piece();
    const std::string_view rest = std::string_view(in_).substr(at_);
    if (rest.size() < kHeadBytes) return std::nullopt;
    const std::uint32_t first = number_at(rest, 0, 4);
    const bool fin = (number_at(rest, 4, 1) & kFlagFin) != 0;
    const std::size_t size = number_at(rest, 5, 3);
    if ((first >> 31) == 0) {
      data_ = SpdyFrame();
      data_.stream_id = first;
      data_.fin = fin;
      data_left_ = size;
      in_data_ = true;
      at_ += kHeadBytes;
      continue;
    }
    failed_ = ((first >> 16) & 0x7fff) != kVersion || size > kMaxControlBytes;
    if (failed_ || rest.size() < kHeadBytes + size) return std::nullopt;
    SpdyFrame frame;
    const auto type = static_cast<std::uint16_t>(first & 0xffff);
    failed_ = !read_control(type, fin, rest.substr(kHeadBytes, size), frame);
    at_ += kHeadBytes + size;
    if (!failed_ && frame.type != SpdyType::kData) return frame;
  }
  return std::nullopt;
}

bool SpdyParser::read_control(std::uint16_t type, bool fin, std::string_view body,
                              SpdyFrame& frame) {
  const auto known = static_cast<SpdyType>(type);
  const auto word = [&](std::size_t index) { return number_at(body, 4 * index, 4); };
  frame.fin = fin;
  switch (known) {
    case SpdyType::kSynStream:
    case SpdyType::kSynReply:
    case SpdyType::kHeaders: {
      const std::size_t head = known == SpdyType::kSynStream ? 10 : 4;
      if (body.size() < head) return false;
      frame.stream_id = word(0) & kSpdyMaxStreamId;
      if (!read_headers(body.substr(head), frame.headers)) return false;
      break;
    }
    case SpdyType::kReset:
    case SpdyType::kGoAway:
      if (body.size() != 8) return false;
      frame.stream_id = word(0) & kSpdyMaxStreamId;
      frame.value = word(1);
      break;
    case SpdyType::kPing:
      if (body.size() != 4) return false;
      frame.value = word(0);
      break;
    default:
      return true;  // Settings, windows, and what came after 3.1: nothing for us.
  }
  frame.type = known;
  return true;
}

bool SpdyParser::read_headers(std::string_view block, Headers& headers) {
  std::string text;
  if (!inflater_->inflate_block(block, text)) return false;
  std::string_view rest = text;
  const auto take_number = [&rest](std::uint32_t& number) {
    if (rest.size() < 4) return false;
    number = number_at(rest, 0, 4);
    rest.remove_prefix(4);
    return true;
  };
  const auto take_text = [&](std::string_view& out) {
    std::uint32_t size = 0;
    if (!take_number(size) || size > rest.size()) return false;
    out = rest.substr(0, size);
    rest.remove_prefix(size);
    return true;
  };
  std::uint32_t count = 0;
  if (!take_number(count)) return false;
  std::size_t kept_bytes = 0;  // Each value has its name beside it: 32 KiB could become a GiB.
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string_view name, values;
    if (!take_text(name) || !take_text(values) || name.empty()) return false;
    for (;;) {  // Several values of one name stand between zero bytes.
      const auto end = values.find('\0');
      kept_bytes += name.size() + std::min(end, values.size());
      if (kept_bytes > kMaxHeaderBytes) return false;
      headers.add(name, values.substr(0, end));
      if (end == std::string_view::npos) break;
      values.remove_prefix(end + 1);
    }
  }
  return rest.empty();
}

class SpdyWriter::Deflater {
 public:
  // A small window: a session's headers are short, and the usual one takes 256 KiB.
  Deflater() {
    PINNACE_ASSERT(deflateInit2(&state_, Z_BEST_SPEED, Z_DEFLATED, 11, 1, Z_DEFAULT_STRATEGY) ==
                   Z_OK);
    const std::string& words = spdy_dictionary();
    deflateSetDictionary(&state_, zlib_bytes(words), static_cast<uInt>(words.size()));
  }
  ~Deflater() { deflateEnd(&state_); }

  std::string deflate_block(std::string_view text) {
    std::string out(deflateBound(&state_, static_cast<uLong>(text.size())) + 64, '\0');
    state_.next_in = zlib_bytes(text);
    state_.avail_in = static_cast<uInt>(text.size());
    state_.next_out = zlib_bytes(out);
    state_.avail_out = static_cast<uInt>(out.size());
    PINNACE_ASSERT(deflate(&state_, Z_SYNC_FLUSH) == Z_OK && state_.avail_in == 0);
    out.resize(out.size() - state_.avail_out);
    return out;
  }

 private:
  z_stream state_{};
};

SpdyWriter::SpdyWriter() : deflater_(std::make_unique<Deflater>()) {}
SpdyWriter::~SpdyWriter() = default;

std::string SpdyWriter::block(const Headers& headers) {
  // A name may stand there once; its values go together, with zero bytes between them.
  std::vector<std::pair<std::string_view, std::string>> entries;
  for (const auto& [name, value] : headers.all()) {
    const auto found =
        std::ranges::find(entries, name, [](const auto& entry) { return entry.first; });
    if (found == entries.end())
      entries.emplace_back(name, value);
    else
      found->second.append(1, '\0').append(value);
  }
  std::string text;
  put(text, static_cast<std::uint32_t>(entries.size()), 4);
  for (const auto& [name, values] : entries) {
    put(text, static_cast<std::uint32_t>(name.size()), 4);
    text += name;
    put(text, static_cast<std::uint32_t>(values.size()), 4);
    text += values;
  }
  return deflater_->deflate_block(text);
}

std::string SpdyWriter::syn_stream(std::uint32_t id, const Headers& headers, bool fin) {
  std::string body;
  put(body, id, 4);
  put(body, 0, 4);  // No associated stream.
  put(body, 0, 2);  // Priority 0, no credential.
  return control(SpdyType::kSynStream, fin ? kFlagFin : 0, body + block(headers));
}

std::string SpdyWriter::syn_reply(std::uint32_t id, const Headers& headers, bool fin) {
  std::string body;
  put(body, id, 4);
  return control(SpdyType::kSynReply, fin ? kFlagFin : 0, body + block(headers));
}

std::string SpdyWriter::data_head(std::uint32_t id, std::size_t bytes, bool fin) {
  std::string head;
  put(head, id, 4);
  put(head, fin ? kFlagFin : 0, 1);
  put(head, static_cast<std::uint32_t>(bytes), 3);
  return head;
}

std::string SpdyWriter::reset(std::uint32_t id, std::uint32_t status) {
  return control(SpdyType::kReset, {id, status});
}

std::string SpdyWriter::ping(std::uint32_t id) { return control(SpdyType::kPing, {id}); }

std::string SpdyWriter::go_away(std::uint32_t last_id, std::uint32_t status) {
  return control(SpdyType::kGoAway, {last_id, status});
}

}  // namespace pinnace::net::internal

#include "net/internal/http1_parser.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace pinnace::net::internal {
namespace {

constexpr std::size_t kMaxHeaders = 256;
constexpr std::size_t kMaxExtraBytes = 4096;
constexpr int kMaxSizeDigits = 15;

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = make_token_table();

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_target(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next line without its CRLF; false on a line that ends otherwise.
bool next_line(std::string_view& rest, std::string_view& line) {
  auto end = rest.find('\n');
  if (end == std::string_view::npos || end == 0 || rest[end - 1] != '\r') return false;
  line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line.find('\r') == std::string_view::npos;
}

const char* parse_fields(std::string_view rest, Headers& headers) {
  std::string_view line;
  std::size_t count = 0;
  while (next_line(rest, line)) {
    if (line.empty()) return rest.empty() ? nullptr : "malformed header";
    auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return "malformed header name";
    std::string_view value = trim_blanks(line.substr(colon + 1));
    if (!is_field_value(value)) return "malformed header value";
    if (++count > kMaxHeaders) return "too many headers";
    headers.add(line.substr(0, colon), value);
  }
  return "malformed header line";
}

// Finds the framing; nullptr if it is clear, else what is wrong.
const char* read_framing(const Headers& headers, int minor, HeadInfo& info) {
  auto codings = headers.get_all("transfer-encoding");
  auto lengths = headers.get_all("content-length");
  if (!codings.empty()) {
    if (!lengths.empty()) return "both content-length and transfer-encoding";
    if (minor == 0) return "transfer-encoding in HTTP/1.0";
    if (codings.size() != 1 || !equal_ignoring_case(codings[0], "chunked"))
      return "unknown transfer-encoding";
    info.framing = Framing::kChunked;
    return nullptr;
  }
  if (lengths.empty()) return nullptr;
  bool digits = !lengths[0].empty() && lengths[0].size() <= 18 &&
                std::all_of(lengths[0].begin(), lengths[0].end(),
                            [](char c) { return c >= '0' && c <= '9'; });
  if (lengths.size() != 1 || !digits) return "malformed content-length";
  info.content_length = *parse_uint(lengths[0]);
  info.framing = info.content_length > 0 ? Framing::kLength : Framing::kNone;
  return nullptr;
}

void read_keep_alive(const Headers& headers, int minor, HeadInfo& info) {
  info.keep_alive = minor >= 1 ? !headers.has_token("connection", "close")
                               : headers.has_token("connection", "keep-alive");
}

// "http://host/path" becomes "/path".
bool to_origin_form(std::string_view& target, std::string_view method) {
  if (target[0] == '/') return true;
  if (target == "*") return method == "OPTIONS";
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    auto slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    return true;
  }
  return false;
}

}  // namespace

std::size_t find_head_end(std::string_view bytes, std::size_t& searched) {
  std::size_t from = searched > 3 ? searched - 3 : 0;
  auto found = bytes.find("\r\n\r\n", from);
  searched = bytes.size();
  return found == std::string_view::npos ? found : found + 4;
}

int parse_request_head(std::string_view head, Request& request, HeadInfo& info, const char*& why) {
  std::string_view line, rest = head;
  why = "malformed request line";
  if (!next_line(rest, line)) return 400;
  auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || !is_target(target)) return 400;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    why = "unknown HTTP version";
    return version.starts_with("HTTP/") ? 505 : 400;
  }
  int minor = version.back() - '0';
  if (!to_origin_form(target, method)) return 400;
  if ((why = parse_fields(rest, request.headers)) != nullptr) return 400;
  if ((why = read_framing(request.headers, minor, info)) != nullptr) return 400;
  auto hosts = request.headers.get_all("host");
  why = "a request needs one host header";
  if (hosts.size() > 1 || (hosts.empty() && minor == 1)) return 400;

  read_keep_alive(request.headers, minor, info);
  info.expects_continue = minor == 1 && request.headers.has_token("expect", "100-continue");
  request.method = method;
  request.target = target;
  auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  request.http_version = 10 + minor;
  why = nullptr;
  return 0;
}

bool parse_response_head(std::string_view head, bool to_head, ParsedResponse& response,
                         HeadInfo& info) {
  std::string_view line, rest = head;
  if (!next_line(rest, line)) return false;
  bool one = line.starts_with("HTTP/1.1 "), zero = line.starts_with("HTTP/1.0 ");
  if ((!one && !zero) || line.size() < 12) return false;
  auto status = parse_uint(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599 || (line.size() > 12 && line[12] != ' '))
    return false;
  response.status = static_cast<int>(*status);
  if (parse_fields(rest, response.headers) != nullptr) return false;
  bool has_length = response.headers.has("content-length");
  if (read_framing(response.headers, one ? 1 : 0, info) != nullptr) return false;
  read_keep_alive(response.headers, one ? 1 : 0, info);
  if (to_head || response.status < 200 || response.status == 204 || response.status == 304)
    info.framing = Framing::kNone;
  else if (info.framing == Framing::kNone && !has_length)
    info.framing = Framing::kUntilClose;
  if (info.framing == Framing::kUntilClose) info.keep_alive = false;
  return true;
}

ChunkDecoder::State ChunkDecoder::feed(std::string_view bytes, std::size_t& used,
                                       std::string& out) {
  used = 0;
  while (used < bytes.size() && phase_ != Phase::kDone) {
    if (phase_ == Phase::kData) {
      auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
      out.append(bytes.substr(used, n));
      used += n;
      left_ -= n;
      if (left_ == 0) phase_ = Phase::kDataCr;
      continue;
    }
    char c = bytes[used++];
    switch (phase_) {
      case Phase::kSize: {
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit >= 0) {
          if (++digits_ > kMaxSizeDigits) return State::kBad;
          left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        } else if (digits_ == 0) {
          return State::kBad;
        } else if (c == '\r') {
          phase_ = Phase::kSizeLf;
        } else if (c == ';') {
          phase_ = Phase::kExtension;
        } else {
          return State::kBad;
        }
        break;
      }
      case Phase::kExtension:
        if (++extra_bytes_ > kMaxExtraBytes || c == '\n') return State::kBad;
        if (c == '\r') phase_ = Phase::kSizeLf;
        break;
      case Phase::kSizeLf:
        if (c != '\n') return State::kBad;
        digits_ = 0;
        line_bytes_ = 0;
        phase_ = left_ > 0 ? Phase::kData : Phase::kTrailer;
        break;
      case Phase::kDataCr:
        if (c != '\r') return State::kBad;
        phase_ = Phase::kDataLf;
        break;
      case Phase::kDataLf:
        if (c != '\n') return State::kBad;
        phase_ = Phase::kSize;
        break;
      case Phase::kTrailer:  // Read over, never used.
        if (++extra_bytes_ > kMaxExtraBytes || c == '\n') return State::kBad;
        if (c == '\r')
          phase_ = Phase::kTrailerLf;
        else
          ++line_bytes_;
        break;
      case Phase::kTrailerLf:
        if (c != '\n') return State::kBad;
        phase_ = line_bytes_ == 0 ? Phase::kDone : Phase::kTrailer;
        line_bytes_ = 0;
        break;
      case Phase::kData:
      case Phase::kDone:
        break;
    }
  }
  return phase_ == Phase::kDone ? State::kDone : State::kMore;
}

}  // namespace pinnace::net::internal

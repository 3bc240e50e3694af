#include "apiserver/http/document_answer.h"

#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Whether If-None-Match names the ETag: `"A", W/"B"` or `*`.
bool has_this_version(std::string_view header, std::string_view etag) {
  for (std::string_view tag : split(header, ',')) {
    tag = trim(tag);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || (tag.size() == etag.size() + 2 && tag.front() == '"' && tag.back() == '"' &&
                       tag.substr(1, etag.size()) == etag)) {
      return true;
    }
  }
  return false;
}

bool accepts(std::string_view range, std::string_view type) {
  if (range == "*/*" || equal_ignoring_case(range, type)) return true;
  return range.ends_with("/*") && type.starts_with(range.substr(0, range.size() - 1));
}

}  // namespace

void answer_document(Call& call, const Document& document, std::string_view content_type,
                     bool is_final, std::string_view encoding) {
  net::Headers headers;
  call.turn.add_headers(headers);
  headers.add("etag", "\"" + document.etag + "\"");
  headers.add("vary", "Accept");
  headers.add("cache-control",
              is_final ? "public, immutable, max-age=31536000" : call.cache_control);
  if (has_this_version(call.request.headers.get("if-none-match"), document.etag)) {
    if (call.claim()) call.exchange->respond(304, std::move(headers), std::string());
    return call.finished(304);
  }
  headers.add("content-type", content_type);
  if (!encoding.empty()) headers.add("content-encoding", encoding);
  if (call.claim()) call.exchange->respond(200, std::move(headers), document.text);
  call.finished(200);
}

void answer_not_found(Call& call) {
  answer_text(call, 404, "text/plain; charset=utf-8", "404 page not found\n");
}

int preferred_type(std::string_view accept, std::span<const std::string_view> offered) {
  if (trim(accept).empty()) return 0;
  for (const std::string_view entry : split(accept, ',')) {
    const std::string_view range = trim(split(entry, ';')[0]);
    for (std::size_t i = 0; i < offered.size(); ++i) {
      if (accepts(range, offered[i])) return static_cast<int>(i);
    }
  }
  return -1;
}

}  // namespace pinnace::apiserver

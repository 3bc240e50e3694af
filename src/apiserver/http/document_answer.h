// Answers with documents that clients cache: ETag, If-None-Match, and the choice of a media type.
#pragma once

#include <span>
#include <string_view>

#include "apiserver/http/call.h"
#include "apiserver/http/document_cache.h"

namespace pinnace::apiserver {

// `is_final`: the URL names this very content, which may be kept as long as one likes. `encoding`:
// what the document's text is in ("gzip"); its ETag is that of what it says.
void answer_document(Call& call, const Document& document, std::string_view content_type,
                     bool is_final = false, std::string_view encoding = {});
void answer_not_found(Call& call);

// The place in `offered` of the type that an Accept header prefers, or -1 when it wants none of
// them. Parameters do not count; "*" matches; no header takes the first.
int preferred_type(std::string_view accept, std::span<const std::string_view> offered);

}  // namespace pinnace::apiserver

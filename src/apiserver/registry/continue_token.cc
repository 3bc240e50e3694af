#include "apiserver/registry/continue_token.h"

#include <algorithm>
#include <cctype>

#include "api/json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// Where Go's reader of base64 stops.
std::string first_wrong_byte(std::string_view text) {
  const auto wrong = std::ranges::find_if(text, [](unsigned char byte) {
    return std::isalnum(byte) == 0 && byte != '-' && byte != '_';
  });
  return std::to_string(wrong - text.begin());
}

}  // namespace

std::string make_continue(const ContinueToken& token) {
  const std::string revision = token.revision == 0 ? "-1" : std::to_string(token.revision);
  std::string json = "{\"v\":\"meta.k8s.io/v1\",\"rv\":" + revision + ",\"start\":";
  api::write_json_string(json, token.start);
  return base64url_encode(json + "}");
}

Result<ContinueToken> parse_continue(std::string_view text) {
  constexpr std::string_view kRefused = "continue key is not valid";
  const auto refused = [&](std::string_view why) {
    return errors::bad_request(std::string(kRefused) + std::string(why));
  };
  constexpr std::size_t kMaxBytes = 4096;
  if (text.size() > kMaxBytes) return refused(": too long");
  const auto json = base64url_decode(text);
  if (!json) return refused(": illegal base64 data at input byte " + first_wrong_byte(text));
  api::Arena arena;
  const auto value = api::parse_json(arena, *json, {.max_depth = 4});
  if (!value || !value->is_object()) {
    return refused(": " + (value ? "json: cannot unmarshal a value that is no object into Go value "
                                   "of type storage.continueToken"
                                 : std::string(api::without_place(value.error().message))));
  }
  const std::string_view version = value->string_at("v");
  if (version != "meta.k8s.io/v1") {
    return refused(": server does not recognize this encoded version " + std::string(version));
  }
  const auto revision = value->int_at("rv");
  const std::string_view start = value->string_at("start");
  if (revision == 0) {
    return refused(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  if (start.empty()) return refused(": encoded start key empty (version meta.k8s.io/v1)");
  return ContinueToken{revision < 0 ? 0 : static_cast<store::Revision>(revision),
                       std::string(start)};
}

}  // namespace pinnace::apiserver

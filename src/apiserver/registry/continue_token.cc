#include "apiserver/registry/continue_token.h"

#include "api/json.h"
#include "base/strings.h"

namespace pinnace::apiserver {

std::string make_continue(const ContinueToken& token) {
  const std::string revision = token.revision == 0 ? "-1" : std::to_string(token.revision);
  std::string json = "{\"v\":\"meta.k8s.io/v1\",\"rv\":" + revision + ",\"start\":";
  api::write_json_string(json, token.start);
  return base64url_encode(json + "}");
}

Result<ContinueToken> parse_continue(std::string_view text) {
  const auto refused = [] { return errors::bad_request("continue key is not valid"); };
  constexpr std::size_t kMaxBytes = 4096;
  if (text.size() > kMaxBytes) return refused();
  const auto json = base64url_decode(text);
  if (!json) return refused();
  api::Arena arena;
  const auto value = api::parse_json(arena, *json, {.max_depth = 4});
  if (!value || !value->is_object() || value->string_at("v") != "meta.k8s.io/v1") return refused();
  const auto revision = value->int_at("rv");
  const std::string_view start = value->string_at("start");
  if (revision == 0 || start.empty()) return refused();
  return ContinueToken{revision < 0 ? 0 : static_cast<store::Revision>(revision),
                       std::string(start)};
}

}  // namespace pinnace::apiserver

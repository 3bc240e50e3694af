#include "kubelet/server/node_call.h"

#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

constexpr std::size_t kMaxParameters = 256;

void answer(const NodeCall& call, int status, std::string_view type, std::string body) {
  net::Headers headers;
  headers.add("content-type", type);
  call.exchange->respond(status, std::move(headers), std::move(body));
}

}  // namespace

Result<Parameters> Parameters::parse(std::string_view query) {
  Parameters made;
  for (const auto part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = query_decode(part.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : query_decode(part.substr(equals + 1));
    if (!name || !value) return errors::bad_request("invalid URL escape in the query");
    if (made.entries_.size() == kMaxParameters) {
      return errors::bad_request("too many query parameters");
    }
    made.entries_.emplace_back(std::move(*name), std::move(*value));
  }
  return made;
}

std::string_view Parameters::get(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string> Parameters::get_all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : entries_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

bool Parameters::flag(std::string_view name) const {
  const auto value = get(name);
  return value == "1" || value == "true";
}

void answer_text(const NodeCall& call, int status, std::string text) {
  answer(call, status, "text/plain; charset=utf-8", std::move(text));
}

void answer_json(const NodeCall& call, std::string json) {
  answer(call, 200, "application/json", std::move(json));
}

}  // namespace pinnace::kubelet

#include "apiserver/authentication/credential_file.h"

#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 16u << 20;

// The fields of the CSV record that begins at `at`, which is left behind it.
Result<std::vector<std::string>> read_record(std::string_view text, std::size_t& at) {
  std::vector<std::string> fields(1);
  while (at < text.size() && text[at] != '\n') {
    if (text[at] == '"' && fields.back().empty()) {
      for (++at;; ++at) {
        if (at >= text.size()) return errors::bad_request("a quote is not closed");
        if (text[at] == '"' && text.substr(at).starts_with("\"\""))
          ++at;
        else if (text[at] == '"')
          break;
        fields.back() += text[at];
      }
      ++at;
      const bool ends =
          at >= text.size() || text[at] == ',' || text[at] == '\n' || text[at] == '\r';
      if (!ends) return errors::bad_request("text after a closing quote");
    } else if (text[at] == ',') {
      fields.emplace_back();
      ++at;
    } else {
      if (text[at] == '"') return errors::bad_request("a quote inside of a field");
      if (text[at] != '\r') fields.back() += text[at];
      ++at;
    }
  }
  if (at < text.size()) ++at;
  return fields;
}

}  // namespace

Result<std::vector<Credential>> parse_credentials(std::string_view text) {
  std::vector<Credential> out;
  std::size_t at = 0;
  for (std::size_t line = 1; at < text.size(); ++line) {
    auto fields = read_record(text, at);
    const auto wrong = [&](std::string_view why) {
      return errors::bad_request("line " + std::to_string(line) + ": " + std::string(why));
    };
    if (!fields) return wrong(fields.error().message);
    if (fields->size() == 1 && trim((*fields)[0]).empty()) continue;
    if (fields->size() < 3) {
      return wrong("must have at least 3 columns (secret, user name, user uid), found " +
                   std::to_string(fields->size()));
    }
    // A line without a secret lets nobody in.
    if ((*fields)[0].empty()) continue;
    Credential made{(*fields)[0], {(*fields)[1], (*fields)[2], {}, {}}};
    if (fields->size() > 3) {
      for (const std::string_view group : split((*fields)[3], ',')) {
        if (const auto name = trim(group); !name.empty()) made.user.groups.emplace_back(name);
      }
    }
    out.push_back(std::move(made));
  }
  return out;
}

Result<std::vector<Credential>> read_credentials(const std::string& path) {
  auto text = io::read_file(path, kMaxFileBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  auto parsed = parse_credentials(*text);
  if (!parsed) parsed.error().message = path + ": " + parsed.error().message;
  return parsed;
}

}  // namespace pinnace::apiserver

// Rules in the words of bootstrap.h.
#include <algorithm>

#include "apiserver/bootstrap/bootstrap.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word == "core" ? "" : word);
  }
  return words;
}

Rule rule_of_line(std::string_view line) {
  constexpr std::string_view kBetween = " / ";
  std::vector<std::string_view> parts;
  for (auto at = line.find(kBetween); at != line.npos; at = line.find(kBetween)) {
    parts.push_back(line.substr(0, at));
    line.remove_prefix(at + kBetween.size());
  }
  parts.push_back(line);
  Rule rule;
  rule.verbs = words_of(parts[0]);
  if (parts.size() == 2) {
    rule.urls = words_of(parts[1]);
    return rule;
  }
  rule.groups = words_of(parts[1]);
  rule.resources = words_of(parts[2]);
  if (parts.size() == 4) rule.names = words_of(parts[3]);
  return rule;
}

}  // namespace

std::vector<Rule> rules_of_text(std::string_view text) {
  std::string joined;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    if (!line.starts_with(' ')) joined += '\n';
    (joined += ' ') += trim(line);
  }
  std::vector<Rule> rules;
  for (const std::string_view line : split(joined, '\n')) {
    if (!line.empty()) rules.push_back(rule_of_line(trim(line)));
  }
  return rules;
}

std::vector<Rule> node_rules() {
  const auto roles = bootstrap_roles();
  const auto found = std::ranges::find(roles, "system:node", &BootstrapRole::name);
  return found == roles.end() ? std::vector<Rule>() : rules_of_text(found->rules);
}

}  // namespace pinnace::apiserver

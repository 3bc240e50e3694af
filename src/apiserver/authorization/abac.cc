#include "apiserver/authorization/abac.h"

#include <algorithm>

#include "api/json.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kVersions[] = {"abac.authorization.kubernetes.io/v1beta1",
                                          "abac.authorization.kubernetes.io/v0", ""};

bool is_read(std::string_view verb) { return verb == "get" || verb == "list" || verb == "watch"; }

bool matches(std::string_view pattern, std::string_view value) {
  return pattern == "*" || pattern == value;
}

bool path_matches(std::string_view pattern, std::string_view path) {
  if (matches(pattern, path)) return true;
  return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

Result<Abac::Policy> Abac::parse_line(std::string_view line) {
  api::Arena arena;
  const auto parsed = api::parse_json(arena, line);
  if (!parsed) return std::unexpected(parsed.error());
  if (!parsed->is_object()) return errors::bad_request("a policy is a JSON object");
  const std::string_view version = parsed->string_at("apiVersion");
  if (std::ranges::find(kVersions, version) == std::end(kVersions)) {
    return errors::bad_request("no version of Policy: \"" + std::string(version) + "\"");
  }
  Policy policy;
  if (version == kVersions[0]) {
    if (parsed->string_at("kind") != "Policy") {
      return errors::bad_request("no kind \"" + std::string(parsed->string_at("kind")) +
                                 "\" is known for version \"" + std::string(version) + "\"");
    }
    const auto* spec = parsed->find("spec");
    if (spec == nullptr || !spec->is_object()) return errors::bad_request("a policy has a spec");
    policy = {std::string(spec->string_at("user")),
              std::string(spec->string_at("group")),
              spec->bool_at("readonly"),
              std::string(spec->string_at("apiGroup")),
              std::string(spec->string_at("resource")),
              std::string(spec->string_at("namespace")),
              std::string(spec->string_at("nonResourcePath"))};
    if (policy.user == "*" || policy.group == "*") policy.group = kAuthenticated;
    return policy;
  }
  // The first version: no subject is everybody, and what is not named is everything.
  const auto or_all = [&](std::string_view key) {
    const std::string_view text = parsed->string_at(key);
    return std::string(text.empty() ? "*" : text);
  };
  policy = {std::string(parsed->string_at("user")),
            std::string(parsed->string_at("group")),
            parsed->bool_at("readonly"),
            "*",
            or_all("resource"),
            or_all("namespace"),
            ""};
  const bool is_anybody = policy.user.empty() && policy.group.empty();
  if (is_anybody || policy.user == "*" || policy.group == "*") policy.group = kAuthenticated;
  const bool names_resources =
      !parsed->string_at("resource").empty() || !parsed->string_at("namespace").empty();
  if (!names_resources) policy.path = "*";
  return policy;
}

Result<std::unique_ptr<Abac>> Abac::parse(std::string_view text, const std::string& path) {
  auto made = std::make_unique<Abac>();
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto policy = parse_line(line);
    if (!policy) {
      return errors::bad_request("error reading policy file " + path + ", line " +
                                 std::to_string(number) + ": " + policy.error().message);
    }
    made->policies_.push_back(std::move(*policy));
  }
  return made;
}

Result<std::unique_ptr<Abac>> Abac::load(const std::string& path) {
  auto text = io::read_file(path, kMaxPolicyBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  return parse(*text, path);
}

bool Abac::is_about(const Policy& policy, const User& user) {
  if (policy.user.empty() && policy.group.empty()) return false;
  if (!policy.user.empty() && !matches(policy.user, user.name)) return false;
  return policy.group.empty() || policy.group == "*" || user.in_group(policy.group);
}

bool Abac::permits(const Policy& policy, const Attributes& wanted) {
  const bool is_verb = !policy.readonly || is_read(wanted.verb);
  if (!is_verb) return false;
  if (!wanted.is_resource) return path_matches(policy.path, wanted.path);
  return matches(policy.ns, wanted.ns) && matches(policy.resource, wanted.resource) &&
         matches(policy.api_group, wanted.group);
}

std::optional<Decision> Abac::decide(const User& user, const Attributes& wanted, bool) {
  for (const Policy& policy : policies_) {
    if (is_about(policy, user) && permits(policy, wanted)) return Decision{Verdict::kAllow, "", ""};
  }
  return Decision{Verdict::kNoOpinion, "No policy matched.", ""};
}

void Abac::list_rules(const User& user, const std::string& ns, RuleSet& out) {
  for (const Policy& policy : policies_) {
    // Rights on paths, too, are listed in the policy's namespace alone, as in Kubernetes.
    if (!is_about(policy, user) || !matches(policy.ns, ns)) continue;
    const std::vector<std::string> verbs = policy.readonly
                                               ? std::vector<std::string>{"get", "list", "watch"}
                                               : std::vector<std::string>{"*"};
    if (!policy.resource.empty()) {
      out.rules.push_back({verbs, {policy.api_group}, {policy.resource}, {}, {}});
    }
    if (!policy.path.empty()) out.rules.push_back({verbs, {}, {}, {}, {policy.path}});
  }
}

}  // namespace pinnace::apiserver

// Abac decides by a file of policies, one JSON object a line.
//
// Errors: 400 with the file's name and the line that is no policy. A line of an older version, or
//   without one, is read as that version was.
// Threads: immutable once made. Bounds: a file of at most kMaxPolicyBytes.
// Source: kubernetes.io/docs/reference/access-authn-authz/abac.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authorization/authorizer.h"
#include "base/error.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kMaxPolicyBytes = 16u << 20;

class Abac final : public Authorizer {
 public:
  static Result<std::unique_ptr<Abac>> load(const std::string& path);
  static Result<std::unique_ptr<Abac>> parse(std::string_view text, const std::string& path);

  std::optional<Decision> decide(const User& user, const Attributes& wanted, bool explain) override;
  void list_rules(const User& user, const std::string& ns, RuleSet& out) override;

 private:
  struct Policy {
    std::string user, group;  // Empty: not asked for; "*" any.
    bool readonly = false;
    std::string api_group, resource, ns, path;
  };
  static Result<Policy> parse_line(std::string_view line);
  static bool is_about(const Policy& policy, const User& user);
  static bool permits(const Policy& policy, const Attributes& wanted);

  std::vector<Policy> policies_;
};

}  // namespace pinnace::apiserver

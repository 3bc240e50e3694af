// Policy says how much of each request is written down: the first rule that matches decides.
//
// Errors: 400/422 naming each fault and its path, as kube-apiserver words it.
// Bounds: kMaxPolicyBytes of text.
// Source: kubernetes.io/docs/tasks/debug/debug-cluster/audit (audit.k8s.io/v1 Policy).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authentication/user.h"
#include "apiserver/http/request_info.h"
#include "base/error.h"

namespace pinnace::apiserver::audit {

inline constexpr std::size_t kMaxPolicyBytes = 1 << 20;

enum class Level : std::uint8_t { kNone, kMetadata, kRequest, kRequestResponse };
enum class Stage : std::uint8_t { kRequestReceived, kResponseStarted, kResponseComplete, kPanic };
std::string_view text_of(Level level);
std::string_view text_of(Stage stage);

// What is written down of one request.
struct Verdict {
  Level level = Level::kNone;
  std::uint8_t omitted_stages = 0;  // Bit 1 << stage.
  bool omits_managed_fields = false;
  bool omits(Stage stage) const { return (omitted_stages >> static_cast<int>(stage) & 1) != 0; }
};

struct Policy {
  struct Resources {
    std::string group;
    std::vector<std::string> resources, names;
  };
  struct Rule {
    Verdict verdict;
    std::vector<std::string> users, groups, verbs, namespaces, urls;
    std::vector<Resources> resources;
  };
  std::vector<Rule> rules;

  Verdict evaluate(const User& user, const RequestInfo& info) const;
};

// YAML or JSON.
Result<Policy> parse_policy(std::string_view text);

}  // namespace pinnace::apiserver::audit

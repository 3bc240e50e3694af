// Event is one line of the audit log: what was asked, by whom, and what came of it.
//
// Source: audit.k8s.io/v1 Event; the line of kube-apiserver's "legacy" format.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/audit/policy.h"
#include "base/clock.h"

namespace pinnace::apiserver::audit {

struct Event {
  Level level = Level::kMetadata;
  std::string id;
  Stage stage = Stage::kResponseComplete;
  std::string uri;
  User user;
  std::optional<User> impersonated_user;  // As whom the caller acts.
  std::vector<std::string> source_ips;
  std::string user_agent;
  RequestInfo info;
  std::string uid, revision;  // Of the object, once it is known.
  int code = 0;               // 0: no answer yet
  std::string status, reason, message;
  std::string details;                          // JSON; empty: left out
  std::string request_object, response_object;  // JSON; empty: left out
  WallTime received, staged;
  std::map<std::string, std::string> annotations;
};

// Without kind and version, as an item of a list.
std::string json_item(const Event& event);
// With a newline at the end.
std::string json_line(const Event& event);
std::string legacy_line(const Event& event);

}  // namespace pinnace::apiserver::audit

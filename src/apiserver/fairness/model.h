// FlowSchemas and PriorityLevelConfigurations as the server works with them, and which of them a
// request falls under.
//
// Source: flowcontrol.apiserver.k8s.io/v1; KEP-1040.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "apiserver/authentication/user.h"
#include "apiserver/fairness/allocation.h"
#include "apiserver/fairness/queue_set.h"
#include "apiserver/http/request_info.h"

namespace pinnace::apiserver::fairness {

struct FlowSchema {
  enum class Distinguisher : std::uint8_t { kNone, kUser, kNamespace };
  struct Subject {
    enum class Kind : std::uint8_t { kUser, kGroup, kServiceAccount };
    Kind kind = Kind::kUser;
    std::string name, ns;  // "*": all
  };
  struct ResourceRule {
    std::vector<std::string> verbs, groups, resources, namespaces;
    bool cluster_scope = false;
  };
  struct UrlRule {
    std::vector<std::string> verbs, urls;
  };
  struct Rule {
    std::vector<Subject> subjects;
    std::vector<ResourceRule> resources;
    std::vector<UrlRule> urls;
  };
  std::string name, uid, level;
  std::int64_t precedence = 1000;
  Distinguisher distinguisher = Distinguisher::kNone;
  std::vector<Rule> rules;

  bool matches(const User& user, const RequestInfo& info) const;
  // Requests of one flow wait in the same queues.
  std::uint64_t flow_of(const User& user, const RequestInfo& info) const;
};

struct PriorityLevel {
  std::string name, uid;
  bool is_exempt = false;
  SeatShares seats;
  QueueSet::Options queuing;  // No queues: what does not fit is refused.
};

// Of objects of the stored version (v1), which are valid and have their defaults.
FlowSchema read_flow_schema(const api::Value& object);
PriorityLevel read_priority_level(const api::Value& object);

// In the order in which they are tried: by precedence, then by name.
void sort_flow_schemas(std::vector<FlowSchema>& schemas);

}  // namespace pinnace::apiserver::fairness

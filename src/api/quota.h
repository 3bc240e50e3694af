// What an object counts against a ResourceQuota: which quotas are about it, and how much of each
// resource that they name it takes.
//
// Why here: admission and the controller that writes the status must count in the same way.
// Source: kubernetes.io/docs/concepts/policy/resource-quotas; k8s.io/kubernetes/pkg/quota.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "api/quantity.h"
#include "api/value.h"
#include "base/clock.h"

namespace pinnace::api {

// The kind of object that is counted: its group ("" for core) and resource ("pods").
struct QuotaSubject {
  std::string_view group, resource;

  bool is_pod() const { return group.empty() && resource == "pods"; }
  bool is_device_claim() const {
    return group == "resource.k8s.io" && resource == "resourceclaims";
  }
  // "count/deployments.apps"
  std::string count_name() const;
};

// Whether the quota's scopes take the object in. `spec` is the quota's.
bool is_in_quota_scope(const Value& spec, QuotaSubject subject, const Value& object);
// How much of what the quota calls `name` the object takes; zero where it is not concerned. A pod
// that should have gone by `now` is there, and takes nothing else.
Quantity quota_usage(QuotaSubject subject, const Value& object, std::string_view name,
                     WallTime now);
// What quotas may call that of which the object takes something.
std::set<std::string> quota_names_of(QuotaSubject subject, const Value& object, WallTime now);
// Whether the object is in the scope of one term of a quota's selector, or of a name of a scope.
bool is_in_scope(const Value& term, QuotaSubject subject, const Value& object);
// The subject that a name of a quota is about: "requests.cpu" is about pods.
struct NamedSubject {
  std::string group, resource;
};
NamedSubject quota_subject_of(std::string_view name);

// "requests" and "cpu" of "requests.cpu" or "cpu"; an empty kind for what is no amount of a pod's.
std::pair<std::string_view, std::string_view> pod_amount_of(std::string_view name);
// A device or the like: has a domain that is not Kubernetes' own.
bool is_extended_resource(std::string_view name);

}  // namespace pinnace::api

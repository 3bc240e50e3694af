// Authorizer is who answers `authorizer.group("apps").resource("deployments").check("get")`.
//
// Lifetime: must outlive the values that were made of it.
// Threads: called by whoever evaluates; it must not block.
// Source: k8s.io/apiserver/pkg/cel/library/authz.go.
#pragma once

#include <string>
#include <string_view>

#include "cel/types.h"
#include "cel/value.h"

namespace pinnace::cel {

// What is asked. Views are valid during the call.
struct AuthorizationQuery {
  // The service account that is asked for, or both empty: the user of the request.
  std::string_view service_account_namespace, service_account_name;
  bool is_resource = false;
  std::string_view path;  // When it is no resource.
  std::string_view verb;
  std::string_view group, resource, subresource, namespace_name, name;
  std::string_view field_selector, label_selector;
};

struct AuthorizationDecision {
  bool allowed = false;
  std::string reason;
  std::string error;  // "": none.
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual AuthorizationDecision authorize(const AuthorizationQuery& query) = 0;
};

// The types to declare `authorizer` and `authorizer.requestResource` with.
const Type& authorizer_type();
const Type& resource_check_type();

Value authorizer_value(Workspace& space, Authorizer& authorizer);
// `authorizer.requestResource`: group to name of the query are used.
Value resource_check_value(Workspace& space, Authorizer& authorizer,
                           const AuthorizationQuery& request);

}  // namespace pinnace::cel

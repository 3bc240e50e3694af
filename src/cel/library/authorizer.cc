// authorizer: may the user (or a service account) do something else?
#include "cel/authorizer.h"

#include "api/names.h"
#include "base/strings.h"
#include "cel/internal/functions.h"

namespace pinnace::cel {
namespace {

const Type kAuthorizerType{.kind = TypeKind::kOpaque,
                           .name = "kubernetes.authorization.Authorizer"};
const Type kPathCheckType{.kind = TypeKind::kOpaque, .name = "kubernetes.authorization.PathCheck"};
const Type kGroupCheckType{.kind = TypeKind::kOpaque,
                           .name = "kubernetes.authorization.GroupCheck"};
const Type kResourceCheckType{.kind = TypeKind::kOpaque,
                              .name = "kubernetes.authorization.ResourceCheck"};
const Type kDecisionType{.kind = TypeKind::kOpaque, .name = "kubernetes.authorization.Decision"};

// An authorizer, and all that was said of what is to be checked so far.
class Check final : public Opaque {
 public:
  Check(const Type& type, Authorizer& asked, const AuthorizationQuery& so_far)
      : authorizer(asked), query(so_far), type_(type) {}
  const Type& type() const override { return type_; }
  bool equals(const Opaque& other) const override {
    const auto& check = static_cast<const Check&>(other);
    const AuthorizationQuery &a = query, &b = check.query;
    return &authorizer == &check.authorizer &&
           a.service_account_namespace == b.service_account_namespace &&
           a.service_account_name == b.service_account_name && a.path == b.path &&
           a.group == b.group && a.resource == b.resource && a.subresource == b.subresource &&
           a.namespace_name == b.namespace_name && a.name == b.name &&
           a.field_selector == b.field_selector && a.label_selector == b.label_selector;
  }

  Authorizer& authorizer;
  AuthorizationQuery query;

 private:
  const Type& type_;
};

class Decision final : public Opaque {
 public:
  const Type& type() const override { return kDecisionType; }
  bool equals(const Opaque& other) const override {
    const auto& decision = static_cast<const Decision&>(other);
    return allowed == decision.allowed && reason == decision.reason && error == decision.error;
  }

  bool allowed = false;
  std::string_view reason, error;
};

using internal::Call;
using internal::Declaration;

const Check& check_of(const Call& call) { return static_cast<const Check&>(call[0].as_opaque()); }

// The check so far, with one more thing said.
Value refined(const Call& call, const Type& type, std::string_view AuthorizationQuery::*part) {
  const Check& before = check_of(call);
  AuthorizationQuery query = before.query;
  query.*part = call.text(1);
  return Value::opaque(*call.space.make<Check>(type, before.authorizer, query));
}

template <std::string_view AuthorizationQuery::*kPart>
Value refine(const Call& call) {
  return refined(call, kResourceCheckType, kPart);
}
Value path(const Call& call) {
  if (trim(call.text(1)).empty()) return Value::error("path must not be empty");
  return refined(call, kPathCheckType, &AuthorizationQuery::path);
}
Value group(const Call& call) { return refined(call, kGroupCheckType, &AuthorizationQuery::group); }
Value resource(const Call& call) {
  if (trim(call.text(1)).empty()) return Value::error("resource must not be empty");
  return refined(call, kResourceCheckType, &AuthorizationQuery::resource);
}

Value service_account(const Call& call) {
  if (!api::check_dns1123_subdomain(call.text(2)).empty()) {
    return Value::error("Invalid service account name");
  }
  if (!api::check_dns1123_label(call.text(1)).empty()) {
    return Value::error("Invalid service account namespace");
  }
  AuthorizationQuery query;
  query.service_account_namespace = call.text(1);
  query.service_account_name = call.text(2);
  return Value::opaque(*call.space.make<Check>(kAuthorizerType, check_of(call).authorizer, query));
}

Value check(const Call& call) {
  const Check& wanted = check_of(call);
  AuthorizationQuery query = wanted.query;
  query.verb = call.text(1);
  query.is_resource = &wanted.type() == &kResourceCheckType;
  const AuthorizationDecision made = wanted.authorizer.authorize(query);
  auto* decision = call.space.make<Decision>();
  decision->allowed = made.allowed;
  decision->reason = call.space.copy(made.reason);
  decision->error = call.space.copy(made.error);
  return Value::opaque(*decision);
}

const Decision& decision_of(const Call& call) {
  return static_cast<const Decision&>(call[0].as_opaque());
}
Value allowed(const Call& call) { return Value::boolean(decision_of(call).allowed); }
Value reason(const Call& call) { return Value::string(decision_of(call).reason); }
Value error(const Call& call) { return Value::string(decision_of(call).error); }
Value errored(const Call& call) { return Value::boolean(!decision_of(call).error.empty()); }

constexpr std::string_view kRefine =
    "kubernetes.authorization.ResourceCheck.(string) -> kubernetes.authorization.ResourceCheck";

constexpr Declaration kDeclarations[] = {
    {"path", "authorizer_path",
     "kubernetes.authorization.Authorizer.(string) -> kubernetes.authorization.PathCheck", path},
    {"group", "authorizer_group",
     "kubernetes.authorization.Authorizer.(string) -> kubernetes.authorization.GroupCheck", group},
    {"serviceAccount", "authorizer_serviceaccount",
     "kubernetes.authorization.Authorizer.(string, string) -> kubernetes.authorization.Authorizer",
     service_account},
    {"resource", "groupcheck_resource",
     "kubernetes.authorization.GroupCheck.(string) -> kubernetes.authorization.ResourceCheck",
     resource},
    {"subresource", "resourcecheck_subresource", kRefine, refine<&AuthorizationQuery::subresource>},
    {"namespace", "resourcecheck_namespace", kRefine, refine<&AuthorizationQuery::namespace_name>},
    {"name", "resourcecheck_name", kRefine, refine<&AuthorizationQuery::name>},
    {"fieldSelector", "authorizer_fieldselector", kRefine,
     refine<&AuthorizationQuery::field_selector>},
    {"labelSelector", "authorizer_labelselector", kRefine,
     refine<&AuthorizationQuery::label_selector>},
    {"check", "pathcheck_check",
     "kubernetes.authorization.PathCheck.(string) -> kubernetes.authorization.Decision", check},
    {"check", "resourcecheck_check",
     "kubernetes.authorization.ResourceCheck.(string) -> kubernetes.authorization.Decision", check},
    {"allowed", "decision_allowed", "kubernetes.authorization.Decision.() -> bool", allowed},
    {"reason", "decision_reason", "kubernetes.authorization.Decision.() -> string", reason},
    {"error", "decision_error", "kubernetes.authorization.Decision.() -> string", error},
    {"errored", "decision_errored", "kubernetes.authorization.Decision.() -> bool", errored},
};

}  // namespace

const Type& authorizer_type() { return kAuthorizerType; }
const Type& resource_check_type() { return kResourceCheckType; }

Value authorizer_value(Workspace& space, Authorizer& authorizer) {
  return Value::opaque(*space.make<Check>(kAuthorizerType, authorizer, AuthorizationQuery{}));
}

Value resource_check_value(Workspace& space, Authorizer& authorizer,
                           const AuthorizationQuery& request) {
  return Value::opaque(*space.make<Check>(kResourceCheckType, authorizer, request));
}

namespace internal {
std::span<const Declaration> authorizer_declarations() { return kDeclarations; }
}  // namespace internal

}  // namespace pinnace::cel

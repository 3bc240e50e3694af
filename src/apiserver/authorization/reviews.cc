#include "apiserver/authorization/reviews.h"

#include "api/json.h"
#include "api/selector.h"
#include "apiserver/admission/subresource_admission.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/write_options.h"
#include "apiserver/strategies/field.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// A review under way: the decision may come later.
using ReviewRef = SubresourceAdmissionRef;

// Reads the review and lets admission see it; `go_on`, on any thread, fills in the status.
void begin_review(const BackendRef& backend, const CallRef& call,
                  void (*go_on)(const ReviewRef& review)) {
  if (auto ok = check_write_options(*call, WriteKind::kCreate); !ok) {
    return answer_error(*call, ok.error());
  }
  auto review = std::make_shared<SubresourceAdmission>(backend, call, Operation::kCreate, nullptr);
  auto body = read_object(*call, review->arena, *call->resource);
  if (!body) return answer_error(*call, body.error());
  body->erase("status");
  if (auto ok = review->take(*body); !ok) return answer_error(*call, ok.error());
  review->change.dry_run = is_dry_run(*call);
  admit_subresource(review, [review, go_on] { go_on(review); });
}

std::vector<SelectorTerm> read_terms(const api::Value* selector, bool are_fields) {
  std::vector<SelectorTerm> terms;
  if (selector == nullptr) return terms;
  const std::string_view raw = selector->string_at("rawSelector");
  if (!raw.empty()) return are_fields ? field_terms(raw) : label_terms(raw);
  const auto* list = selector->find("requirements");
  if (list == nullptr || !list->is_array()) return terms;
  for (const auto& item : list->items()) {
    const std::string_view op = item.string_at("operator");
    const bool has_values = op == "In" || op == "NotIn";
    const bool is_known = has_values || (!are_fields && (op == "Exists" || op == "DoesNotExist"));
    const auto* values = item.find("values");
    // Of a field only one value can be asked for.
    const bool fits = !are_fields || (values != nullptr && values->size() == 1);
    if (!is_known || !fits) continue;  // Asking for more than was said never allows too much.
    terms.push_back(
        {std::string(item.string_at("key")), std::string(op), texts_of(item.find("values"))});
  }
  return terms;
}

// One requirement of a selector. Operators that are not known yet are taken.
void check_requirement(const Field& requirement, bool are_labels) {
  const Field key = requirement["key"];
  const Field values = requirement["values"];
  const Field op = requirement["operator"];
  if (!are_labels && key.empty()) key.required("must be specified");
  if (op.is_among({"In", "NotIn"}) && values.empty()) {
    values.required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op.is_among({"Exists", "DoesNotExist"}) && !values.empty()) {
    values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
  if (!are_labels) return;
  key.each(api::check_qualified_name(key.text()));
  for (const Field& value : values.items()) value.each(api::check_label_value(value.text()));
}

// What is wrong with one selector of the attributes.
void check_selector(const Field& selector, bool are_labels) {
  if (!selector.is_set()) return;
  const Field raw = selector["rawSelector"];
  const Field list = selector["requirements"];
  if (!raw.empty() && !list.empty()) {
    raw.invalid("may not specified at the same time as requirements");
  }
  if (raw.empty() && list.empty()) {
    list.required("when " + selector.path() +
                  " is specified, requirements or rawSelector is required");
  }
  for (const Field& requirement : list.items()) check_requirement(requirement, are_labels);
}

// Of what is asked exactly one form must be there.
void check_forms(const Field& resource, const Field& other) {
  if (resource.is_set() && other.is_set()) {
    other.invalid("cannot be specified in combination with resourceAttributes");
  } else if (!resource.is_set() && !other.is_set()) {
    resource.invalid(
        "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
}

// A review is no object: nothing is to be said of it but, where it is local, the namespace.
void check_no_meta(const api::Value& review, bool is_local, std::vector<Cause>& causes) {
  const auto* meta = review.find("metadata");
  if (meta == nullptr || !meta->is_object()) return;
  for (const auto& [key, value] : meta->members()) {
    const bool may_be = key == "managedFields" || key == "creationTimestamp" || value.is_null() ||
                        (is_local && key == "namespace");
    if (may_be) continue;
    causes.push_back(
        cause::invalid("metadata", api::to_json_text(*meta),
                       is_local ? "must be empty except for namespace" : "must be empty"));
    return;
  }
}

// What is wrong with a review of access. `about_user` stands between its forms and its selectors.
std::vector<Cause> check_review(SubresourceAdmission& review,
                                const std::vector<Cause>& about_user) {
  const Call& call = *review.call;
  std::vector<Cause> causes;
  const Field spec = Field(causes, review.arena, &review.object, call.resource->type)["spec"];
  const Field resource = spec["resourceAttributes"];
  const Field other = spec["nonResourceAttributes"];
  check_forms(resource, other);
  causes.insert(causes.end(), about_user.begin(), about_user.end());
  check_selector(resource["fieldSelector"], false);
  check_selector(resource["labelSelector"], true);
  const bool is_local = !call.info.ns.empty();
  check_no_meta(review.object, is_local, causes);
  if (!is_local) return causes;
  if (resource.is_set() && !resource["namespace"].is(call.info.ns)) {
    resource["namespace"].invalid("must match metadata.namespace");
  }
  if (other.is_set()) other.invalid("disallowed on this kind of request");
  return causes;
}

// Says that a selector could not be read as a whole; "" where it could.
std::string fault_in_reading(const api::Value* selector, bool are_fields, std::size_t count_read) {
  if (selector == nullptr || !selector->is_object()) return "";
  const std::string_view raw = selector->string_at("rawSelector");
  const auto* list = selector->find("requirements");
  const bool is_whole = !raw.empty() ? (are_fields ? api::parse_field_selector(raw).has_value()
                                                   : api::parse_label_selector(raw).has_value())
                                     : list == nullptr || count_read == list->size();
  if (is_whole) return "";
  return std::string("spec.resourceAttributes.") + (are_fields ? "field" : "label") + "Selector " +
         (count_read == 0 ? "" : "partially ") + "ignored due to parse error";
}

// What of the question was left aside.
std::vector<std::string> faults_in_reading(const api::Value& review, const Attributes& wanted) {
  std::vector<std::string> faults;
  const auto* resource = review.find_path({"spec", "resourceAttributes"});
  if (resource == nullptr || !resource->is_object()) return faults;
  for (const std::string& fault :
       {fault_in_reading(resource->find("fieldSelector"), true, wanted.fields.size()),
        fault_in_reading(resource->find("labelSelector"), false, wanted.labels.size())}) {
    if (!fault.empty()) faults.push_back(fault);
  }
  return faults;
}

Attributes read_attributes(const api::Value& spec) {
  Attributes wanted;
  const auto* resource = spec.find("resourceAttributes");
  wanted.is_resource = resource != nullptr && resource->is_object();
  const api::Value& from = wanted.is_resource ? *resource : *spec.find("nonResourceAttributes");
  wanted.verb = from.string_at("verb");
  wanted.path = from.string_at("path");
  if (!wanted.is_resource) return wanted;
  wanted.group = from.string_at("group");
  wanted.version = from.string_at("version");
  wanted.resource = from.string_at("resource");
  wanted.subresource = from.string_at("subresource");
  wanted.ns = from.string_at("namespace");
  wanted.name = from.string_at("name");
  wanted.fields = read_terms(from.find("fieldSelector"), true);
  wanted.labels = read_terms(from.find("labelSelector"), false);
  return wanted;
}

void answer_review(SubresourceAdmission& review, api::Value status) {
  review.object.set_ref(review.arena, "status", status);
  answer_value(*review.call, 201, review.call->resource->type, review.object);
}

void answer_decision(SubresourceAdmission& review, const Decision& decision) {
  api::Arena& arena = review.arena;
  api::Value status = api::Value::object();
  status.set_ref(arena, "allowed", api::Value::boolean(decision.verdict == Verdict::kAllow));
  if (decision.verdict == Verdict::kDeny) {
    status.set_ref(arena, "denied", api::Value::boolean(true));
  }
  if (!decision.reason.empty()) {
    status.set_ref(arena, "reason", api::Value::string(arena, decision.reason));
  }
  auto faults = faults_in_reading(review.object, read_attributes(*review.object.find("spec")));
  if (!decision.error.empty()) faults.insert(faults.begin(), decision.error);
  if (!faults.empty()) {
    status.set_ref(arena, "evaluationError", api::Value::string(arena, join(faults, "; ")));
  }
  answer_review(review, status);
}

// `user` is who is asked about.
void decide_review(const ReviewRef& review, const User& user, const std::vector<Cause>& causes) {
  const CallRef& call = review->call;
  AuthorizerChain& authorization = *review->backend->authorization;
  if (auto wrong = check_review(*review, causes); !wrong.empty()) {
    // Kubernetes names the group alone.
    const std::string kind = "." + std::string(call->resource->group);
    return answer_error(*call, errors::invalid(kind, "", std::move(wrong)).error());
  }
  const Attributes wanted = read_attributes(*review->object.find("spec"));
  if (const auto decision = authorization.decide(user, wanted, true)) {
    return answer_decision(*review, *decision);
  }
  authorization.ask(user, wanted,
                    [review](const Decision& decision) { answer_decision(*review, decision); });
}

api::Value user_value(api::Arena& arena, const User& user) {
  api::Value out = api::Value::object();
  out.set_ref(arena, "username", api::Value::string(arena, user.name));
  if (!user.uid.empty()) out.set_ref(arena, "uid", api::Value::string(arena, user.uid));
  out.set_ref(arena, "groups", text_list(arena, user.groups));
  if (user.extra.empty()) return out;
  api::Value& extra = out.ensure_object(arena, "extra");
  for (const auto& [key, values] : user.extra) extra.set(arena, key, text_list(arena, values));
  return out;
}

void answer_token(SubresourceAdmission& review, const Result<VerifiedToken>& verified) {
  api::Arena& arena = review.arena;
  api::Value status = api::Value::object();
  if (verified) {
    status.set_ref(arena, "authenticated", api::Value::boolean(true));
    status.set_ref(arena, "user", user_value(arena, verified->user));
    if (!verified->audiences.empty()) {
      status.set_ref(arena, "audiences", text_list(arena, verified->audiences));
    }
  } else {
    status.set_ref(arena, "user", api::Value::object());
    status.set_ref(arena, "error", api::Value::string(arena, verified.error().message));
  }
  answer_review(review, status);
}

void answer_self_access(const ReviewRef& review) { decide_review(review, review->call->user, {}); }

void answer_access(const ReviewRef& review) {
  User user;
  if (const auto* spec = review->object.find("spec")) {
    user.name = spec->string_at("user");
    user.uid = spec->string_at("uid");
    const bool is_old = review->call->resource->version == "v1beta1";
    user.groups = texts_of(spec->find(is_old ? "group" : "groups"));
    if (const auto* extra = spec->find("extra"); extra != nullptr && extra->is_object()) {
      for (const auto& [key, values] : extra->members()) {
        user.extra[to_lower(key)] = texts_of(&values);
      }
    }
  }
  std::vector<Cause> causes;
  if (user.name.empty() && user.groups.empty()) {
    causes.push_back(
        cause::invalid("spec.user", "\"\"", "at least one of user or group must be specified"));
  }
  decide_review(review, user, causes);
}

void answer_self_rules(const ReviewRef& review) {
  api::Arena& arena = review->arena;
  const auto* spec = review->object.find("spec");
  const std::string ns(spec == nullptr ? "" : spec->string_at("namespace"));
  if (ns.empty()) {
    return answer_error(*review->call, errors::bad_request("no namespace on request").error());
  }
  api::Value resources = api::Value::array(), others = api::Value::array();
  RuleSet set;
  review->backend->authorization->list_rules(review->call->user, ns, set);
  for (const Rule& rule : set.rules) {
    api::Value out = api::Value::object();
    out.set_ref(arena, "verbs", text_list(arena, rule.verbs));
    if (!rule.urls.empty()) {
      out.set_ref(arena, "nonResourceURLs", text_list(arena, rule.urls));
      others.append(arena, out);
      continue;
    }
    out.set_ref(arena, "apiGroups", text_list(arena, rule.groups));
    out.set_ref(arena, "resources", text_list(arena, rule.resources));
    if (!rule.names.empty()) out.set_ref(arena, "resourceNames", text_list(arena, rule.names));
    resources.append(arena, out);
  }
  api::Value status = api::Value::object();
  status.set_ref(arena, "resourceRules", resources);
  status.set_ref(arena, "nonResourceRules", others);
  status.set_ref(arena, "incomplete", api::Value::boolean(set.is_incomplete));
  if (!set.errors.empty()) {
    status.set_ref(arena, "evaluationError", api::Value::string(arena, aggregate_text(set.errors)));
  }
  // The answer is about the caller alone.
  review->object.set_ref(arena, "spec", api::Value::object());
  review->object.set_ref(arena, "metadata", api::Value::object());
  answer_review(*review, status);
}

void answer_token_review(const ReviewRef& review) {
  Authenticator& authenticator = *review->backend->authenticator;
  const auto* spec = review->object.find("spec");
  const std::string_view token = spec == nullptr ? "" : spec->string_at("token");
  if (token.empty()) {
    return answer_error(
        *review->call,
        errors::bad_request("token is required for TokenReview in authentication").error());
  }
  auto audiences = texts_of(spec == nullptr ? nullptr : spec->find("audiences"));
  if (audiences.empty()) audiences = authenticator.api_audiences();
  authenticator.review(
      std::string(token), audiences,
      [review](const Result<VerifiedToken>& verified) { answer_token(*review, verified); });
}

void answer_self(const ReviewRef& review) {
  meta_of(review->arena, review->object)
      .set_ref(review->arena, "creationTimestamp",
               api::Value::string(review->arena, rfc3339(review->backend->now())));
  api::Value status = api::Value::object();
  status.set_ref(review->arena, "userInfo", user_value(review->arena, review->call->user));
  answer_review(*review, status);
}

}  // namespace

void review_self_access(const BackendRef& backend, const CallRef& call) {
  begin_review(backend, call, answer_self_access);
}
void review_access(const BackendRef& backend, const CallRef& call) {
  begin_review(backend, call, answer_access);
}
void review_self_rules(const BackendRef& backend, const CallRef& call) {
  begin_review(backend, call, answer_self_rules);
}
void review_token(const BackendRef& backend, const CallRef& call) {
  begin_review(backend, call, answer_token_review);
}
void review_self(const BackendRef& backend, const CallRef& call) {
  begin_review(backend, call, answer_self);
}

}  // namespace pinnace::apiserver

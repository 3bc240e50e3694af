#include "apiserver/authentication/token_request.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/audit_annotations.h"
#include "apiserver/admission/subresource_admission.h"
#include "apiserver/authentication/credential_id.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/registry/write_options.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kDefaultSeconds = 3600;
constexpr std::int64_t kMinSeconds = 600;
constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 32;

const api::TypeInfo* token_request_type() {
  return api::builtin_schema().find_type("authentication.k8s.io", "v1", "TokenRequest");
}

// What a token may be bound to.
struct Bindable {
  std::string_view kind;
  const char* resource;
  bool is_namespaced;
};
constexpr Bindable kBindables[] = {
    {"Pod", "pods", true}, {"Secret", "secrets", true}, {"Node", "nodes", false}};

// A pod must run as this service account; its node is named in the token too.
Result<void> bind_pod_node(Backend& backend, const Call& call, const store::Object& kept,
                           TokenBinding& binding) {
  api::Arena arena;
  const auto pod = parse_stored(arena, kept);
  const auto* spec = pod ? pod->find("spec") : nullptr;
  if (spec == nullptr) return errors::internal("a stored pod cannot be read");
  const std::string_view account = spec->string_at("serviceAccountName");
  if (account != call.info.name) {
    return errors::bad_request("cannot bind token for serviceaccount " + quoted(call.info.name) +
                               " to pod running with different serviceaccount name.");
  }
  binding.node_name = spec->string_at("nodeName");
  if (const auto node = backend.store().get({"nodes", "", binding.node_name})) {
    binding.node_uid = (*node)->uid;
  }
  return {};
}

// The object to bind to must exist, with the uid that was named, and use this service account.
Result<TokenBinding> read_binding(Backend& backend, const Call& call, const api::Value& reference) {
  TokenBinding binding{std::string(reference.string_at("kind")),
                       std::string(reference.string_at("name")),
                       std::string(reference.string_at("uid")),
                       {},
                       {}};
  const std::string version(reference.string_at("apiVersion"));
  const bool has_group = version.contains('/');  // Which version of its own does not matter.
  const Bindable* bindable = nullptr;
  for (const Bindable& each : kBindables) {
    if (each.kind == binding.kind && !has_group) bindable = &each;
  }
  if (bindable == nullptr) {
    return errors::bad_request("cannot bind token to object of type " +
                               (has_group ? version : "/" + version) + ", Kind=" + binding.kind);
  }
  if (binding.name.empty()) return errors::bad_request("Name parameter required.");
  const auto found = backend.store().get(
      {bindable->resource, bindable->is_namespaced ? call.info.ns : "", binding.name});
  if (!found) return errors::not_found(bindable->resource, binding.name);
  if (!binding.uid.empty() && binding.uid != (*found)->uid) {
    return errors::conflict(binding.kind, binding.name,
                            "the UID in the bound object reference (" + binding.uid +
                                ") does not match the UID in record. The object might have been "
                                "deleted and then recreated");
  }
  binding.uid = (*found)->uid;
  if (binding.kind == "Pod") {
    if (auto ok = bind_pod_node(backend, call, **found, binding); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
  }
  return binding;
}

// The bound on how long tokens live; and pods' tokens of the default life, which live longer but
// say when they should have been renewed.
void apply_lifetime(Backend& backend, Call& call, TokenSpec& wanted) {
  constexpr std::int64_t kDefaultOfPods = 3607, kYear = 365 * 24 * 3600;
  const Configuration& configuration = backend.options.configuration;
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(
                           configuration.service_account_max_token_expiration)
                           .count();
  if (longest > 0 && wanted.expiration_seconds > longest) {
    call.warnings.push_back("requested expiration of " + std::to_string(wanted.expiration_seconds) +
                            " seconds shortened to " + std::to_string(longest) + " seconds");
    wanted.expiration_seconds = longest;
  }
  const auto& ours = backend.authenticator->api_audiences();
  const bool is_for_us = std::ranges::all_of(wanted.audiences, [&](const auto& each) {
    return std::ranges::find(ours, each) != ours.end();
  });
  const bool is_extended = configuration.service_account_extend_token_expiration && is_for_us &&
                           wanted.bound.kind == "Pod" &&
                           wanted.expiration_seconds == kDefaultOfPods;
  if (!is_extended) return;
  wanted.warn_after_seconds = wanted.expiration_seconds;
  wanted.expiration_seconds = kYear;
}

Result<TokenSpec> read_spec(Backend& backend, Call& call, const store::Object& account,
                            const api::Value* spec) {
  TokenSpec wanted;
  wanted.ns = call.info.ns;
  wanted.service_account = call.info.name;
  wanted.service_account_uid = account.uid;
  if (spec != nullptr) {
    wanted.expiration_seconds = spec->int_at("expirationSeconds", kDefaultSeconds);
    if (const auto* audiences = spec->find("audiences"); audiences && audiences->is_array()) {
      for (const auto& item : audiences->items()) {
        if (item.is_string()) wanted.audiences.emplace_back(item.as_string());
      }
    }
    if (const auto* reference = spec->find("boundObjectRef"); reference && reference->is_object()) {
      auto binding = read_binding(backend, call, *reference);
      if (!binding) return std::unexpected(std::move(binding.error()));
      wanted.bound = std::move(*binding);
    }
  }
  apply_lifetime(backend, call, wanted);
  return wanted;
}

Result<void> check_lifetime(std::int64_t seconds) {
  if (seconds >= kMinSeconds && seconds <= kMaxSeconds) return {};
  return errors::invalid(
      "TokenRequest.authentication.k8s.io", "",
      {cause::invalid("spec.expirationSeconds", std::to_string(seconds),
                      seconds < kMinSeconds
                          ? "may not specify a duration less than 10 minutes"
                          : "may not specify a duration larger than 2^32 seconds")});
}

// Fills in what the URL and the account say, and the audiences that everybody gets.
Result<void> complete(SubresourceAdmission& asked) {
  Backend& backend = *asked.backend;
  const Call& call = *asked.call;
  api::Arena& arena = asked.arena;
  api::Value& meta = meta_of(arena, asked.object);
  const std::string_view name = meta.string_at("name"), uid = meta.string_at("uid");
  if (!name.empty() && name != call.info.name) {
    return errors::invalid("TokenRequest.authentication.k8s.io", call.info.name,
                           {cause::invalid("metadata.name", quoted(name),
                                           "must match the service account name if specified")});
  }
  const auto account = backend.store().get(key_of(call));
  if (!account) return errors::not_found("serviceaccounts", call.info.name);
  if (!uid.empty() && uid != (*account)->uid) {
    return errors::conflict("TokenRequest.authentication.k8s.io", call.info.name,
                            "the UID in the token request (" + std::string(uid) +
                                ") does not match the UID of the service account (" +
                                (*account)->uid + ")");
  }
  meta.set_ref(arena, "uid", api::Value::string(arena, (*account)->uid));
  meta.set_ref(arena, "name", api::Value::string(arena, call.info.name));
  meta.set_ref(arena, "creationTimestamp", api::Value::string(arena, rfc3339(backend.now())));
  asked.object.erase("status");
  api::Value& spec = asked.object.ensure_object(arena, "spec");
  const auto* audiences = spec.find("audiences");
  if (audiences == nullptr || audiences->empty()) {
    api::Value ours = api::Value::array();
    for (const auto& audience : backend.authenticator->api_audiences()) {
      ours.append(arena, api::Value::string(arena, audience));
    }
    spec.set_ref(arena, "audiences", ours);
  }
  return check_lifetime(spec.int_at("expirationSeconds"));
}

// Issues what the request, as admission left it, asks for, and says so in it.
Result<void> grant(SubresourceAdmission& asked) {
  Backend& backend = *asked.backend;
  Call& call = *asked.call;
  api::Arena& arena = asked.arena;
  api::Value& body = asked.object;
  const auto account = backend.store().get(key_of(call));
  if (!account) return errors::not_found("serviceaccounts", call.info.name);
  auto spec = read_spec(backend, call, **account, body.find("spec"));
  if (!spec) return std::unexpected(std::move(spec.error()));
  auto issued = backend.authenticator->service_accounts().issue(*spec);
  if (!issued) return std::unexpected(std::move(issued.error()));
  annotate_audit(asked.request, "authentication.kubernetes.io/issued-credential-id",
                 token_credential_id(issued->id));
  const std::int64_t seconds =
      spec->warn_after_seconds == 0 ? spec->expiration_seconds : spec->warn_after_seconds;
  body.ensure_object(arena, "spec")
      .set_ref(arena, "expirationSeconds", api::Value::integer(seconds));
  api::Value status = api::Value::object();
  status.set_ref(arena, "token", api::Value::string(arena, issued->token));
  // What the client sees is when to renew.
  const WallTime expires = spec->warn_after_seconds == 0
                               ? issued->expires
                               : backend.now() + std::chrono::seconds(spec->warn_after_seconds);
  status.set_ref(arena, "expirationTimestamp", api::Value::string(arena, rfc3339(expires)));
  body.set_ref(arena, "status", status);
  return {};
}

void answer_request(const SubresourceAdmissionRef& asked) {
  Call& call = *asked->call;
  if (auto granted = grant(*asked); !granted) {
    return answer_error(call, granted.error());
  }
  answer_value(call, 201, token_request_type(), asked->object);
}

}  // namespace

// What is wrong is refused before the plugins that only judge are asked.
void request_token(const BackendRef& backend, const CallRef& call) {
  if (auto ok = check_write_options(*call, WriteKind::kCreate); !ok) {
    return answer_error(*call, ok.error());
  }
  auto asked =
      std::make_shared<SubresourceAdmission>(backend, call, Operation::kCreate, call->subresource);
  auto body =
      read_message(*call, asked->arena, *token_request_type(), {"authentication.k8s.io/v1"});
  if (!body) return answer_error(*call, body.error());
  if (auto ok = asked->take(*body); !ok) return answer_error(*call, ok.error());
  asked->change.dry_run = is_dry_run(*call);
  const AdmissionRequestRef request(asked, &asked->request);
  const auto refused = [asked](const Result<void>& ok) {
    if (!ok) answer_error(*asked->call, ok.error());
    return !ok;
  };
  backend->admission.mutate(request, [asked, request, refused](const Result<void>& changed) {
    if (refused(changed) || refused(complete(*asked))) return asked->change.done(false);
    asked->backend->admission.validate(request, [asked, refused](const Result<void>& agreed) {
      asked->change.done(agreed.has_value());
      if (!refused(agreed)) answer_request(asked);
    });
  });
}

}  // namespace pinnace::apiserver

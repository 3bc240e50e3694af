#include "apiserver/admission/subresource_admission.h"

#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// The query of a connection as an object: each option is there in the form that its type gives it.
api::Value options_of(api::Arena& arena, const Call& call) {
  api::Value out = api::Value::object();
  const api::SubresourceInfo& info = *call.subresource;
  const auto text = [&](std::string_view value) { return api::Value::string(arena, value); };
  out.set_ref(arena, "kind", text(info.kind));
  out.set_ref(arena, "apiVersion", text(info.version.empty() ? "v1" : info.version));
  if (info.name == "proxy") {
    out.set_ref(arena, "path", text(call.info.rest.empty() ? "" : call.info.rest.back()));
    return out;
  }
  for (const char* flag : {"stdin", "stdout", "stderr", "tty"}) {
    if (call.query.flag(flag)) out.set_ref(arena, flag, api::Value::boolean(true));
  }
  if (const auto container = call.query.get("container"); !container.empty()) {
    out.set_ref(arena, "container", text(container));
  }
  api::Value words = api::Value::array(), ports = api::Value::array();
  for (const auto& word : call.query.get_all("command")) words.append(arena, text(word));
  for (const auto& port : call.query.get_all("ports")) {
    if (const auto number = parse_int(port)) ports.append(arena, api::Value::integer(*number));
  }
  if (!words.empty()) out.set_ref(arena, "command", words);
  if (!ports.empty()) out.set_ref(arena, "ports", ports);
  return out;
}

}  // namespace

SubresourceAdmission::SubresourceAdmission(BackendRef owner, CallRef from, Operation operation,
                                           const api::SubresourceInfo* own_kind)
    : backend(std::move(owner)),
      call(std::move(from)),
      change{*backend,
             *call,
             arena,
             call->storage != nullptr ? *call->storage : *call->resource,
             call->info.ns,
             call->info.name,
             own_kind == nullptr ? call->info.subresource : std::string(own_kind->name)},
      request{change, operation, &object, nullptr, own_kind} {}

Result<void> SubresourceAdmission::take(const api::Value& body) {
  object = body;
  if (change.ns.empty()) return {};
  api::Value& meta = meta_of(arena, object);
  if (auto ok = check_namespace(meta.string_at("namespace"), change.ns); !ok) return ok;
  meta.set_ref(arena, "namespace", change.text(change.ns));
  return {};
}

void admit_subresource(const SubresourceAdmissionRef& admission, std::function<void()> go_on) {
  const AdmissionRequestRef request(admission, &admission->request);
  admission->backend->admission.admit(
      request, [admission, go_on = std::move(go_on)](const Result<void>& agreed) {
        admission->change.done(agreed.has_value());
        if (!agreed) return answer_error(*admission->call, agreed.error());
        go_on();
      });
}

void admit_connection(const BackendRef& backend, const CallRef& call,
                      void (*connect)(const BackendRef&, const CallRef&)) {
  if (call->query.has("dryRun")) {
    return answer_error(*call, errors::bad_request("dryRun is not supported").error());
  }
  auto admission =
      std::make_shared<SubresourceAdmission>(backend, call, Operation::kConnect, call->subresource);
  admission->object = options_of(admission->arena, *call);
  admit_subresource(admission, [backend, call, connect] {
    call->exchange->post([backend, call, connect] { connect(backend, call); });
  });
}

}  // namespace pinnace::apiserver

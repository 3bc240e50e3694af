// Probes and lifecycle hooks of containers.
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {
namespace {

using Grace = std::optional<std::int64_t>;

void validate_exec(const Field& exec, Grace) { exec["command"].require(); }

void validate_http(const Field& http, Grace) {
  http["path"].require();
  validate_port_or_name(http["port"]);
  const Field scheme = http["scheme"];
  if (!scheme.is_among({"HTTP", "HTTPS"})) {
    scheme.not_supported_value(quoted(scheme.text()), {"HTTP", "HTTPS"});
  }
  const Field headers = http["httpHeaders"];
  for (const Field& header : headers.items()) {
    const std::string_view name = header["name"].text();
    for (const auto& text : api::check_http_header_name(name)) {
      headers.invalid_value(quoted(name), text);
    }
  }
}

void validate_socket(const Field& socket, Grace) { validate_port_or_name(socket["port"]); }

void validate_grpc(const Field& grpc, Grace) {
  const Field port = grpc["port"];
  port.each(api::check_port_number(port.number()));
}

void validate_sleep(const Field& sleep, Grace grace_seconds) {
  const std::int64_t seconds = sleep["seconds"].number();
  if (!grace_seconds || (seconds >= 0 && seconds <= *grace_seconds)) return;
  sleep.invalid_value(std::to_string(seconds),
                      "must be non-negative and less than terminationGracePeriodSeconds (" +
                          std::to_string(*grace_seconds) + ")");
}

struct HandlerKind {
  const char* name;
  void (*check)(const Field&, Grace grace_seconds);
  bool in_probes, in_hooks;
};
constexpr HandlerKind kHandlers[] = {
    {"exec", validate_exec, true, true},        {"httpGet", validate_http, true, true},
    {"tcpSocket", validate_socket, true, true}, {"grpc", validate_grpc, true, false},
    {"sleep", validate_sleep, false, true},
};

void validate_handler(const Field& handler, bool is_probe, Grace grace_seconds) {
  bool has_one = false;
  for (const HandlerKind& kind : kHandlers) {
    const Field one = handler[kind.name];
    if (!one.is_set() || !(is_probe ? kind.in_probes : kind.in_hooks)) continue;
    if (has_one) {
      one.forbidden("may not specify more than 1 handler type");
    } else {
      kind.check(one, grace_seconds);
    }
    has_one = true;
  }
  if (!has_one) handler.required("must specify a handler type");
}

void validate_probe(const Field& probe, Grace grace_seconds) {
  if (!probe.is_set()) return;
  validate_handler(probe, true, grace_seconds);
  for (const char* key : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                          "successThreshold", "failureThreshold"}) {
    probe[key].at_least(0);
  }
  const Field grace = probe["terminationGracePeriodSeconds"];
  if (grace.is_set() && grace.number() <= 0) grace.invalid("must be greater than 0");
}

}  // namespace

void validate_probes(const Field& container, Grace grace_seconds) {
  for (const char* hook : {"postStart", "preStop"}) {
    const Field handler = container["lifecycle"][hook];
    if (handler.is_set()) validate_handler(handler, false, grace_seconds);
  }
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    const Field probe = container[name];
    validate_probe(probe, grace_seconds);
    if (!probe.is_set()) continue;
    if (name == std::string_view("readinessProbe")) {
      const Field grace = probe["terminationGracePeriodSeconds"];
      if (grace.is_set()) grace.invalid("must not be set for readinessProbes");
    } else if (probe["successThreshold"].number(1) != 1) {
      probe["successThreshold"].invalid("must be 1");
    }
  }
}

}  // namespace pinnace::apiserver

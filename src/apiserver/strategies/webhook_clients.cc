#include "apiserver/strategies/webhook_clients.h"

#include <string>

#include "base/strings.h"
#include "net/tls.h"

namespace pinnace::apiserver {
namespace {

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

// https, with a host and nothing that would change from call to call.
void validate_url(const Field& url) {
  constexpr std::string_view kForm = "; desired format: https://host[/path]";
  std::string_view rest = url.text();
  const auto cut = [&](char mark) {
    const auto at = rest.find(mark);
    const std::string_view after =
        at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    rest = rest.substr(0, at);
    return after;
  };
  const std::string_view fragment = cut('#'), query = cut('?');
  const auto colon = rest.find_first_of(":/");
  std::string_view scheme;
  if (colon != std::string_view::npos && rest[colon] == ':') {
    scheme = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  std::string_view host, user;
  if (rest.starts_with("//")) host = rest.substr(2, rest.find('/', 2) - 2);
  const auto at = host.rfind('@');
  if (at != std::string_view::npos) {
    user = host.substr(0, at);
    host.remove_prefix(at + 1);
  }
  const auto refuse = [&](std::string_view value, std::string_view why) {
    url.invalid_value(in_quotes(value), why);
  };
  if (to_lower(scheme) != "https") {
    refuse(to_lower(scheme), "'https' is the only allowed URL scheme" + std::string(kForm));
  }
  if (host.empty()) refuse("", "host must be specified" + std::string(kForm));
  if (at != std::string_view::npos) {
    refuse(user, "user information is not permitted in the URL");
  }
  if (!fragment.empty()) refuse(fragment, "fragments are not permitted in the URL");
  if (!query.empty()) refuse(query, "query parameters are not permitted in the URL");
}

void validate_service_reference(const Field& service) {
  const Field path = service["path"];
  const Field port = service["port"];
  // Kubernetes takes the one for the other here.
  if (service["namespace"].empty()) service["name"].required();
  if (service["name"].empty()) service["namespace"].required();
  if (port.is_set() && !api::check_port_number(port.number()).empty()) {
    port.invalid("port is not valid: must be between 1 and 65535, inclusive");
  }
  if (path.text().empty() || path.is("/")) return;
  if (path.is("//")) return path.invalid("segment[0] may not be empty");
  if (!path.text().starts_with('/')) path.invalid("must start with a '/'");
  std::string_view steps = path.text().substr(1);
  if (steps.ends_with('/')) steps.remove_suffix(1);
  std::size_t index = 0;
  for (const std::string_view step : split(steps, '/')) {
    const std::string place = "segment[" + std::to_string(index++) + "]";
    if (step.empty()) {
      path.invalid(place + " may not be empty");
      continue;
    }
    for (const auto& text : api::check_dns1123_subdomain(step)) {
      path.invalid(place + ": " + text);
    }
  }
}

}  // namespace

void validate_webhook_client(const Field& client) {
  const Field url = client["url"];
  const Field service = client["service"];
  if (url.is_set() == service.is_set()) {
    client.required("exactly one of url or service is required");
  } else if (url.is_set()) {
    validate_url(url);
  } else {
    validate_service_reference(service);
  }
}

std::string problem_of_ca_bundle(std::string_view bundle) {
  const std::string pem = base64_decode(bundle).value_or("");
  const std::string why = "unable to load root certificates: ";
  if (pem.find("-----BEGIN ") == std::string::npos) {
    return why + "unable to parse bytes as PEM block";
  }
  if (net::TlsClientContext::create({.ca_pem = pem})) return "";
  return why + (pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos
                    ? "no valid certificate authority data seen"
                    : "failed to parse certificate: x509: malformed certificate");
}

}  // namespace pinnace::apiserver

#include "apiserver/proxy/kubelet_proxy.h"

#include "api/json.h"
#include "apiserver/proxy/forward.h"
#include "apiserver/proxy/kubelet_client.h"
#include "apiserver/proxy/service_proxy.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kDefaultContainer = "kubectl.kubernetes.io/default-container";

// "a b", the names in a list of containers.
std::string names_of(const api::Value& spec, std::string_view list) {
  std::string names;
  const auto* containers = spec.find(list);
  if (containers == nullptr || !containers->is_array()) return names;
  for (const auto& container : containers->items()) {
    if (!names.empty()) names += ' ';
    names += container.string_at("name");
  }
  return names;
}

bool has_name(std::string_view names, std::string_view name) {
  for (const auto each : split(names, ' ')) {
    if (!name.empty() && each == name) return true;
  }
  return false;
}

Result<std::string> choose_container(const api::Value& pod, std::string_view pod_name,
                                     std::string_view wanted) {
  const auto* spec = pod.find("spec");
  if (spec == nullptr) return errors::internal("the pod has no spec");
  const std::string names = names_of(*spec, "containers");
  const std::string inits = names_of(*spec, "initContainers");
  const std::string ephemerals = names_of(*spec, "ephemeralContainers");
  if (!wanted.empty()) {
    if (has_name(names, wanted) || has_name(inits, wanted) || has_name(ephemerals, wanted)) {
      return std::string(wanted);
    }
    return errors::bad_request("container " + std::string(wanted) + " is not valid for pod " +
                               std::string(pod_name));
  }
  if (!names.empty() && names.find(' ') == std::string::npos) return names;
  if (const auto* annotations = pod.find_path({"metadata", "annotations"})) {
    const auto preferred = annotations->string_at(kDefaultContainer);
    if (has_name(names, preferred)) return std::string(preferred);
  }
  std::string message = "a container name must be specified for pod " + std::string(pod_name);
  if (!names.empty()) message += ", choose one of: [" + names + "]";
  if (!inits.empty()) message += " or one of the init containers: [" + inits + "]";
  return errors::bad_request(std::move(message));
}

void add(std::string& query, std::string_view name, std::string_view value) {
  query += query.empty() ? '?' : '&';
  query.append(name).append("=").append(percent_encode(value));
}

Result<void> add_number(const Query& from, std::string_view name, std::int64_t least,
                        std::string& query, std::vector<Cause>& wrong) {
  const auto text = from.get(name);
  if (text.empty()) return {};
  const auto number = parse_int(text);
  if (!number) {
    return errors::bad_request("strconv.ParseInt: parsing \"" + std::string(text) +
                               "\": invalid syntax");
  }
  if (*number < least) {
    wrong.push_back(cause::invalid(
        std::string(name), text,
        least == 0 ? "must be greater than or equal to 0" : "must be greater than 0"));
  }
  add(query, name, text);
  return {};
}

// PodLogOptions, checked and in the kubelet's words.
Result<std::string> log_query(const Query& from, std::string_view pod) {
  std::string query;
  std::vector<Cause> wrong;
  for (const std::string_view flag : {"follow", "previous", "timestamps"}) {
    if (from.flag(flag)) add(query, flag, "true");
  }
  struct Number {
    std::string_view name;
    std::int64_t least;
  };
  for (const auto& [name, least] :
       {Number{"tailLines", 0}, Number{"limitBytes", 1}, Number{"sinceSeconds", 1}}) {
    if (auto ok = add_number(from, name, least, query, wrong); !ok)
      return std::unexpected(ok.error());
  }
  const auto since = from.get("sinceTime");
  if (!since.empty()) {
    WallTime at;
    if (!parse_rfc3339(since, at)) {
      return errors::bad_request("parsing time \"" + std::string(since) + "\" as RFC 3339");
    }
    if (from.has("sinceSeconds")) {
      wrong.push_back(
          cause::forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
    }
    add(query, "sinceTime", since);
  }
  const auto stream = from.get("stream");
  if (!stream.empty()) {
    if (stream != "All" && stream != "Stdout" && stream != "Stderr") {
      wrong.push_back(cause::not_supported("stream", "\"" + std::string(stream) + "\"",
                                           {"All", "Stderr", "Stdout"}));
    }
    if (stream != "All" && from.has("tailLines")) {
      wrong.push_back(
          cause::forbidden("", "`tailLines` and specific `stream` are mutually exclusive for now"));
    }
    add(query, "stream", stream);
  }
  if (!wrong.empty()) return errors::invalid("PodLogOptions", pod, std::move(wrong));
  return query;
}

// PodExecOptions and PodAttachOptions; a stream that is asked for is "1" to the kubelet.
std::string exec_query(const Query& from) {
  std::string query;
  if (from.flag("stdin")) add(query, "input", "1");
  if (from.flag("stdout")) add(query, "output", "1");
  if (from.flag("stderr")) add(query, "error", "1");
  if (from.flag("tty")) add(query, "tty", "1");
  for (const auto& word : from.get_all("command")) add(query, "command", word);
  return query;
}

std::string port_query(const Query& from) {
  std::string query;
  for (const auto& port : from.get_all("ports")) add(query, "port", port);
  return query;
}

std::string kubelet_path(std::string_view action, const RequestInfo& info) {
  return "/" + std::string(action) + "/" + percent_encode(info.ns) + "/" +
         percent_encode(info.name);
}

Result<void> enter(const BackendRef& backend, const CallRef& call) {
  const RequestInfo& info = call->info;
  const bool is_log = info.subresource == "log";
  if (!is_log && info.verb != "get" && info.verb != "create") {
    return errors::method_not_supported("pods/" + info.subresource, info.verb);
  }
  const auto stored = backend->store().get(key_of(*call));
  if (!stored) return errors::not_found("pods", info.name);
  api::Arena arena;
  const auto pod = parse_stored(arena, **stored);
  if (!pod) return std::unexpected(pod.error());

  const std::string action = is_log                              ? "containerLogs"
                             : info.subresource == "portforward" ? "portForward"
                                                                 : info.subresource;
  std::string target = kubelet_path(action, info);
  if (info.subresource == "portforward") {
    target += port_query(call->query);
  } else {
    auto query = is_log ? log_query(call->query, info.name) : exec_query(call->query);
    if (!query) return std::unexpected(std::move(query.error()));
    auto container = choose_container(*pod, info.name, call->query.get("container"));
    if (!container) return std::unexpected(std::move(container.error()));
    target += "/" + percent_encode(*container) + *query;
  }
  const std::string node(pod->find("spec")->string_at("nodeName"));
  if (node.empty()) {
    if (!is_log) {
      return errors::bad_request("pod " + info.name + " does not have a host assigned");
    }
    answer_text(*call, 204, "text/plain", {});  // Nothing ran, so nothing was written.
    return {};
  }
  auto endpoint = backend->kubelets->kubelet_of(
      node, !(is_log && call->query.flag("insecureSkipTLSVerifyBackend")));
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  forward(call, {std::move(*endpoint), std::move(target),
                 is_log ? Upstream::kKubeletLog : Upstream::kKubelet});
  return {};
}

Result<void> enter_node(const BackendRef& backend, const CallRef& call) {
  auto name = parse_proxy_name("node", call->info.name);
  if (!name) return std::unexpected(std::move(name.error()));
  auto endpoint = backend->kubelets->kubelet_of(name->name);
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  Upstream upstream = Upstream::kKubelet;
  if (!name->port.empty() && name->port != std::to_string(endpoint->port)) {
    const auto other = proxied_endpoint(*backend, endpoint->host, *name);
    if (!other) return std::unexpected(other.error());
    endpoint = *other;
    upstream = Upstream::kService;
  }
  forward(call, {std::move(*endpoint), proxied_target(*call), upstream});
  return {};
}

}  // namespace

void proxy_to_kubelet(const BackendRef& backend, const CallRef& call) {
  if (auto ok = enter(backend, call); !ok) answer_error(*call, ok.error());
}

void proxy_to_node(const BackendRef& backend, const CallRef& call) {
  if (auto ok = enter_node(backend, call); !ok) answer_error(*call, ok.error());
}

}  // namespace pinnace::apiserver

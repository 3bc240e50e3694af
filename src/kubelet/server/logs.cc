#include "kubelet/server/logs.h"

#include <algorithm>

#include "base/strings.h"
#include "kubelet/pod/configs.h"
#include "kubelet/server/log_body.h"

namespace pinnace::kubelet {
namespace {

Error error_of(int code, std::string message) {
  Error error = errors::bad_request(std::move(message)).error();
  error.code = code;
  return error;
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool has_container(const core::PodSpec& spec, std::string_view name) {
  const auto is_named = [name](const auto& each) { return each.name == name; };
  return std::ranges::any_of(spec.containers, is_named) ||
         std::ranges::any_of(spec.init_containers, is_named) ||
         std::ranges::any_of(spec.ephemeral_containers, is_named);
}

const core::ContainerStatus* find_status(const core::PodStatus& status, std::string_view name) {
  for (const auto* list : {&status.container_statuses, &status.init_container_statuses,
                           &status.ephemeral_container_statuses}) {
    for (const auto& each : *list) {
      if (each.name == name) return &each;
    }
  }
  return nullptr;
}

Unexpected not_started(const core::Pod& pod, std::string_view name) {
  const std::string who = "container " + quoted(name) + " in pod " + quoted(pod.metadata.name);
  const auto* status = find_status(pod.status, name);
  if (status == nullptr) return errors::bad_request(who + " is not available");
  if (status->state.terminated) return errors::bad_request(who + " is terminated");
  if (!status->state.waiting) {
    return errors::bad_request(who + " is waiting to start - no logs yet");
  }
  const std::string& reason = status->state.waiting->reason;
  return errors::bad_request(who + " is waiting to start: " +
                             (reason == "ErrImagePull"       ? "image can't be pulled"
                              : reason == "ImagePullBackOff" ? "trying and failing to pull image"
                                                             : reason));
}

// The id in "containerd://ID".
std::string_view bare_id(std::string_view container_id) {
  const auto scheme = container_id.find("://");
  return scheme == std::string_view::npos ? container_id : container_id.substr(scheme + 3);
}

std::string log_path(const ServerOptions& options, const core::Pod& pod,
                     const ContainerRecord& record) {
  if (!record.status.log_path.empty()) return record.status.log_path;
  return options.log_root + "/" + log_directory_name(pod) + "/" + record.status.name + "/" +
         std::to_string(record.restart_count()) + ".log";
}

Result<void> take_number(const Parameters& query, std::string_view name, std::int64_t least,
                         std::optional<std::int64_t>& out) {
  const auto text = query.get(name);
  if (text.empty()) return {};
  out = parse_int(text);
  if (!out) return errors::bad_request("Unable to decode query.");
  if (*out >= least) return {};
  const char* rule = least == 0 ? "must be greater than or equal to 0" : "must be greater than 0";
  return std::unexpected(error_of(422, "PodLogOptions is invalid: " + std::string(name) +
                                           ": Invalid value: " + std::to_string(*out) + ": " +
                                           rule));
}

}  // namespace

Result<LogOptions> parse_log_options(const Parameters& query, WallTime now) {
  LogOptions options;
  options.follow = query.flag("follow");
  options.previous = query.flag("previous");
  options.timestamps = query.flag("timestamps");
  options.stream = std::string(query.get("stream"));
  std::optional<std::int64_t> seconds;
  if (auto ok = take_number(query, "tailLines", 0, options.tail_lines); !ok)
    return std::unexpected(ok.error());
  if (auto ok = take_number(query, "limitBytes", 1, options.limit_bytes); !ok)
    return std::unexpected(ok.error());
  if (auto ok = take_number(query, "sinceSeconds", 1, seconds); !ok)
    return std::unexpected(ok.error());
  const auto since = query.get("sinceTime");
  if (seconds && !since.empty()) {
    return std::unexpected(error_of(
        422,
        "PodLogOptions is invalid: Forbidden: at most one of `sinceTime` or `sinceSeconds` may "
        "be specified"));
  }
  // Nobody asks for more than a few years; a larger number would overflow.
  if (seconds)
    options.since = now - std::chrono::seconds(std::min<std::int64_t>(*seconds, 1u << 30));
  if (since.empty()) return options;
  WallTime at;
  if (!parse_rfc3339(since, at)) return errors::bad_request("Unable to decode query.");
  options.since = at;
  return options;
}

Result<const ContainerRecord*> choose_container(const core::Pod& pod, std::string_view name,
                                                bool previous, const PodState& state) {
  const ContainerRecord* latest = state.latest(name);
  if (!previous) {
    if (latest != nullptr && (latest->running() || latest->exited())) return latest;
    if (const auto* before = state.previous(name)) return before;
    return not_started(pod, name);
  }
  // While a container waits to be started again, its newest run is the one before.
  const auto* status = find_status(pod.status, name);
  const auto* last = status != nullptr ? status->last_state.terminated.get() : nullptr;
  if (last != nullptr && latest != nullptr && latest->exited() &&
      bare_id(last->container_id) == latest->status.id) {
    return latest;
  }
  if (const auto* before = state.previous(name)) return before;
  return errors::bad_request("previous terminated container " + quoted(name) + " in pod " +
                             quoted(pod.metadata.name) + " not found");
}

void container_logs(ServerContext& context, const NodeCallRef& call) {
  const std::string &ns = call->path[1], &pod_name = call->path[2], &container = call->path[3];
  auto options = parse_log_options(call->query, context.options.clock.wall());
  if (!options) return answer_error(*call, options.error());
  auto pod = context.options.pods.find(ns, pod_name);
  if (!pod) return answer_text(*call, 404, "pod does not exist\n");
  if (!has_container(pod->spec, container)) {
    return answer_text(
        *call, 404,
        "container " + quoted(container) + " not found in pod " + quoted(pod_name) + "\n");
  }
  context.pool.submit([&context, call, pod, options = std::move(*options)] {
    auto state = read_pod_state(context.options.runtime, pod->metadata.uid);
    if (!state) return answer_error(*call, state.error());
    auto record = choose_container(*pod, call->path[3], options.previous, *state);
    if (!record) return answer_error(*call, record.error());
    net::Headers headers;
    headers.add("content-type", "text/plain");
    call->exchange->stream(200, std::move(headers),
                           make_log_body({.path = log_path(context.options, *pod, **record),
                                          .container_id = (*record)->status.id,
                                          .options = options,
                                          .runtime = context.options.runtime,
                                          .pool = context.pool,
                                          .exchange = call->exchange}));
  });
}

}  // namespace pinnace::kubelet

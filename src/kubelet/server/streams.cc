#include "kubelet/server/streams.h"

#include <algorithm>

#include "base/strings.h"
#include "kubelet/pod/pod_state.h"
#include "kubelet/server/runtime_dial.h"

namespace pinnace::kubelet {
namespace {

cri::StreamOptions stream_options(const Parameters& query) {
  cri::StreamOptions options;
  options.in = query.flag("input") || query.flag("stdin");
  options.out = query.flag("output") || query.flag("stdout");
  options.tty = query.flag("tty");
  // A terminal has one output.
  options.err = (query.flag("error") || query.flag("stderr")) && !options.tty;
  return options;
}

bool asks_for_upgrade(const net::Request& request) {
  return request.headers.has_token("connection", "upgrade") && request.headers.has("upgrade");
}

using UrlMaker = std::function<Result<std::string>(const PodState& state)>;

// Asks the runtime for a URL, on the pool, and goes on there from the call's loop.
void dial(ServerContext& context, const NodeCallRef& call, cri::StreamOptions streams,
          UrlMaker make_url) {
  const auto pod = context.options.pods.find(call->path[1], call->path[2]);
  if (!pod) return answer_text(*call, 404, "pod does not exist");
  if (!asks_for_upgrade(call->request)) {
    return answer_text(*call, 400, "unable to upgrade: missing upgrade headers in request");
  }
  context.pool.submit([&context, call, pod, streams, make_url = std::move(make_url)] {
    const auto state = read_pod_state(context.options.runtime, pod->metadata.uid);
    if (!state) return answer_error(*call, state.error());
    const auto url = make_url(*state);
    if (!url) return answer_text(*call, 500, url.error().message);
    call->exchange->post([call, streams, url = *url] { dial_runtime(call, url, streams); });
  });
}

using ContainerUrl =
    std::function<Result<std::string>(const std::string& id, cri::StreamOptions streams)>;

void dial_container(ServerContext& context, const NodeCallRef& call, ContainerUrl make_url) {
  const auto streams = stream_options(call->query);
  if (!streams.in && !streams.out && !streams.err) {
    return answer_text(*call, 400, "you must specify at least 1 of stdin, stdout, stderr");
  }
  dial(context, call, streams,
       [call, streams,
        make_url = std::move(make_url)](const PodState& state) -> Result<std::string> {
         const auto* record = state.latest(call->path[3]);
         if (record == nullptr) {
           return errors::internal("container not found (\"" + call->path[3] + "\")");
         }
         return make_url(record->status.id, streams);
       });
}

// Older WebSocket clients name their ports up front; SPDY clients do so stream by stream.
Result<std::vector<std::int32_t>> parse_ports(const Parameters& query) {
  std::vector<std::int32_t> ports;
  for (const auto& value : query.get_all("port")) {
    for (const auto text : split(value, ',')) {
      const auto port = parse_int(text);
      if (!port || *port < 1 || *port > 65535) {
        return errors::bad_request("invalid port: " + std::string(text));
      }
      ports.push_back(static_cast<std::int32_t>(*port));
    }
  }
  return ports;
}

}  // namespace

void exec_in_container(ServerContext& context, const NodeCallRef& call) {
  dial_container(context, call,
                 [&runtime = context.options.runtime, command = call->query.get_all("command")](
                     const std::string& id, cri::StreamOptions streams) {
                   return runtime.exec_url(id, command, streams);
                 });
}

void attach_to_container(ServerContext& context, const NodeCallRef& call) {
  dial_container(
      context, call,
      [&runtime = context.options.runtime](const std::string& id, cri::StreamOptions streams) {
        return runtime.attach_url(id, streams);
      });
}

void forward_ports(ServerContext& context, const NodeCallRef& call) {
  auto ports = parse_ports(call->query);
  if (!ports) return answer_error(*call, ports.error());
  dial(context, call, {},
       [&runtime = context.options.runtime,
        ports = std::move(*ports)](const PodState& state) -> Result<std::string> {
         const auto* sandbox = state.ready_sandbox();
         if (sandbox == nullptr) return errors::internal("the pod's sandbox is not ready");
         return runtime.port_forward_url(sandbox->id, ports);
       });
}

}  // namespace pinnace::kubelet

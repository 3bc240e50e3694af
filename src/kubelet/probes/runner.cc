#include "kubelet/probes/runner.h"

#include <algorithm>

#include "kubelet/probes/grpc_health.h"

namespace pinnace::kubelet {
namespace {

using Done = std::function<void(bool success, std::string output)>;

constexpr std::size_t kMaxOutput = 10 << 10;

std::chrono::seconds timeout_of(const ProbeTry& what) {
  return std::chrono::seconds(std::max(what.probe->timeout_seconds, 1));
}

void try_exec(cri::Runtime& runtime, const ProbeTry& what, const Done& done) {
  const auto timeout = timeout_of(what);
  auto result = runtime.exec_sync(what.container_id, what.probe->exec->command, timeout);
  if (!result && result.error().code == 504) {
    return done(false, "command timed out after " + std::to_string(timeout.count()) + 's');
  }
  if (!result) {
    // containerd words its own timeout and a missing command as errors alike.
    return done(false, result.error().message);
  }
  std::string output = result->out + result->err;
  if (output.size() > kMaxOutput) output.resize(kMaxOutput);
  done(result->exit_code == 0, std::move(output));
}

void try_http(HttpFetcher& http, const ProbeTry& what, const Done& done) {
  auto target = http_target(*what.probe->http_get, *what.container, what.pod_ip, "kube-probe/1.35");
  if (!target) return done(false, target.error().message);
  const std::string url = std::string(target->tls ? "https" : "http") + "://" + target->host + ':' +
                          std::to_string(target->port) + target->path;
  http.get(*target, timeout_of(what), [url, done](Result<HttpAnswer> answer) {
    if (!answer) return done(false, "Get \"" + url + "\": " + answer.error().message);
    const bool good = answer->status >= 200 && answer->status < 400;
    done(good, good ? answer->body
                    : "HTTP probe failed with statuscode: " + std::to_string(answer->status));
  });
}

void try_tcp(HttpFetcher& http, const ProbeTry& what, const Done& done) {
  const auto& action = *what.probe->tcp_socket;
  auto port = resolve_port(action.port, *what.container);
  if (!port) return done(false, port.error().message);
  const std::string host = action.host.empty() ? what.pod_ip : action.host;
  http.connect(host, *port, timeout_of(what), [host, port = *port, done](Result<void> opened) {
    done(opened.has_value(),
         opened ? std::string()
                : "dial tcp " + host + ':' + std::to_string(port) + ": " + opened.error().message);
  });
}

// Blocks for at most the probe's timeout.
void try_grpc(const ProbeTry& what, const Done& done) {
  const auto& action = *what.probe->grpc;
  auto healthy =
      check_grpc_health(what.pod_ip, action.port, action.service.value_or(""), timeout_of(what));
  done(healthy.has_value(), healthy ? std::string() : healthy.error().message);
}

}  // namespace

ProbeRunner make_probe_runner(cri::Runtime& runtime, HttpFetcher& http, ThreadPool& pool) {
  return [&runtime, &http, &pool](const ProbeTry& what, const Done& done) {
    if (what.probe->exec) {
      pool.submit([&runtime, what, done] { try_exec(runtime, what, done); });
    } else if (what.probe->http_get) {
      try_http(http, what, done);
    } else if (what.probe->tcp_socket) {
      try_tcp(http, what, done);
    } else if (what.probe->grpc) {
      pool.submit([what, done] { try_grpc(what, done); });
    } else {
      done(false, "this node cannot run probes of this type");
    }
  };
}

}  // namespace pinnace::kubelet

#include "kubelet/pod/hooks.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

Result<void> run_command(cri::Runtime& runtime, const core::ExecAction& action,
                         const std::string& container_id, Duration limit) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limit);
  auto result = runtime.exec_sync(container_id, action.command, seconds);
  if (!result) return std::unexpected(std::move(result.error()));
  if (result->exit_code == 0) return {};
  return errors::internal("command '" + join(action.command, " ") + "' exited with " +
                          std::to_string(result->exit_code) + ": " + result->err + ", message: \"" +
                          result->out + result->err + '"');
}

}  // namespace

Result<void> run_hook(cri::Runtime& runtime, HttpFetcher& http, const core::LifecycleHandler& hook,
                      const core::Container& container, const std::string& container_id,
                      const std::string& pod_ip, Duration limit, StopSignal& stopping) {
  if (hook.exec) return run_command(runtime, *hook.exec, container_id, limit);
  if (hook.http_get) {
    auto target = http_target(*hook.http_get, container, pod_ip, "kube-lifecycle/1.35");
    if (!target) return std::unexpected(std::move(target.error()));
    auto answer = http.get_blocking(*target, limit, stopping);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (answer->status >= 400) {
      return errors::internal("HTTP lifecycle hook answered " + std::to_string(answer->status));
    }
    return {};
  }
  if (hook.sleep) {
    // The pool's thread is what waits; nothing else has to be done meanwhile.
    stopping.wait_for(std::min<Duration>(std::chrono::seconds(hook.sleep->seconds), limit));
  }
  return {};
}

}  // namespace pinnace::kubelet

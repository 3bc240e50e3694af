#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "kubelet/cri/containerd_events.grpc.pb.h"
#include "kubelet/cri/convert.h"
#include "kubelet/cri/cri.grpc.pb.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet::cri {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kCallLimit{120};  // Most calls take milliseconds; a loaded disk, seconds.
constexpr seconds kPullLimit{1800};
constexpr int kMaxMessageBytes = 64 << 20;
// Before an event stream that broke is opened anew; doubled while it does not last.
constexpr milliseconds kFirstWatchPause{100}, kLongestWatchPause{2000};

Unexpected as_error(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::NOT_FOUND: {
      auto error = errors::internal(status.error_message());
      error.error().code = 404;
      error.error().reason = "NotFound";
      return error;
    }
    case grpc::StatusCode::UNAVAILABLE:
      return errors::unavailable("the container runtime cannot be reached: " +
                                 status.error_message());
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return errors::timeout(status.error_message(), 1);
    case grpc::StatusCode::UNIMPLEMENTED: {
      auto error = errors::internal(status.error_message());
      error.error().code = 501;
      return error;
    }
    default: {
      auto error = errors::internal(status.error_message());
      error.error().retry = Retry::kLater;
      return error;
    }
  }
}

// An answer with `transform`, which std::expected has only from g++ 13 on.
template <typename T>
struct Reply : Result<T> {
  using Result<T>::Result;
  template <typename F>
  auto transform(F change) const -> Result<decltype(change(std::declval<const T&>()))> {
    if (!this->has_value()) return std::unexpected(this->error());
    if constexpr (std::is_void_v<decltype(change(**this))>) {
      return {};
    } else {
      return change(**this);
    }
  }
};

class GrpcRuntime final : public Runtime {
 public:
  explicit GrpcRuntime(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)),
        runtime_(pb::RuntimeService::NewStub(channel_)),
        images_(pb::ImageService::NewStub(channel_)),
        events_(containerd::services::events::v1::Events::NewStub(channel_)) {}
  ~GrpcRuntime() override { stop(); }

  Result<Version> version() override {
    pb::VersionRequest request;
    request.set_version("v1");
    return call(&Runtimes::Version, *runtime_, request).transform([](const auto& answer) {
      return Version{answer.runtime_name(), answer.runtime_version(), answer.runtime_api_version()};
    });
  }

  Result<std::vector<Condition>> status() override {
    return call(&Runtimes::Status, *runtime_, pb::StatusRequest())
        .transform([](const auto& answer) {
          std::vector<Condition> found;
          for (const auto& condition : answer.status().conditions()) {
            found.push_back(
                {condition.type(), condition.status(), condition.reason(), condition.message()});
          }
          return found;
        });
  }

  Result<std::string> run_sandbox(const SandboxConfig& config) override {
    pb::RunPodSandboxRequest request;
    to_message(config, *request.mutable_config());
    request.set_runtime_handler(config.runtime_handler);
    return call(&Runtimes::RunPodSandbox, *runtime_, request).transform([](const auto& answer) {
      return answer.pod_sandbox_id();
    });
  }
  Result<void> stop_sandbox(const std::string& id) override {
    return idempotent(call(&Runtimes::StopPodSandbox, *runtime_, sandbox(id)));
  }
  Result<void> remove_sandbox(const std::string& id) override {
    return idempotent(call(&Runtimes::RemovePodSandbox, *runtime_, sandbox(id)));
  }
  Result<SandboxStatus> sandbox_status(const std::string& id) override {
    return call(&Runtimes::PodSandboxStatus, *runtime_, sandbox(id))
        .transform([](const auto& answer) { return from_message(answer.status()); });
  }
  Result<std::vector<Sandbox>> list_sandboxes(const Labels& selector) override {
    pb::ListPodSandboxRequest request;
    for (const auto& [key, value] : selector) {
      (*request.mutable_filter()->mutable_label_selector())[key] = value;
    }
    return call(&Runtimes::ListPodSandbox, *runtime_, request).transform([](const auto& answer) {
      return all<Sandbox>(answer.items());
    });
  }

  Result<std::string> create_container(const std::string& sandbox_id, const ContainerConfig& config,
                                       const SandboxConfig& sandbox_config) override {
    pb::CreateContainerRequest request;
    request.set_pod_sandbox_id(sandbox_id);
    to_message(config, *request.mutable_config());
    to_message(sandbox_config, *request.mutable_sandbox_config());
    return call(&Runtimes::CreateContainer, *runtime_, request).transform([](const auto& answer) {
      return answer.container_id();
    });
  }
  Result<void> start_container(const std::string& id) override {
    return call(&Runtimes::StartContainer, *runtime_, container(id)).transform([](const auto&) {});
  }
  Result<void> stop_container(const std::string& id, seconds grace) override {
    pb::StopContainerRequest request;
    request.set_container_id(id);
    request.set_timeout(grace.count());
    return idempotent(call(&Runtimes::StopContainer, *runtime_, request, kCallLimit + grace));
  }
  Result<void> remove_container(const std::string& id) override {
    return idempotent(call(&Runtimes::RemoveContainer, *runtime_, container(id)));
  }
  Result<std::vector<Container>> list_containers(const Labels& selector) override {
    pb::ListContainersRequest request;
    for (const auto& [key, value] : selector) {
      (*request.mutable_filter()->mutable_label_selector())[key] = value;
    }
    return call(&Runtimes::ListContainers, *runtime_, request).transform([](const auto& answer) {
      return all<Container>(answer.containers());
    });
  }
  Result<ContainerStatus> container_status(const std::string& id) override {
    return call(&Runtimes::ContainerStatus, *runtime_, container(id))
        .transform([](const auto& answer) { return from_message(answer.status()); });
  }
  Result<void> reopen_log(const std::string& id) override {
    return call(&Runtimes::ReopenContainerLog, *runtime_, container(id)).transform([](const auto&) {
    });
  }

  Result<ExecResult> exec_sync(const std::string& id, const std::vector<std::string>& command,
                               seconds timeout) override {
    pb::ExecSyncRequest request;
    request.set_container_id(id);
    for (const auto& word : command) request.add_cmd(word);
    request.set_timeout(timeout.count());
    // The runtime ends the command at `timeout`; its answer gets a little longer.
    const seconds limit = timeout.count() > 0 ? timeout + seconds(10) : seconds(3600);
    return call(&Runtimes::ExecSync, *runtime_, request, limit).transform([](const auto& answer) {
      return ExecResult{answer.stdout(), answer.stderr(), answer.exit_code()};
    });
  }
  Result<std::string> exec_url(const std::string& id, const std::vector<std::string>& command,
                               StreamOptions options) override {
    pb::ExecRequest request;
    request.set_container_id(id);
    for (const auto& word : command) request.add_cmd(word);
    return url(&Runtimes::Exec, request, options);
  }
  Result<std::string> attach_url(const std::string& id, StreamOptions options) override {
    pb::AttachRequest request;
    request.set_container_id(id);
    return url(&Runtimes::Attach, request, options);
  }
  Result<std::string> port_forward_url(const std::string& sandbox_id,
                                       const std::vector<std::int32_t>& ports) override {
    pb::PortForwardRequest request;
    request.set_pod_sandbox_id(sandbox_id);
    for (const auto port : ports) request.add_port(port);
    return call(&Runtimes::PortForward, *runtime_, request).transform([](const auto& answer) {
      return answer.url();
    });
  }

  Result<std::vector<Image>> list_images() override {
    return call(&Images::ListImages, *images_, pb::ListImagesRequest())
        .transform([](const auto& answer) { return all<Image>(answer.images()); });
  }
  Result<std::optional<Image>> image_status(const std::string& name) override {
    return call(&Images::ImageStatus, *images_, image(name)).transform([](const auto& answer) {
      return answer.has_image() ? std::optional<Image>(from_message(answer.image())) : std::nullopt;
    });
  }
  Result<std::string> pull_image(const std::string& name, const PullCredentials* auth) override {
    pb::PullImageRequest request;
    request.mutable_image()->set_image(name);
    if (auth) {
      request.mutable_auth()->set_username(auth->username);
      request.mutable_auth()->set_password(auth->password);
      request.mutable_auth()->set_server_address(auth->server_address);
    }
    return call(&Images::PullImage, *images_, request, kPullLimit)
        .transform([](const auto& answer) { return answer.image_ref(); });
  }
  Result<void> remove_image(const std::string& name) override {
    return idempotent(call(&Images::RemoveImage, *images_, image(name)));
  }
  Result<std::vector<FilesystemUsage>> image_filesystems() override {
    return call(&Images::ImageFsInfo, *images_, pb::Empty()).transform([](const auto& answer) {
      std::vector<FilesystemUsage> found;
      for (const auto& fs : answer.image_filesystems()) {
        found.push_back({fs.fs_id().mountpoint(), fs.used_bytes().value()});
      }
      return found;
    });
  }

  void watch(std::function<void(const std::string&)> happened) override;
  void stop() override;

 private:
  using Runtimes = pb::RuntimeService::Stub;
  using Images = pb::ImageService::Stub;

  template <typename Stub, typename Base, typename Request, typename Answer>
  Reply<Answer> call(grpc::Status (Base::*method)(grpc::ClientContext*, const Request&, Answer*),
                     Stub& stub, const Request& request, seconds limit = kCallLimit) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    if (!begin(context)) return errors::unavailable("the node agent is stopping");
    Answer answer;
    const grpc::Status status = (stub.*method)(&context, request, &answer);
    end(context);
    if (status.error_code() == grpc::StatusCode::CANCELLED) {
      return errors::unavailable("the call was cancelled");
    }
    if (!status.ok()) return as_error(status);
    return answer;
  }
  template <typename Request>
  Result<std::string> url(grpc::Status (Runtimes::*method)(grpc::ClientContext*, const Request&,
                                                           pb::UrlResponse*),
                          Request& request, StreamOptions options) {
    request.set_stdin(options.in);
    request.set_stdout(options.out);
    request.set_stderr(options.err && !options.tty);
    request.set_tty(options.tty);
    return call(method, *runtime_, request).transform([](const auto& answer) {
      return answer.url();
    });
  }
  template <typename T>
  static Result<void> idempotent(const Result<T>& answer) {
    if (answer || answer.error().code == 404) return {};
    return std::unexpected(answer.error());
  }
  template <typename T, typename Range>
  static std::vector<T> all(const Range& range) {
    std::vector<T> found;
    found.reserve(range.size());
    for (const auto& item : range) found.push_back(from_message(item));
    return found;
  }
  static pb::SandboxRequest sandbox(const std::string& id) {
    pb::SandboxRequest request;
    request.set_pod_sandbox_id(id);
    return request;
  }
  static pb::ContainerRequest container(const std::string& id) {
    pb::ContainerRequest request;
    request.set_container_id(id);
    return request;
  }
  static pb::ImageRequest image(const std::string& name) {
    pb::ImageRequest request;
    request.mutable_image()->set_image(name);
    return request;
  }

  using Happened = std::function<void(const std::string& id)>;
  // Each reads one event stream to its end.
  grpc::Status follow_containerd(const Happened& happened);
  grpc::Status follow_cri(const Happened& happened);
  bool begin(grpc::ClientContext& context);
  void end(grpc::ClientContext& context);
  void follow(const Happened& happened);

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::RuntimeService::Stub> runtime_;
  std::unique_ptr<pb::ImageService::Stub> images_;
  std::unique_ptr<containerd::services::events::v1::Events::Stub> events_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::set<grpc::ClientContext*> open_;  // What `stop` cancels.
  std::thread watcher_;
};

bool GrpcRuntime::begin(grpc::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  open_.insert(&context);
  return true;
}

void GrpcRuntime::end(grpc::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  open_.erase(&context);
}

grpc::Status GrpcRuntime::follow_containerd(const Happened& happened) {
  grpc::ClientContext context;
  if (!begin(context)) return grpc::Status::CANCELLED;
  namespace events = containerd::services::events::v1;
  events::SubscribeRequest request;
  request.add_filters(R"(namespace=="k8s.io",topic=="/tasks/exit")");
  auto reader = events_->Subscribe(&context, request);
  events::Envelope envelope;
  while (reader->Read(&envelope)) {
    events::TaskExit event;
    if (!event.ParseFromString(envelope.event().value())) continue;
    // Processes of exec end all the time: probes are such.
    const bool is_exec = event.id() != event.container_id();
    if (!is_exec && !event.container_id().empty()) happened(event.container_id());
  }
  auto status = reader->Finish();
  end(context);
  return status;
}

grpc::Status GrpcRuntime::follow_cri(const Happened& happened) {
  grpc::ClientContext context;
  if (!begin(context)) return grpc::Status::CANCELLED;
  auto reader = runtime_->GetContainerEvents(&context, pb::Empty());
  pb::ContainerEventResponse event;
  while (reader->Read(&event)) {
    if (!event.container_id().empty()) happened(event.container_id());
  }
  auto status = reader->Finish();
  end(context);
  return status;
}

void GrpcRuntime::follow(const Happened& happened) {
  bool use_cri = false;
  milliseconds pause = kFirstWatchPause;
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    happened("");
    const grpc::Status status = use_cri ? follow_cri(happened) : follow_containerd(happened);
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      if (use_cri) return;
      use_cri = true;
      continue;
    }
    const bool was_good = std::chrono::steady_clock::now() - begin > kLongestWatchPause;
    pause = was_good ? kFirstWatchPause : std::min(pause * 2, kLongestWatchPause);
    std::unique_lock lock(mutex_);
    if (stopped_.wait_for(lock, pause, [this] { return stopping_; })) return;
    log::warning("the runtime's event stream broke", {{"error", status.error_message()}});
  }
}

void GrpcRuntime::watch(std::function<void(const std::string&)> happened) {
  watcher_ = std::thread([this, happened = std::move(happened)] { follow(happened); });
}

void GrpcRuntime::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto* context : open_) context->TryCancel();
  }
  stopped_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

}  // namespace

Result<std::unique_ptr<Runtime>> connect(const std::string& endpoint) {
  std::string target = endpoint;
  if (target.starts_with('/')) target = "unix://" + target;
  if (!target.starts_with("unix:")) {
    return errors::bad_request("runtime endpoint \"" + endpoint +
                               "\" must be the path of a unix socket, or unix:///path");
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // A runtime that restarts is back within seconds. It takes connections before it serves them: the
  // "minimum" is how long an attempt may take.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  auto channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  return std::make_unique<GrpcRuntime>(std::move(channel));
}

}  // namespace pinnace::kubelet::cri

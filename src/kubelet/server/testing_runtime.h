// A container runtime for the tests of the node agent's server: fixed containers, and a streaming
// server of its own that speaks SPDY as containerd's does.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kubelet/cri/runtime.h"
#include "net/server.h"
#include "net/spdy.h"

namespace pinnace::kubelet::testing {

// Stands in for containerd's streaming server. Exec: "cat" answers with its input; "fail" ends with
// code 3; both when stdin has ended. Port-forward: echoes each data stream.
class StreamingServer : public net::Handler {
 public:
  StreamingServer() {
    net::ServerOptions options;
    options.handler = this;
    options.threads = 1;
    server_ = std::move(net::Server::create(std::move(options)).value());
  }
  ~StreamingServer() override { server_.reset(); }

  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + std::string(path);
  }

  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    if (request.path == "/refuse") {
      return exchange->respond(404, {}, std::string("container is not running"));
    }
    net::Headers headers;
    headers.add("connection", "Upgrade");
    headers.add("upgrade", "SPDY/3.1");
    headers.add("x-stream-protocol-version", request.headers.get("x-stream-protocol-version"));
    auto session = std::make_shared<Session>();
    session->path = request.path;
    session->query = request.query;
    session->spdy = net::SpdySession::create(exchange->upgrade(std::move(headers)),
                                             net::SpdySession::Role::kServer);
    session->spdy->start(
        {.on_stream = [this, raw = session.get()](
                          std::shared_ptr<net::SpdyStream> stream) { serve(*raw, stream); },
         .on_drained = {},
         .on_closed = {}});
    sessions_.push_back(std::move(session));
  }

  std::string sizes() const {  // What came on resize channels.
    const std::lock_guard lock(mutex_);
    return sizes_;
  }

 private:
  struct Session {
    std::string path, query;
    std::unique_ptr<net::SpdySession> spdy;
    std::map<std::string, std::shared_ptr<net::SpdyStream>, std::less<>> streams;
    std::vector<std::shared_ptr<net::SpdyStream>> forwards;
  };

  void serve(Session& session, const std::shared_ptr<net::SpdyStream>& stream) {
    stream->reply();
    const std::string type(stream->headers().get("streamtype"));
    net::SpdyStream::Events events;
    if (session.path == "/forward") {
      session.forwards.push_back(stream);
      if (type == "data") {
        events.on_data = [raw = stream.get()](std::string_view bytes) { raw->write(bytes); };
        events.on_end = [raw = stream.get()] { raw->end(); };
      }
      return stream->start(std::move(events));
    }
    session.streams[type] = stream;
    if (type == "resize") {
      events.on_data = [this](std::string_view bytes) {
        const std::lock_guard lock(mutex_);
        sizes_.append(bytes);
      };
    }
    if (type == "stdin") {
      events.on_data = [&session](std::string_view bytes) {
        if (session.streams.contains("stdout")) session.streams["stdout"]->write(bytes);
      };
      events.on_end = [&session] { end(session); };
    }
    stream->start(std::move(events));
  }

  static void end(Session& session) {
    const bool fails = session.query.find("fail") != std::string::npos;
    if (session.streams.contains("stderr")) session.streams["stderr"]->write("bye");
    session.streams["error"]->write(
        fails ? R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[)"
                R"({"reason":"ExitCode","message":"3"}]}})"
              : R"({"metadata":{},"status":"Success"})");
    const auto streams = session.streams;
    for (const auto& entry : streams) entry.second->reset();
    session.spdy->close();
  }

  mutable std::mutex mutex_;
  std::string sizes_;
  std::vector<std::shared_ptr<Session>> sessions_;
  std::unique_ptr<net::Server> server_;
};

class TestRuntime : public cri::Runtime {
 public:
  StreamingServer streaming;
  std::string exec_path = "/exec";
  std::vector<cri::Sandbox> sandboxes;
  cri::StreamOptions last_options;

  void set(cri::ContainerStatus status) {
    const std::lock_guard lock(mutex_);
    containers_[status.id] = std::move(status);
  }

  Result<std::vector<cri::Sandbox>> list_sandboxes(const cri::Labels&) override {
    return sandboxes;
  }
  Result<cri::SandboxStatus> sandbox_status(const std::string&) override {
    return cri::SandboxStatus{true, {"10.0.0.9"}};
  }
  Result<std::vector<cri::Container>> list_containers(const cri::Labels&) override {
    const std::lock_guard lock(mutex_);
    std::vector<cri::Container> list;
    for (const auto& [id, status] : containers_) {
      list.emplace_back().id = id;
      list.back().name = status.name;
    }
    return list;
  }
  Result<cri::ContainerStatus> container_status(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = containers_.find(id);
    if (found == containers_.end()) return errors::not_found("container", id);
    return found->second;
  }
  Result<std::string> exec_url(const std::string&, const std::vector<std::string>& command,
                               cri::StreamOptions options) override {
    last_options = options;
    return streaming.url(exec_path + "?" + (command.empty() ? "" : command.front()));
  }
  Result<std::string> attach_url(const std::string&, cri::StreamOptions options) override {
    last_options = options;
    return streaming.url("/attach");
  }
  Result<std::string> port_forward_url(const std::string&,
                                       const std::vector<std::int32_t>&) override {
    return streaming.url("/forward");
  }

  // What this server never asks for.
  Result<cri::Version> version() override { return unknown(); }
  Result<std::vector<cri::Condition>> status() override { return unknown(); }
  Result<std::string> run_sandbox(const cri::SandboxConfig&) override { return unknown(); }
  Result<void> stop_sandbox(const std::string&) override { return unknown(); }
  Result<void> remove_sandbox(const std::string&) override { return unknown(); }
  Result<std::string> create_container(const std::string&, const cri::ContainerConfig&,
                                       const cri::SandboxConfig&) override {
    return unknown();
  }
  Result<void> start_container(const std::string&) override { return unknown(); }
  Result<void> stop_container(const std::string&, std::chrono::seconds) override {
    return unknown();
  }
  Result<void> remove_container(const std::string&) override { return unknown(); }
  Result<void> reopen_log(const std::string&) override { return unknown(); }
  Result<cri::ExecResult> exec_sync(const std::string&, const std::vector<std::string>&,
                                    std::chrono::seconds) override {
    return unknown();
  }
  Result<std::vector<cri::Image>> list_images() override { return unknown(); }
  Result<std::optional<cri::Image>> image_status(const std::string&) override { return unknown(); }
  Result<std::string> pull_image(const std::string&, const cri::PullCredentials*) override {
    return unknown();
  }
  Result<void> remove_image(const std::string&) override { return unknown(); }
  Result<std::vector<cri::FilesystemUsage>> image_filesystems() override { return unknown(); }
  void watch(std::function<void(const std::string& id)>) override {}
  void stop() override {}

 private:
  static Unexpected unknown() {
    Error error = errors::internal("not in this test").error();
    error.code = 501;
    return std::unexpected(std::move(error));
  }
  std::mutex mutex_;
  std::map<std::string, cri::ContainerStatus> containers_;
};

}  // namespace pinnace::kubelet::testing

#include "kubelet/server/server.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kubelet/server/testing_runtime.h"
#include "net/http_client.h"
#include "net/server.h"
#include "net/spdy.h"
#include "net/testing_streams.h"
#include "net/websocket.h"

namespace pinnace::kubelet {
namespace {

using net::testing::TestLoop;
using testing::TestRuntime;

class OnePod : public PodDirectory {
 public:
  OnePod() : pod(std::make_shared<core::Pod>()) {
    pod->metadata.name = "web";
    pod->metadata.namespace_ = "default";
    pod->metadata.uid = "u1";
    pod->spec.containers.resize(1);
    pod->spec.containers[0].name = "app";
  }
  std::shared_ptr<const core::Pod> find(std::string_view ns, std::string_view name) const override {
    return ns == "default" && name == "web" ? pod : nullptr;
  }
  std::vector<std::shared_ptr<const core::Pod>> all() const override { return {pod}; }
  std::shared_ptr<core::Pod> pod;
};

// Says who calls, in place of a certificate.
class Introduce : public net::Handler {
 public:
  explicit Introduce(net::Handler& inner) : inner_(inner) {}
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    const std::string user(request.headers.get("x-user"));
    request.peer.certificate_common_name = user.empty()       ? "kube-apiserver-kubelet-client"
                                           : user == "nobody" ? ""
                                                              : user;
    if (user == "admin") request.peer.certificate_organizations = {"system:masters"};
    inner_.handle(std::move(request), std::move(exchange));
  }

 private:
  net::Handler& inner_;
};

struct ServerTest : ::testing::Test {
  void SetUp() override {
    folder = std::filesystem::path(::testing::TempDir()) /
             ("pinnace-node-server-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    runtime.sandboxes.emplace_back().id = "s1";
    runtime.sandboxes.back().ready = true;
    handler = create_server_handler({.pods = pods,
                                     .runtime = runtime,
                                     .clock = real_clock(),
                                     .metrics = metrics,
                                     .node_name = "node-1",
                                     .log_root = folder.string(),
                                     .cgroup_root = "/none"});
    introduce = std::make_unique<Introduce>(*handler);
    net::ServerOptions options;
    options.handler = introduce.get();
    server = std::move(net::Server::create(std::move(options)).value());
    endpoint.host = "127.0.0.1";
    endpoint.port = server->port();
    net::ClientOptions to_server;
    to_server.endpoint = endpoint;
    client = net::BlockingClient::create(to_server);
  }
  void TearDown() override {
    client.reset();
    server.reset();
    handler.reset();
    std::filesystem::remove_all(folder);
  }

  net::ClientResponse get(std::string target, std::string user = "", std::string method = "GET") {
    net::ClientRequest request;
    request.method = method;
    request.target = std::move(target);
    if (!user.empty()) request.headers.add("x-user", user);
    auto response = client->send(std::move(request));
    EXPECT_TRUE(response);
    return response ? *response : net::ClientResponse{};
  }

  void write_log(const std::string& name, std::string_view text) {
    std::ofstream(folder / name, std::ios::app) << text;
  }
  void run_container(std::string id, cri::ContainerState state, std::int64_t created_at) {
    cri::ContainerStatus status;
    status.id = id;
    status.name = "app";
    status.state = state;
    status.created_at_ns = created_at;
    status.log_path = (folder / (id + ".log")).string();
    runtime.set(status);
  }

  OnePod pods;
  TestRuntime runtime;
  metrics::Registry metrics;
  std::filesystem::path folder;
  std::unique_ptr<net::Handler> handler;
  std::unique_ptr<Introduce> introduce;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<net::BlockingClient> client;
  net::Endpoint endpoint;
};

constexpr std::string_view kLines =
    "2026-11-24T10:00:00.000000001Z stdout F one\n"
    "2026-11-24T10:00:01.000000001Z stderr P tw\n"
    "2026-11-24T10:00:01.000000002Z stderr F o\n"
    "2026-11-24T10:00:02.000000001Z stdout F three\n";

TEST_F(ServerTest, LetsInTheApiServerAndAdministratorsOnly) {
  EXPECT_EQ(get("/healthz").body, "ok");
  EXPECT_EQ(get("/healthz", "admin").status, 200);
  EXPECT_EQ(get("/healthz", "nobody").status, 401);
  const auto stranger = get("/healthz", "system:node:node-2");
  EXPECT_EQ(stranger.status, 403);
  EXPECT_EQ(
      stranger.body,
      "Forbidden (user=system:node:node-2, verb=get, resource=nodes, subresource(s)=[proxy])");
}

TEST_F(ServerTest, AnswersOnlyThePathsThatItHas) {
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/containerLogs/default/web").status, 404);
  EXPECT_EQ(get("/containerLogs/default/%2e%2e/app").status, 400);
  EXPECT_EQ(get("/pods", "", "DELETE").status, 405);
  EXPECT_NE(get("/pods").body.find(R"("name":"web")"), std::string::npos);
}

TEST_F(ServerTest, GivesLogsAsTheOptionsSay) {
  run_container("c1", cri::ContainerState::kRunning, 1);
  write_log("c1.log", kLines);
  const std::string base = "/containerLogs/default/web/app";
  EXPECT_EQ(get(base).body, "one\ntwo\nthree\n");
  EXPECT_EQ(get(base + "?tailLines=2").body, "two\nthree\n");
  EXPECT_EQ(get(base + "?limitBytes=6").body, "one\ntw");
  EXPECT_EQ(get(base + "?sinceTime=2026-11-24T10:00:02Z").body, "three\n");
  EXPECT_EQ(get(base + "?timestamps=true&tailLines=1").body,
            "2026-11-24T10:00:02.000000001Z three\n");
}

TEST_F(ServerTest, RefusesLogsWithTheKubeletsWords) {
  const std::string base = "/containerLogs/default/web/app";
  EXPECT_EQ(get("/containerLogs/default/other/app").status, 404);
  EXPECT_EQ(get("/containerLogs/default/other/app").body, "pod does not exist\n");
  EXPECT_EQ(get("/containerLogs/default/web/x").body, "container \"x\" not found in pod \"web\"\n");
  EXPECT_EQ(get(base + "?tailLines=-1").status, 422);
  EXPECT_EQ(get(base + "?tailLines=x").status, 400);
  EXPECT_EQ(get(base + "?sinceSeconds=5&sinceTime=2026-11-24T10:00:02Z").status, 422);
  EXPECT_EQ(get(base).body, "container \"app\" in pod \"web\" is not available");
  auto& status = pods.pod->status.container_statuses.emplace_back();
  status.name = "app";
  status.state.waiting.emplace().reason = "ContainerCreating";
  const auto waiting = get(base);
  EXPECT_EQ(waiting.status, 400);
  EXPECT_EQ(waiting.body,
            "container \"app\" in pod \"web\" is waiting to start: ContainerCreating");
  status.state.waiting->reason = "ImagePullBackOff";
  EXPECT_EQ(
      get(base).body,
      "container \"app\" in pod \"web\" is waiting to start: trying and failing to pull image");
}

TEST_F(ServerTest, GivesTheLogOfTheRunBefore) {
  const std::string previous = "/containerLogs/default/web/app?previous=true";
  run_container("c1", cri::ContainerState::kExited, 1);
  write_log("c1.log", "2026-11-24T10:00:00Z stdout F first\n");
  EXPECT_EQ(get(previous).body, "previous terminated container \"app\" in pod \"web\" not found");
  // It waits to be run again: the run that ended is the one before.
  auto& status = pods.pod->status.container_statuses.emplace_back();
  status.name = "app";
  status.last_state.terminated.emplace().container_id = "containerd://c1";
  EXPECT_EQ(get(previous).body, "first\n");
  run_container("c2", cri::ContainerState::kRunning, 2);
  EXPECT_EQ(get(previous).body, "first\n");
}

TEST_F(ServerTest, GivesALongLogWhole) {
  run_container("c1", cri::ContainerState::kExited, 1);
  std::string all, lines;
  for (int i = 0; i < 100000; ++i) {
    const std::string text = "line " + std::to_string(i) + "\n";
    all += "2026-11-24T10:00:00Z stdout F " + text;
    lines += text;
  }
  write_log("c1.log", all);
  EXPECT_TRUE(get("/containerLogs/default/web/app").body == lines);
  EXPECT_TRUE(get("/containerLogs/default/web/app?follow=true").body == lines);
}

// A streaming GET, on a loop.
struct Following {
  std::string got;
  bool done = false;
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<net::Call> call;
};

TEST_F(ServerTest, FollowsALogThroughRotationUntilTheContainerHasEnded) {
  run_container("c1", cri::ContainerState::kRunning, 1);
  write_log("c1.log", "2026-11-24T10:00:00Z stdout F first\n");
  TestLoop loop;
  Following following;
  loop.run([&] {
    net::ClientOptions options;
    options.endpoint = endpoint;
    following.client = net::HttpClient::create(loop.loop(), options);
    following.call = following.client->send(
        {.target = "/containerLogs/default/web/app?follow=true"},
        {.on_data = [&](std::string_view bytes) { following.got.append(bytes); },
         .on_done = [&](Result<void> result) { following.done = result.has_value(); }});
  });
  EXPECT_TRUE(loop.wait([&] { return following.got == "first\n"; }));
  write_log("c1.log", "2026-11-24T10:00:01Z stdout F second\n");
  EXPECT_TRUE(loop.wait([&] { return following.got == "first\nsecond\n"; }));
  std::filesystem::rename(folder / "c1.log", folder / "c1.log.1");
  write_log("c1.log", "2026-11-24T10:00:02Z stdout F third\n");
  EXPECT_TRUE(loop.wait([&] { return following.got == "first\nsecond\nthird\n"; }));
  EXPECT_FALSE(loop.run([&] { return following.done; }));
  write_log("c1.log", "2026-11-24T10:00:03Z stdout F last\n");
  run_container("c1", cri::ContainerState::kExited, 1);
  EXPECT_TRUE(loop.wait([&] { return following.done; }));
  EXPECT_EQ(following.got, "first\nsecond\nthird\nlast\n");
  loop.run([&] {
    following.call.reset();
    following.client.reset();
  });
}

// A client that asks for an upgrade.
struct Upgrade {
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<net::Call> call;
  std::unique_ptr<net::Stream> stream;
  net::Headers headers;
  int status = 0;
  std::string body;
  bool done = false;

  void start(io::Loop& loop, const net::Endpoint& endpoint, std::string method, std::string target,
             net::Headers request_headers) {
    net::ClientOptions options;
    options.endpoint = endpoint;
    client = net::HttpClient::create(loop, options);
    call = client->send(
        {.method = std::move(method),
         .target = std::move(target),
         .headers = std::move(request_headers)},
        {.on_head = [this](const net::ResponseHead& head) { status = head.status; },
         .on_data = [this](std::string_view bytes) { body.append(bytes); },
         .on_done = [this](Result<void>) { done = true; },
         .on_upgrade =
             [this](const net::ResponseHead& head, std::unique_ptr<net::Stream> upgraded) {
               status = head.status;
               headers = head.headers;
               stream = std::move(upgraded);
               done = true;
             }});
  }
};

net::Headers websocket_headers(std::string_view protocol) {
  net::Headers headers;
  headers.add("connection", "Upgrade");
  headers.add("upgrade", "websocket");
  headers.add("sec-websocket-version", "13");
  headers.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  headers.add("sec-websocket-protocol", protocol);
  return headers;
}

net::Headers spdy_headers(std::string_view protocol) {
  net::Headers headers;
  headers.add("connection", "Upgrade");
  headers.add("upgrade", "SPDY/3.1");
  headers.add("x-stream-protocol-version", protocol);
  return headers;
}

struct StreamsTest : ServerTest {
  void SetUp() override {
    ServerTest::SetUp();
    run_container("c1", cri::ContainerState::kRunning, 1);
  }
  void TearDown() override {
    loop.run([this] {
      streams.clear();
      socket.reset();
      session.reset();
      upgrade = Upgrade();
    });
    ServerTest::TearDown();
  }
  void connect(std::string method, std::string target, net::Headers headers) {
    loop.run([&] { upgrade.start(loop.loop(), endpoint, method, target, headers); });
    EXPECT_TRUE(loop.wait([this] { return upgrade.done; }));
  }
  void connect_websocket(std::string target, std::string_view protocol) {
    connect("GET", std::move(target), websocket_headers(protocol));
    ASSERT_EQ(upgrade.status, 101) << upgrade.body;
    EXPECT_EQ(upgrade.headers.get("sec-websocket-protocol"), protocol);
    loop.run([this] {
      socket = net::WebSocket::create(std::move(upgrade.stream), net::WebSocket::Role::kClient);
      socket->start({.on_message =
                         [this](bool, std::string_view message) {
                           if (message.empty()) return;
                           channels[message[0]] += message.substr(1);
                         },
                     .on_drained = {},
                     .on_closed = [this](int code, std::string_view) { closed = code; }});
    });
  }
  void connect_spdy(std::unique_ptr<net::Stream> stream) {
    loop.run([&] {
      session = net::SpdySession::create(std::move(stream), net::SpdySession::Role::kClient);
      session->start({.on_stream = {}, .on_drained = {}, .on_closed = [this] { closed = 0; }});
    });
  }
  // On the loop.
  std::shared_ptr<net::SpdyStream> open(std::string_view type, std::string_view request = "") {
    net::Headers headers;
    headers.add("streamType", type);
    if (!request.empty()) {
      headers.add("requestID", request);
      headers.add("port", "80");
    }
    auto stream = session->open(headers);
    const std::string key = std::string(type) + std::string(request);
    stream->start({.on_data = [this, key](std::string_view bytes) { texts[key].append(bytes); },
                   .on_end = [this, key] { texts[key] += "|end"; },
                   .on_reply = {},
                   .on_reset = {}});
    streams.push_back(stream);
    return stream;
  }

  TestLoop loop;
  Upgrade upgrade;
  std::unique_ptr<net::WebSocket> socket;
  std::unique_ptr<net::SpdySession> session;
  std::vector<std::shared_ptr<net::SpdyStream>> streams;
  std::map<char, std::string> channels;
  std::map<std::string, std::string> texts;
  std::optional<int> closed;
};

TEST_F(StreamsTest, ExecByWebSocketVersion5ClosesStdinAndTellsSuccess) {
  connect_websocket("/exec/default/web/app?command=cat&input=1&output=1&error=1",
                    "v5.channel.k8s.io");
  loop.run([this] {
    socket->send_binary(std::string_view("\0hello", 6));
    socket->send_binary(std::string_view("\0 world", 7));
    socket->send_binary(std::string_view("\xff\0", 2));
  });
  EXPECT_TRUE(loop.wait([this] { return closed.has_value(); }));
  EXPECT_EQ(*closed, 1000);
  EXPECT_EQ(channels[1], "hello world");
  EXPECT_EQ(channels[2], "bye");
  EXPECT_EQ(channels[3], R"({"metadata":{},"status":"Success"})");
  EXPECT_TRUE(runtime.last_options.in && runtime.last_options.err);
}

TEST_F(StreamsTest, ExecTellsTheExitCode) {
  connect_websocket("/exec/default/web/app?command=fail&input=1&output=1", "v5.channel.k8s.io");
  loop.run([this] { socket->send_binary(std::string_view("\xff\0", 2)); });
  EXPECT_TRUE(loop.wait([this] { return closed.has_value(); }));
  EXPECT_NE(channels[3].find(R"("message":"3")"), std::string::npos);
}

TEST_F(StreamsTest, AttachPassesTerminalSizesAndKnowsNoStderrThen) {
  connect_websocket("/attach/default/web/app?stdin=true&stdout=true&stderr=true&tty=true",
                    "v4.channel.k8s.io");
  EXPECT_TRUE(runtime.last_options.tty);
  EXPECT_FALSE(runtime.last_options.err);
  const std::string size = R"({"Width":80,"Height":24})";
  loop.run([&] {
    socket->send_binary("\4", size);
    socket->send_binary(std::string_view("\0x", 2));
    socket->send_binary(std::string_view("\xff\0", 2));  // Means nothing in version 4.
  });
  EXPECT_TRUE(loop.wait([&] { return runtime.streaming.sizes() == size && channels[1] == "x"; }));
  EXPECT_FALSE(loop.run([this] { return closed.has_value(); }));
}

TEST_F(StreamsTest, MuchOutputReachesASlowClient) {
  connect_websocket("/exec/default/web/app?command=cat&input=1&output=1", "v5.channel.k8s.io");
  const std::string block(512 << 10, 'x');
  loop.run([&] {
    socket->pause_reading(true);
    for (int i = 0; i < 16; ++i) socket->send_binary(std::string_view("\0", 1), block);
    socket->send_binary(std::string_view("\xff\0", 2));
  });
  for (int i = 0; i < 100; ++i) loop.run([] {});
  loop.run([&] { socket->pause_reading(false); });
  EXPECT_TRUE(loop.wait([this] { return closed.has_value(); }));
  EXPECT_EQ(channels[1].size(), 16 * block.size());
  EXPECT_EQ(channels[3], R"({"metadata":{},"status":"Success"})");
}

TEST_F(StreamsTest, ExecBySpdy) {
  connect("POST", "/exec/default/web/app?command=fail&input=1&output=1",
          spdy_headers("v4.channel.k8s.io"));
  ASSERT_EQ(upgrade.status, 101) << upgrade.body;
  EXPECT_EQ(upgrade.headers.get("x-stream-protocol-version"), "v4.channel.k8s.io");
  connect_spdy(std::move(upgrade.stream));
  loop.run([this] {
    open("error");
    auto in = open("stdin");
    open("stdout");
    in->write("data");
    in->end();
  });
  EXPECT_TRUE(loop.wait([this] { return closed.has_value(); }));
  EXPECT_EQ(texts["stdout"], "data");
  EXPECT_NE(texts["error"].find(R"("message":"3")"), std::string::npos);
}

TEST_F(StreamsTest, PortForwardBySpdyAndTunnelledInAWebSocket) {
  const auto use = [this](std::unique_ptr<net::Stream> stream) {
    texts.clear();
    connect_spdy(std::move(stream));
    loop.run([this] {
      for (const std::string_view request : {"0", "1"}) {
        open("error", request)->end();
        auto data = open("data", request);
        data->write("ping" + std::string(request));
        data->end();
      }
    });
    EXPECT_TRUE(loop.wait(
        [this] { return texts["data0"] == "ping0|end" && texts["data1"] == "ping1|end"; }));
  };
  connect("POST", "/portForward/default/web", spdy_headers("portforward.k8s.io"));
  ASSERT_EQ(upgrade.status, 101) << upgrade.body;
  use(std::move(upgrade.stream));
  loop.run([this] {
    streams.clear();
    session.reset();
    upgrade = Upgrade();
  });
  connect("GET", "/portForward/default/web", websocket_headers("SPDY/3.1+portforward.k8s.io"));
  ASSERT_EQ(upgrade.status, 101) << upgrade.body;
  use(loop.run([this] {
    return net::stream_over(
        net::WebSocket::create(std::move(upgrade.stream), net::WebSocket::Role::kClient));
  }));
}

TEST_F(StreamsTest, SaysBeforeTheUpgradeWhatIsWrong) {
  const auto refusal = [this](std::string target) {
    loop.run([this] { upgrade = Upgrade(); });
    connect("GET", std::move(target), websocket_headers("v5.channel.k8s.io"));
    return std::to_string(upgrade.status) + " " + upgrade.body;
  };
  EXPECT_EQ(refusal("/exec/default/web/app?command=cat"),
            "400 you must specify at least 1 of stdin, stdout, stderr");
  EXPECT_EQ(refusal("/exec/default/none/app?command=cat&output=1"), "404 pod does not exist");
  EXPECT_EQ(refusal("/exec/default/web/x?command=cat&output=1"), "500 container not found (\"x\")");
  EXPECT_EQ(get("/exec/default/web/app?command=cat&output=1").status, 400);
  runtime.exec_path = "/refuse";
  EXPECT_EQ(refusal("/exec/default/web/app?command=cat&output=1"), "404 container is not running");
}

TEST_F(StreamsTest, StoppingTheServerEndsSessions) {
  connect_websocket("/attach/default/web/app?input=1&output=1", "v5.channel.k8s.io");
  server.reset();
  EXPECT_TRUE(loop.wait([this] { return closed.has_value(); }));
  EXPECT_EQ(*closed, 1006);
}

}  // namespace
}  // namespace pinnace::kubelet

#include "apiserver/proxy/kubelet_proxy.h"

#include <gtest/gtest.h>

#include "apiserver/proxy/forward.h"
#include "apiserver/proxy/service_proxy.h"
#include "apiserver/testing.h"
#include "net/http_client.h"
#include "net/testing_server.h"
#include "net/testing_streams.h"

namespace pinnace::apiserver {
namespace {

using net::testing::test_certificates;
using net::testing::TestLoop;

// Answers as a kubelet would, and remembers what it was asked.
class FakeKubelet : public net::Handler {
 public:
  std::mutex mutex;
  std::string asked, user, authorization;
  std::unique_ptr<net::Stream> stream;

  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    {
      const std::lock_guard lock(mutex);
      asked = request.method + " " + request.target;
      user = request.peer.certificate_common_name;
      authorization = request.headers.get("authorization");
    }
    net::Headers headers;
    headers.add("content-type", "text/plain");
    if (request.headers.has("upgrade")) {
      net::Headers upgrade;
      upgrade.add("upgrade", request.headers.get("upgrade"));
      upgrade.add("x-stream-protocol-version", request.headers.get("x-stream-protocol-version"));
      stream = exchange->upgrade(upgrade);
      auto* raw = stream.get();
      return raw->start({.on_data = [raw](std::string_view bytes) { raw->write(bytes); },
                         .on_end = [raw] { raw->end(); }});
    }
    if (request.path.ends_with("/large")) {
      return exchange->stream(200, headers, std::make_unique<net::testing::PatternBody>(8 << 20));
    }
    if (request.path.ends_with("/waiting")) {
      return exchange->respond(400, headers,
                               std::string("container \"waiting\" is waiting to start"));
    }
    if (request.path.ends_with("/gone")) {
      return exchange->respond(404, headers, std::string("pod does not exist"));
    }
    exchange->respond(200, headers, std::string("log text\n"));
  }
};

// Lets every caller be an administrator.
class AsAdmin : public net::Handler {
 public:
  explicit AsAdmin(net::Handler& inner) : inner_(inner) {}
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    request.peer.certificate_common_name = "admin";
    request.peer.certificate_organizations = {"system:masters"};
    inner_.handle(std::move(request), std::move(exchange));
  }

 private:
  net::Handler& inner_;
};

struct KubeletProxyTest : ::testing::Test {
  void SetUp() override {
    net::ServerOptions at_kubelet;
    at_kubelet.handler = &kubelet;
    at_kubelet.threads = 1;
    at_kubelet.tls = net::testing::test_tls();
    kubelet_server = std::move(net::Server::create(std::move(at_kubelet)).value());

    store::EmbeddedStore::Options options;
    options.inline_writer = true;
    store = store::EmbeddedStore::create_in_memory(options);
    rng = seeded_rng(1);
    Options with{*store, executor, executor, *rng, metrics};
    with.bootstrap = false;
    with.cluster_ca_pem = test_certificates().authority.certificate_pem;
    with.kubelet_client_certificate_pem = test_certificates().client.certificate_pem;
    with.kubelet_client_key_pem = test_certificates().client.private_key_pem;
    server = std::move(Server::create(std::move(with)).value());
    admin = std::make_unique<AsAdmin>(*server);
    net::ServerOptions front;
    front.handler = admin.get();
    front.threads = 1;
    front_server = std::move(net::Server::create(std::move(front)).value());
    endpoint.host = "127.0.0.1";
    endpoint.port = front_server->port();
    net::ClientOptions to_front;
    to_front.endpoint = endpoint;
    client = net::BlockingClient::create(to_front);
    put("nodes", "", "n1",
        R"("status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],)"
        R"("daemonEndpoints":{"kubeletEndpoint":{"Port":)" +
            std::to_string(kubelet_server->port()) + "}}}");
    put_pod("web", R"({"name":"app"})");
  }
  void TearDown() override {
    client.reset();
    front_server.reset();
    kubelet_server.reset();
    kubelet.stream.reset();
  }

  void put(std::string resource, std::string ns, std::string name, std::string rest) {
    store::Write write{};
    write.type = store::Write::Type::kCreate;
    write.head = R"({"metadata":{"name":")" + name + R"(",)";
    write.tail = "}," + rest + "}";
    write.key = {std::move(resource), std::move(ns), std::move(name)};
    ASSERT_TRUE(store->commit_and_wait(std::move(write)));
  }
  void put_pod(std::string name, std::string containers, std::string more = R"(,"nodeName":"n1")") {
    put("pods", "default", std::move(name),
        R"("spec":{"containers":[)" + containers + "]" + more + "}");
  }
  net::ClientResponse get(std::string_view below) {
    net::ClientRequest request;
    request.target = "/api/v1/namespaces/default/" + std::string(below);
    request.headers.add("authorization", "Bearer secret");
    auto response = client->send(std::move(request));
    EXPECT_TRUE(response) << response.error().message;
    return response ? *response : net::ClientResponse{};
  }
  std::string message(std::string_view below) {
    api::Arena arena;
    const auto body = get(below).body;
    const auto status = api::parse_json(arena, body);
    return status ? std::string(status->string_at("message")) : "not a Status: " + body;
  }
  std::string asked() {
    const std::lock_guard lock(kubelet.mutex);
    return kubelet.asked;
  }

  FakeKubelet kubelet;
  std::unique_ptr<net::Server> kubelet_server, front_server;
  io::SimExecutor executor;
  std::unique_ptr<Rng> rng;
  metrics::Registry metrics;
  std::unique_ptr<store::EmbeddedStore> store;
  std::unique_ptr<Server> server;
  std::unique_ptr<AsAdmin> admin;
  net::Endpoint endpoint;
  std::unique_ptr<net::BlockingClient> client;
};

TEST_F(KubeletProxyTest, PassesLogOptionsAndShowsItsOwnCertificateOnly) {
  const auto log = get("pods/web/log?follow=true&tailLines=5&sinceTime=2026-11-24T10:00:00Z");
  EXPECT_EQ(log.status, 200);
  EXPECT_EQ(log.body, "log text\n");
  EXPECT_EQ(log.headers.get("content-type"), "text/plain");
  EXPECT_EQ(asked(),
            "GET /containerLogs/default/web/app?follow=true&tailLines=5&sinceTime="
            "2026-11-24T10%3A00%3A00Z");
  EXPECT_EQ(kubelet.user, "alice");
  EXPECT_EQ(kubelet.authorization, "");
}

TEST_F(KubeletProxyTest, TurnsTheKubeletsRefusalIntoAStatus) {
  put_pod("late", R"({"name":"waiting"},{"name":"gone"})");
  const auto refused = get("pods/late/log?container=waiting");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find(R"("reason":"BadRequest")"), std::string::npos);
  EXPECT_EQ(message("pods/late/log?container=waiting"),
            "container \"waiting\" is waiting to start");
  EXPECT_EQ(message("pods/late/log?container=gone"),
            "the server could not find the requested resource ( pods/log late)");
}

TEST_F(KubeletProxyTest, ChoosesTheContainerAsKubernetesDoes) {
  put_pod("two", R"({"name":"a"},{"name":"b"})",
          R"(,"initContainers":[{"name":"i"}],"nodeName":"n1")");
  EXPECT_EQ(message("pods/two/log"),
            "a container name must be specified for pod two, choose one of: [a b] or one of the "
            "init containers: [i]");
  EXPECT_EQ(message("pods/two/log?container=c"), "container c is not valid for pod two");
  EXPECT_EQ(get("pods/two/log?container=i").status, 200);
  EXPECT_EQ(asked(), "GET /containerLogs/default/two/i");
}

TEST_F(KubeletProxyTest, RefusesWhatCannotBe) {
  put_pod("unscheduled", R"({"name":"app"})", "");
  put_pod("lost", R"({"name":"app"})", R"(,"nodeName":"none")");
  EXPECT_EQ(message("pods/none/log"), "pods \"none\" not found");
  EXPECT_EQ(get("pods/unscheduled/log").status, 204);
  EXPECT_EQ(message("pods/unscheduled/exec?stdout=true"),
            "pod unscheduled does not have a host assigned");
  EXPECT_EQ(message("pods/lost/log"), "nodes \"none\" not found");
  EXPECT_EQ(
      message("pods/web/log?tailLines=-1"),
      "PodLogOptions \"web\" is invalid: tailLines: Invalid value: -1: must be greater than or "
      "equal to 0");
  EXPECT_EQ(get("pods/web/log?limitBytes=x").status, 400);
}

TEST_F(KubeletProxyTest, StreamsAnAnswerThatIsLargerThanItsBuffers) {
  put_pod("big", R"({"name":"large"})");
  const auto log = get("pods/big/log");
  ASSERT_EQ(log.body.size(), 8u << 20) << log.body.substr(0, 500);
  EXPECT_EQ(log.body.substr(0, 3), "abc");
}

TEST_F(KubeletProxyTest, TunnelsUpgradesBothWays) {
  TestLoop loop;
  std::unique_ptr<net::HttpClient> caller;
  std::unique_ptr<net::Call> call;
  std::unique_ptr<net::Stream> stream;
  net::testing::Sink sink;
  std::string protocol;
  loop.run([&] {
    net::ClientOptions options;
    options.endpoint = endpoint;
    caller = net::HttpClient::create(loop.loop(), options);
    net::ClientRequest request;
    request.method = "POST";
    request.target =
        "/api/v1/namespaces/default/pods/web/"
        "exec?command=echo&command=a%20b&stdin=true&stdout=true";
    request.headers.add("connection", "Upgrade");
    request.headers.add("upgrade", "SPDY/3.1");
    request.headers.add("x-stream-protocol-version", "v4.channel.k8s.io");
    call = caller->send(
        std::move(request),
        {.on_upgrade = [&](const net::ResponseHead& head, std::unique_ptr<net::Stream> upgraded) {
          protocol = head.headers.get("x-stream-protocol-version");
          stream = std::move(upgraded);
          stream->start(sink.events());
          stream->write("hello");
          stream->end();
        }});
  });
  EXPECT_TRUE(loop.wait([&] { return sink.got == "hello" && sink.closed; }));
  EXPECT_EQ(protocol, "v4.channel.k8s.io");
  EXPECT_EQ(asked(), "POST /exec/default/web/app?input=1&output=1&command=echo&command=a%20b");
  loop.run([&] {
    stream.reset();
    call.reset();
    caller.reset();
  });
}

TEST_F(KubeletProxyTest, ReachesTheKubeletOfANodeButNoOtherPortOnThisHost) {
  const auto node = [this](std::string_view below) {
    net::ClientRequest request;
    request.target = "/api/v1/nodes/" + std::string(below);
    return client->send(std::move(request)).value();
  };
  EXPECT_EQ(node("n1/proxy/pods?x=1").status, 200);
  EXPECT_EQ(asked(), "GET /pods?x=1");
  EXPECT_EQ(node("n1:1/proxy/").status, 400);
  EXPECT_EQ(node("n2/proxy/").status, 404);
  EXPECT_EQ(node("ftp:n1:80/proxy/").status, 400);
}

TEST_F(KubeletProxyTest, RefusesPodsAndServicesThatLeadNowhere) {
  EXPECT_EQ(message("pods/web/proxy/"), "address not allowed");
  put("services", "default", "db", R"("spec":{"ports":[{"name":"sql","port":5432}]})");
  EXPECT_EQ(message("services/db:5432/proxy/"), "no endpoints available for service \"db:5432\"");
  EXPECT_EQ(message("services/db:80/proxy/"), "no service port 80 found for service \"db\"");
  EXPECT_EQ(message("services/none/proxy/"), "services \"none\" not found");
}

TEST_F(KubeletProxyTest, FindsTheReadyAddressesOfAServicePort) {
  put("services", "default", "db",
      R"("spec":{"ports":[{"name":"sql","port":5432},{"name":"web","port":80}]})");
  store::Write write{};
  write.type = store::Write::Type::kCreate;
  write.key = {"discovery.k8s.io/endpointslices", "default", "db-1"};
  write.head = R"({"metadata":{"labels":{"kubernetes.io/service-name":"db"},)";
  write.tail = R"(},"ports":[{"name":"sql","port":15432}],"endpoints":[{"addresses":["10.0.0.1"]},)"
               R"({"addresses":["10.0.0.2"],"conditions":{"ready":false}}]})";
  ASSERT_TRUE(store->commit_and_wait(std::move(write)));
  for (const char* port : {"5432", "sql"}) {
    const auto found = service_addresses(*store, "default", {"", "db", port});
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(found->front().host, "10.0.0.1");
    EXPECT_EQ(found->front().port, 15432);
  }
  EXPECT_TRUE(service_addresses(*store, "default", {"", "db", "web"})->empty());
}

TEST(ForwardedHeaders, LeavesOutCredentialsAndWhatIsMeantForTheProxy) {
  net::Headers headers;
  headers.add("authorization", "Bearer x");
  headers.add("impersonate-user", "root");
  headers.add("connection", "Upgrade, x-private");
  headers.add("upgrade", "websocket");
  headers.add("x-private", "1");
  headers.add("accept", "*/*");
  EXPECT_EQ(forwarded_headers(headers, false).all().size(), 1u);
  const auto upgrading = forwarded_headers(headers, true);
  EXPECT_EQ(upgrading.get("upgrade"), "websocket");
  EXPECT_FALSE(upgrading.has("authorization"));
}

}  // namespace
}  // namespace pinnace::apiserver

// Admission webhooks as a server calls them, over a client that the test answers for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/admission/webhooks/webhooks_testing.h"
#include "apiserver/webhook/webhook_identities.h"
#include "io/files.h"
#include "net/testing_server.h"

namespace pinnace::apiserver {
namespace {

using ::testing::HasSubstr;
using testing::response;
using testing::Says;
using testing::WebhooksTest;

TEST_F(WebhooksTest, ChangeObjectsInTheOrderOfTheirNames) {
  start(client_);
  client_.hooks["https://hook/b"] = adds("second");
  client_.hooks["https://hook/a"] = adds("first");
  hook("mutating", "b");
  hook("mutating", "a");
  const auto made = map("m", R"({"own":"1"})", "?fieldManager=me");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("data"), R"({"first":"yes","own":"1","second":"yes"})");
  ASSERT_EQ(client_.seen.size(), 2u);
  EXPECT_EQ(client_.seen[0].url, "https://hook/a?timeout=10s");
  EXPECT_EQ(client_.seen[0].timeout, std::chrono::seconds(10));
  const std::string& review = client_.seen[0].review;
  EXPECT_THAT(review, HasSubstr(R"("kind":{"group":"","version":"v1","kind":"ConfigMap"})"));
  EXPECT_THAT(review,
              HasSubstr(R"("resource":{"group":"","version":"v1","resource":"configmaps"})"));
  EXPECT_THAT(review, HasSubstr(R"("name":"m","namespace":"default","operation":"CREATE")"));
  EXPECT_THAT(review, HasSubstr(R"("userInfo":{"username":"admin")"));
  EXPECT_THAT(review, HasSubstr(R"("oldObject":null)"));
  EXPECT_THAT(review, HasSubstr(R"("options":{"kind":"CreateOptions",)"
                                R"("apiVersion":"meta.k8s.io/v1","fieldManager":"me"})"));
  EXPECT_THAT(client_.seen[1].review, HasSubstr(R"("first":"yes")"));
}

TEST_F(WebhooksTest, CannotBreakWhoManagesWhat) {
  start(client_);
  hook("mutating", "m");
  client_.hooks["https://hook/m"] = [](const api::Value& request) {
    const std::string patch =
        R"([{"op":"replace","path":"/metadata/managedFields/0/operation","value":"Steal"}])";
    return response(request, R"("allowed":true,"patchType":"JSONPatch","patch":")" +
                                 base64_encode(patch) + '"');
  };
  const auto made = map("m", R"({"own":"1"})", "?fieldManager=me");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_THAT(made->body, HasSubstr(R"("manager":"me","operation":"Update")"));
  EXPECT_THAT(std::string(made->headers.get("warning")),
              HasSubstr(".metadata.managedFields was in an invalid state after admission"));
}

TEST_F(WebhooksTest, SayInTheAuditLogWhatTheyDid) {
  audit_.log_path = ::testing::TempDir() + "/webhooks_audit_" + std::to_string(getpid());
  audit_.policy_text =
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
      "- {level: Request, resources: [{resources: [configmaps]}]}\n";
  start(client_);
  hook("mutating", "b");
  hook("validating", "open", R"(,"failurePolicy":"Ignore")");
  client_.hooks["https://hook/b"] = [](const api::Value& request) {
    const std::string patch = R"([{"op":"add","path":"/data/x","value":"yes"}])";
    return response(request, R"("allowed":true,"auditAnnotations":{"why":"because"},)"
                             R"("patchType":"JSONPatch","patch":")" +
                                 base64_encode(patch) + '"');
  };
  ASSERT_EQ(map("m", R"({"own":"1"})")->status, 201);
  server_.reset();
  const std::string line = io::read_file(audit_.log_path).value();
  for (const char* expected :
       {R"("mutation.webhook.admission.k8s.io/round_0_index_0":"{\"configuration\":\"b\",)"
        R"(\"webhook\":\"b.example.com\",\"mutated\":true}")",
        R"("patch.webhook.admission.k8s.io/round_0_index_0":"{\"configuration\":\"b\",)"
        R"(\"webhook\":\"b.example.com\",\"patch\":[{\"op\":\"add\",\"path\":\"/data/x\",)"
        R"(\"value\":\"yes\"}],\"patchType\":\"JSONPatch\"}")",
        R"("failed-open.validating.webhook.admission.k8s.io/round_0_index_0":"open.example.com")",
        R"("b.example.com/why":"because")"}) {
    EXPECT_THAT(line, HasSubstr(expected));
  }
}

TEST_F(WebhooksTest, RefuseInTheirWords) {
  start(client_);
  hook("validating", "v");
  client_.hooks["https://hook/v"] = [](const api::Value& request) {
    return response(request, R"("allowed":false,"warnings":["beware"],)"
                             R"("status":{"code":418,"reason":"Teapot","message":"no tea"})");
  };
  const auto refused = map("m");
  EXPECT_EQ(refused->status, 418);
  EXPECT_EQ(refused->message(), "admission webhook \"v.example.com\" denied the request: no tea");
  EXPECT_EQ(refused->reason(), "Teapot");
  EXPECT_EQ(refused->headers.get("warning"), "299 - \"beware\"");
  client_.hooks["https://hook/v"] = [](const api::Value& request) {
    return response(request, R"("allowed":false)");
  };
  EXPECT_EQ(map("m")->status, 400);
  EXPECT_EQ(map("m")->message(),
            "admission webhook \"v.example.com\" denied the request without explanation");
}

TEST_F(WebhooksTest, HaveNoMoreTimeThanTheRequest) {
  start(client_);
  client_.hooks["https://hook/a"] = allow;
  hook("validating", "a");
  ASSERT_EQ(map("m", "{}", "?timeout=3s")->status, 201);
  EXPECT_EQ(client_.seen.back().url, "https://hook/a?timeout=3s");
  EXPECT_EQ(client_.seen.back().timeout, std::chrono::seconds(3));
  ASSERT_EQ(map("n", "{}", "?timeout=1500ms")->status, 201);
  EXPECT_EQ(client_.seen.back().url, "https://hook/a?timeout=2s") << "whole seconds";
  EXPECT_EQ(client_.seen.back().timeout, std::chrono::milliseconds(1500));
}

TEST_F(WebhooksTest, FailAsTheirPolicySays) {
  start(client_);
  hook("validating", "open", R"(,"failurePolicy":"Ignore")");
  EXPECT_EQ(map("m")->status, 201);
  hook("validating", "shut");
  const auto failed = map("n");
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(failed->message(),
            "Internal error occurred: failed calling webhook \"shut.example.com\": failed to call "
            "webhook: Post \"https://hook/shut?timeout=10s\": connection refused");
  client_.hooks["https://hook/shut"] = [](const api::Value&) {
    return std::string(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",)"
                       R"("response":{"uid":"other","allowed":true}})");
  };
  EXPECT_THAT(map("n")->message(), HasSubstr("received invalid webhook response: expected "
                                             "response.uid="));
}

TEST_F(WebhooksTest, ThatAnswerWhatCannotBeReadHaveFailed) {
  start(client_);
  hook("mutating", "m");
  hook("mutating", "open", R"(,"failurePolicy":"Ignore")");
  std::string answer;
  const Says speak = [&](const api::Value& request) {
    std::string text = answer;
    if (const auto at = text.find("UID"); at != text.npos) {
      text.replace(at, 3, request.string_at("uid"));
    }
    return text;
  };
  client_.hooks["https://hook/m"] = speak;
  client_.hooks["https://hook/open"] = allow;
  const std::string kHead = R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",)";
  const std::string kPatched = kHead + R"("response":{"uid":"UID","allowed":true,"patch":)";
  const std::pair<std::string, std::string> rows[] = {
      {"", "failed to call webhook: 0-length response with status code: 200 and content type: "},
      {"<html>", "failed to call webhook: couldn't get version/kind; json parse error: "},
      {R"({"apiVersion":"admission.k8s.io/v2","kind":"AdmissionReview"})",
       "failed to call webhook: no kind \"AdmissionReview\" is registered for version "
       "\"admission.k8s.io/v2\" in scheme "},
      {R"({"response":{"uid":"UID","allowed":true}})",
       "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind="},
      {kHead + R"("response":{"uid":"UID","allowed":"yes"}})",
       "failed to call webhook: json: cannot unmarshal string into Go struct field "
       "AdmissionResponse.response.allowed of type bool"},
      {kPatched + R"("***"}})", "failed to call webhook: illegal base64 data at input byte 0"},
      {kPatched + R"("aGVsbG8=","patchType":"JSONPatch"}})",
       "received undecodable patch in webhook response: invalid character 'h' looking for "
       "beginning of value"},
      {kPatched + R"("e30=","patchType":"JSONPatch"}})",
       "received undecodable patch in webhook response: json: cannot unmarshal object into Go "
       "value of type jsonpatch.Patch"},
      {kPatched + R"("W3sib3AiOiJ0ZXN0In1d","patchType":"Merge"}})",
       "unsupported patch type \"Merge\""},
  };
  for (const auto& [said, failure] : rows) {
    answer = said;
    EXPECT_THAT(map("m")->message(), HasSubstr("failed calling webhook \"m.example.com\": "))
        << said;
    EXPECT_THAT(map("m")->message(), HasSubstr(failure)) << said;
  }
  // Where failures are ignored, these are.
  client_.hooks["https://hook/m"] = allow;
  client_.hooks["https://hook/open"] = speak;
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    answer = rows[i].first;
    EXPECT_EQ(map("n" + std::to_string(i))->status, 201) << rows[i].first;
  }
}

TEST_F(WebhooksTest, DoNotMakeAnObjectAnother) {
  start(client_);
  hook("mutating", "m");
  std::string patch;
  client_.hooks["https://hook/m"] = [&](const api::Value& request) {
    return response(request,
                    R"("allowed":true,"warnings":["seen","","a\nb"],"patchType":"JSONPatch",)"
                    R"("patch":")" +
                        base64_encode(patch) + "\"");
  };
  patch = R"([{"op":"replace","path":"/kind","value":"Secret"}])";
  EXPECT_EQ(map("a")->status, 500);
  EXPECT_EQ(map("a")->message(), "converting (v1.Secret) to (core.ConfigMap): unknown conversion");
  patch = R"([{"op":"replace","path":"/metadata/namespace","value":"kube-system"}])";
  EXPECT_EQ(map("a")->status, 400);
  patch = R"([{"op":"add","path":"/data","value":{"a":1}}])";
  EXPECT_EQ(map("a")->message(),
            "Internal error occurred: json: cannot unmarshal number into Go struct field "
            "ConfigMap.data of type string");
  patch = "[]";
  const auto made = map("a");
  EXPECT_EQ(made->status, 201);
  EXPECT_THAT(made->headers.get_all("warning"), ::testing::ElementsAre(R"(299 - "seen")"));
}

TEST_F(WebhooksTest, AreAskedAboutWhatTheyWant) {
  start(client_);
  client_.hooks["https://hook/v"] = allow;
  hook("validating", "v",
       R"(,"objectSelector":{"matchLabels":{"look":"yes"}},)"
       R"("namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"default"}},)"
       R"("matchConditions":[{"name":"c","expression":"object.metadata.name != 'quiet'"}])");
  const std::string kMaps = "/api/v1/namespaces/default/configmaps";
  const auto labelled = [&](const std::string& name) {
    return R"({"metadata":{"name":")" + name + R"(","labels":{"look":"yes"}}})";
  };
  map("plain");
  EXPECT_EQ(client_.seen.size(), 0u);
  call("POST", kMaps, labelled("quiet"));
  EXPECT_EQ(client_.seen.size(), 0u);
  call("POST", "/api/v1/namespaces/kube-public/configmaps", labelled("elsewhere"));
  EXPECT_EQ(client_.seen.size(), 0u);
  EXPECT_EQ(call("POST", kMaps, labelled("loud"))->status, 201);
  EXPECT_EQ(client_.seen.size(), 1u);
  // The old object counts, too.
  EXPECT_EQ(call("PATCH", kMaps + "/loud", R"({"metadata":{"labels":null}})")->status, 200);
  ASSERT_EQ(client_.seen.size(), 2u);
  EXPECT_THAT(client_.seen[1].review, HasSubstr(R"("operation":"UPDATE")"));
  EXPECT_THAT(client_.seen[1].review, HasSubstr(R"("kind":"UpdateOptions")"));
}

TEST_F(WebhooksTest, SeeTheVersionThatTheyName) {
  start(client_);
  client_.hooks["https://hook/v"] = allow;
  const std::string kRules = R"("apiGroups":["autoscaling"],"apiVersions":["v1"],)"
                             R"("resources":["horizontalpodautoscalers"],"operations":["CREATE"])";
  hook("validating", "v", "", kRules);
  const auto make = [&](const std::string& name) {
    return call("POST", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
                R"({"metadata":{"name":")" + name +
                    R"("},"spec":{"maxReplicas":3,"scaleTargetRef":{"kind":"Deployment",)"
                    R"("name":"d","apiVersion":"apps/v1"},"metrics":[{"type":"Resource",)"
                    R"("resource":{"name":"cpu","target":{"type":"Utilization",)"
                    R"("averageUtilization":70}}}]}})");
  };
  EXPECT_EQ(make("a")->status, 201);
  ASSERT_EQ(client_.seen.size(), 1u);
  EXPECT_THAT(client_.seen[0].review, HasSubstr(R"("targetCPUUtilizationPercentage":70)"));
  EXPECT_THAT(client_.seen[0].review,
              HasSubstr(R"("requestKind":{"group":"autoscaling","version":"v2",)"));
  call("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v");
  hook("validating", "w", R"(,"matchPolicy":"Exact")", kRules);
  EXPECT_EQ(make("b")->status, 201);
  EXPECT_EQ(client_.seen.size(), 1u);
}

// A hook may turn one question into another: what is answered is what admission left.
TEST_F(WebhooksTest, AreAskedAboutReviews) {
  start(client_);
  client_.hooks["https://hook/m"] = [](const api::Value& request) {
    const std::string patch =
        R"([{"op":"replace","path":"/spec/user","value":"system:kube-scheduler"}])";
    return response(request, R"("allowed":true,"patchType":"JSONPatch","patch":")" +
                                 base64_encode(patch) + "\"");
  };
  hook("mutating", "m", "",
       R"("apiGroups":["authorization.k8s.io"],"apiVersions":["v1"],)"
       R"("resources":["subjectaccessreviews"],"operations":["CREATE"])");
  const auto answer = call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                           R"({"spec":{"user":"jane","resourceAttributes":{"verb":"list",)"
                           R"("resource":"nodes"}}})");
  EXPECT_EQ(answer->status, 201) << answer->body;
  EXPECT_THAT(answer->body, HasSubstr(R"("allowed":true)"));
  EXPECT_THAT(answer->body, HasSubstr(R"("user":"system:kube-scheduler")"));
  ASSERT_EQ(client_.seen.size(), 1u);
  EXPECT_THAT(client_.seen[0].review, HasSubstr(R"("resource":{"group":"authorization.k8s.io",)"
                                                R"("version":"v1","resource":)"
                                                R"("subjectaccessreviews"})"));
}

TEST_F(WebhooksTest, MayRefuseTokens) {
  start(client_);
  client_.hooks["https://hook/v"] = [](const api::Value& request) {
    return response(request, R"("allowed":false,"status":{"message":"no tokens today"})");
  };
  hook("validating", "v", "",
       R"("apiGroups":["","authentication.k8s.io"],"apiVersions":["v1"],)"
       R"("resources":["serviceaccounts/token","tokenreviews"],"operations":["CREATE"])");
  ASSERT_EQ(
      call("POST", "/api/v1/namespaces/default/serviceaccounts", R"({"metadata":{"name":"a"}})")
          ->status,
      201);
  const auto token = call("POST", "/api/v1/namespaces/default/serviceaccounts/a/token", "{}");
  EXPECT_EQ(token->status, 400) << token->body;
  EXPECT_THAT(token->body, HasSubstr("denied the request: no tokens today"));
  ASSERT_EQ(client_.seen.size(), 1u);
  EXPECT_THAT(client_.seen[0].review,
              HasSubstr(R"("kind":{"group":"authentication.k8s.io","version":"v1",)"
                        R"("kind":"TokenRequest"})"));
  const auto review =
      call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", R"({"spec":{"token":"x"}})");
  EXPECT_EQ(review->status, 400) << review->body;
  EXPECT_EQ(client_.seen.size(), 2u);
}

TEST_F(WebhooksTest, AreAskedAgainAboutWhatOthersChanged) {
  start(client_);
  client_.hooks["https://hook/a"] = allow;
  client_.hooks["https://hook/b"] = adds("late");
  hook("mutating", "a", R"(,"reinvocationPolicy":"IfNeeded")");
  hook("mutating", "b");
  EXPECT_EQ(map("m", R"({"own":"1"})")->status, 201);
  ASSERT_EQ(client_.seen.size(), 3u);
  EXPECT_EQ(client_.seen[2].url, "https://hook/a?timeout=10s");
  EXPECT_THAT(client_.seen[2].review, HasSubstr(R"("late":"yes")"));
}

TEST_F(WebhooksTest, WithSideEffectsAreNotAskedInADryRun) {
  start(client_);
  call("POST", "/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations",
       R"({"metadata":{"name":"v"},"webhooks":[{"name":"v.example.com","clientConfig":)"
       R"({"url":"https://hook/v"},"rules":[{"apiGroups":[""],"apiVersions":["v1"],)"
       R"("resources":["configmaps"],"operations":["*"]}],"failurePolicy":"Ignore"}]})");
  const auto refused = map("m", "{}", "?dryRun=All");
  EXPECT_EQ(refused->status, 400);
  EXPECT_EQ(refused->message(), "admission webhook \"v.example.com\" does not support dry run");
}

TEST_F(WebhooksTest, AreNotAskedAboutThemselves) {
  start(client_);
  hook("validating", "v", "",
       R"("apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"],"operations":["*"])");
  EXPECT_EQ(
      call("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v")
          ->status,
      200);
  EXPECT_TRUE(client_.seen.empty());
}

TEST_F(WebhooksTest, MayRefuseDeletionsAndEvictions) {
  start(client_);
  client_.hooks["https://hook/v"] = [](const api::Value& request) {
    return response(request,
                    R"("allowed":)" +
                        std::string(request.string_at("operation") == "DELETE" ? "false" : "true"));
  };
  hook("validating", "v");
  EXPECT_EQ(map("m")->status, 201);
  EXPECT_EQ(call("DELETE", "/api/v1/namespaces/default/configmaps/m")->status, 400);
  ASSERT_EQ(client_.seen.size(), 2u);
  EXPECT_THAT(client_.seen[1].review, HasSubstr(R"("object":null)"));
  EXPECT_THAT(client_.seen[1].review, HasSubstr(R"("kind":"DeleteOptions")"));
}

TEST_F(WebhooksTest, SeeAScaleAndMayChangeIt) {
  start(client_);
  client_.hooks["https://hook/s"] = [](const api::Value& request) {
    return response(request,
                    R"("allowed":true,"patchType":"JSONPatch","patch":")" +
                        base64_encode(R"([{"op":"replace","path":"/spec/replicas","value":2}])") +
                        "\"");
  };
  hook("mutating", "s", "",
       R"("apiGroups":["apps"],"apiVersions":["v1"],"resources":["deployments/scale"],)"
       R"("operations":["UPDATE"])");
  const std::string kDeployments = "/apis/apps/v1/namespaces/default/deployments";
  const auto made = call("POST", kDeployments,
                         R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},)"
                         R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":)"
                         R"([{"name":"c","image":"i"}]}}}})");
  ASSERT_EQ(made->status, 201) << made->body;
  const auto scaled = call("PATCH", kDeployments + "/d/scale", R"({"spec":{"replicas":7}})");
  EXPECT_EQ(scaled->status, 200) << scaled->body;
  EXPECT_EQ(scaled->at("spec", "replicas"), "2");
  ASSERT_EQ(client_.seen.size(), 1u);
  EXPECT_THAT(client_.seen[0].review,
              HasSubstr(R"("kind":{"group":"autoscaling","version":"v1","kind":"Scale"})"));
  EXPECT_THAT(client_.seen[0].review, HasSubstr(R"("subResource":"scale")"));
  EXPECT_THAT(client_.seen[0].review, HasSubstr(R"("replicas":7)"));
}

// A whole way: TLS, a certificate that is checked, an answer from another thread.
TEST_F(WebhooksTest, AreToldWhoAsks) {
  const store::testing::ScratchDirectory scratch;
  const std::string users = scratch.path() + "/users.yaml", file = scratch.path() + "/admission";
  ASSERT_TRUE(io::write_file(users, R"(
apiVersion: v1
kind: Config
users:
- {name: "hook.example.com:8443", user: {token: with-port}}
- {name: hook.example.com, user: {token: without-port}}
- {name: "*.example.com", user: {username: u, password: p}}
- {name: "*", user: {token: all}}
)"));
  const auto identities = WebhookIdentities::read(users);
  ASSERT_TRUE(identities) << identities.error().message;
  const auto as = [&](const char* host, int port) {
    WebhookTargetOptions options;
    identities->identify(host, port, options);
    return options.bearer_token + options.user_name;
  };
  EXPECT_EQ(as("hook.example.com", 8443), "with-port");
  EXPECT_EQ(as("hook.example.com", 443), "without-port");
  EXPECT_EQ(as("a.b.example.com", 443), "u");
  EXPECT_EQ(as("a.b.example.com", 80), "all");
  EXPECT_EQ(as("other", 443), "all");
  const auto write = [&](const std::string& kind, const std::string& path) {
    ASSERT_TRUE(io::write_file(
        file, "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n" +
                  std::string("- name: MutatingAdmissionWebhook\n  configuration: {apiVersion: ") +
                  "apiserver.config.k8s.io/" + kind + ", kubeConfigFile: " + path + "}\n"));
  };
  configuration_file_ = file;
  write("v1, kind: WebhookAdmissionConfiguration", users);
  start(client_);
  hook("mutating", "m");
  client_.hooks["https://hook/m"] = allow;
  EXPECT_EQ(map("m")->status, 201);
  ASSERT_EQ(client_.seen.size(), 1U);
  EXPECT_EQ(client_.seen[0].authorization, "Bearer all");
}

TEST_F(WebhooksTest, AreCalledOverTls) {
  struct Hook final : net::Handler {
    void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
      api::Arena arena;
      const auto review = api::parse_json(arena, request.body);
      exchange->respond(200, {}, adds("tls")(*review->find("request")));
    }
  } handler;
  net::ServerOptions options;
  options.handler = &handler;
  options.tls = net::testing::test_tls();
  auto hooks = net::Server::create(std::move(options)).value();
  auto client = WebhookClient::create();
  start(*client);
  const auto made =
      call("POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
           R"({"metadata":{"name":"m"},"webhooks":[{"name":"m.example.com","sideEffects":"None",)"
           R"("admissionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:)" +
               std::to_string(hooks->port()) + R"(/x","caBundle":")" +
               base64_encode(net::testing::test_certificates().authority.certificate_pem) +
               R"("},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],)"
               R"("operations":["CREATE"]}]}]})");
  ASSERT_EQ(made->status, 201) << made->body;
  const auto answer = std::make_shared<testing::AwaitedAnswer>();
  server_->handle(request("POST", "/api/v1/namespaces/default/configmaps",
                          R"({"metadata":{"name":"m"},"data":{"own":"1"}})"),
                  answer);
  answer->wait();
  EXPECT_EQ(answer->status, 201) << answer->body;
  EXPECT_THAT(answer->body, HasSubstr(R"("tls":"yes")"));
  client.reset();
}

}  // namespace
}  // namespace pinnace::apiserver

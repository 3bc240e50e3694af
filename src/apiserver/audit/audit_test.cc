// The audit log: what a policy decides, what stands in a line, and how the file turns over.
#include <gtest/gtest.h>

#include <filesystem>

#include "apiserver/audit/auditor.h"
#include "apiserver/audit/log_file.h"
#include "apiserver/audit/webhook_sink.h"
#include "apiserver/testing.h"
#include "io/files.h"
#include "net/x509.h"
#include "store/test_support.h"

namespace pinnace::apiserver::audit {
namespace {

using apiserver::testing::Caller;
using apiserver::testing::TestServer;
using store::testing::ScratchDirectory;

std::string policy_text(std::string_view rules) {
  return "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n" + std::string(rules) + "\n";
}

RequestInfo resource_info(std::string verb, std::string group, std::string resource,
                          std::string ns = "default", std::string name = "", std::string sub = "") {
  RequestInfo info;
  info.is_resource = true;
  info.verb = std::move(verb);
  info.group = std::move(group);
  info.resource = std::move(resource);
  info.ns = std::move(ns);
  info.name = std::move(name);
  info.subresource = std::move(sub);
  return info;
}

TEST(AuditPolicy, TheFirstRuleThatMatchesDecides) {
  const auto policy = parse_policy(policy_text(R"(
- {level: None, users: [robot]}
- {level: Request, userGroups: [admins], verbs: [delete]}
- {level: RequestResponse, resources: [{group: "", resources: ["pods/*"]}]}
- {level: Request, resources: [{group: "", resources: ["*/status"]}, {group: apps}]}
- {level: Metadata, resources: [{group: "", resources: [secrets], resourceNames: [a]}]}
- {level: Metadata, namespaces: [kube-system]}
- {level: Request, nonResourceURLs: ["/metrics*"], omitStages: [RequestReceived]}
)"))
                          .value();
  const auto level = [&](const RequestInfo& info, User user = {}) {
    return policy.evaluate(user, info).level;
  };
  EXPECT_EQ(level(resource_info("get", "", "pods"), {"robot", "", {}, {}}), Level::kNone);
  EXPECT_EQ(level(resource_info("delete", "x", "y"), {"u", "", {"admins"}, {}}), Level::kRequest);
  EXPECT_EQ(level(resource_info("get", "", "pods", "d", "a", "log")), Level::kRequestResponse);
  EXPECT_EQ(level(resource_info("update", "", "nodes", "", "n", "status")), Level::kRequest);
  EXPECT_EQ(level(resource_info("get", "apps", "deployments")), Level::kRequest);
  EXPECT_EQ(level(resource_info("get", "", "secrets", "d", "a")), Level::kMetadata);
  EXPECT_EQ(level(resource_info("get", "", "secrets", "d", "b")), Level::kNone);
  EXPECT_EQ(level(resource_info("get", "", "services", "kube-system")), Level::kMetadata);
  RequestInfo url;
  url.path = "/metrics/slis";
  EXPECT_EQ(level(url), Level::kRequest);
  EXPECT_TRUE(policy.evaluate({}, url).omits(Stage::kRequestReceived));
  url.path = "/other";
  EXPECT_EQ(level(url), Level::kNone);
}

TEST(AuditPolicy, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"kind: Pod", "an audit policy is a Policy of audit.k8s.io/v1"},
      {"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []",
       "loaded illegal policy with 0 rules"},
      {policy_text("- {level: Loud}"), "rules[0].level: Unsupported value: \"Loud\""},
      {policy_text("- {}"), "rules[0].level: Required value"},
      {policy_text("- {level: None, omitStages: [Never]}"),
       "rules[0].omitStages[0]: Unsupported value: \"Never\""},
      {policy_text("- {level: None, nonResourceURLs: [metrics]}"),
       "non-resource URL rules must begin with a '/' character"},
      {policy_text("- {level: None, nonResourceURLs: ['/a*b']}"),
       "wildcards '*' must be the final character"},
      {policy_text("- {level: None, namespaces: [a], nonResourceURLs: ['/a']}"),
       "rules cannot apply to both regular resources and non-resource URLs"},
      {policy_text("- {level: None, resources: [{resourceNames: [a]}]}"),
       "using resourceNames requires at least one resource"},
      {policy_text("- {level: None, colour: blue}"), "rules[0].colour: Forbidden: unknown field"},
      {policy_text("- Metadata"), "rules[0]: Invalid value: \"Metadata\": must be an object"},
      {policy_text("- {level: None, resources: pods}"),
       "rules[0].resources: Invalid value: \"pods\": must be a list of resources"},
      {policy_text("- {level: None, resources: [pods]}"),
       "rules[0].resources[0]: Invalid value: \"pods\": must be an object"},
      {"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: {level: None}",
       "rules: Invalid value: {\"level\":\"None\"}: must be a list of rules"},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_policy(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().message.find(expected), std::string::npos) << parsed.error().message;
  }
}

class AuditLog : public ::testing::Test {
 protected:
  void start(std::string_view rules) {
    server_->configuration.audit.policy_text = policy_text(rules);
    server_->configuration.audit.log_path = path_;
  }
  // The lines that are there once the server has gone.
  std::vector<std::string> lines() {
    server_.reset();
    std::vector<std::string> out;
    const std::string text = io::read_file(path_).value();
    for (const auto line : split(text, '\n')) {
      if (!line.empty()) out.emplace_back(line);
    }
    return out;
  }
  ScratchDirectory scratch_;
  const std::string path_ = scratch_.path() + "/audit.log";
  std::unique_ptr<TestServer> server_ = std::make_unique<TestServer>();
};

constexpr std::string_view kSecret =
    R"({"metadata":{"name":"s"},"stringData":{"password":"open sesame"}})";
constexpr std::string_view kSecrets = "/api/v1/namespaces/default/secrets";

TEST_F(AuditLog, MetadataSaysWhoDidWhatAndNoSecret) {
  start("- {level: Metadata, resources: [{group: '', resources: [secrets]}]}");
  const auto made = server_->call_as({}, "POST", kSecrets, kSecret);
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_NE(made->headers.get("audit-id"), "");
  server_->call_as({}, "GET", "/api/v1/namespaces/default/configmaps");
  const auto written = lines();
  ASSERT_EQ(written.size(), 2u);  // RequestReceived and ResponseComplete.
  for (const std::string_view expected :
       {R"("level":"Metadata")", R"("stage":"ResponseComplete")", R"("verb":"create")",
        R"("username":"admin")", R"("resource":"secrets","namespace":"default","name":"s")",
        R"("code":201)", R"("authorization.k8s.io/decision":"allow")"}) {
    EXPECT_NE(written[1].find(expected), std::string::npos) << expected << "\n" << written[1];
  }
  EXPECT_EQ((written[0] + written[1]).find("sesame"), std::string::npos);
  EXPECT_EQ((written[0] + written[1]).find(base64_encode("open sesame")), std::string::npos);
}

TEST_F(AuditLog, BodiesStandThereWhenThePolicyAsksForThem) {
  start("- {level: RequestResponse, omitStages: [RequestReceived]}");
  server_->call_as({}, "POST", kSecrets, kSecret);
  const auto written = lines();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_NE(written[0].find(R"("requestObject":{"kind":"Secret","apiVersion":"v1","metadata":)"
                            R"({"name":"s"},"data":{"password":"b3BlbiBzZXNhbWU="},)"),
            std::string::npos)
      << written[0];
  EXPECT_NE(written[0].find("\"responseObject\":{"), std::string::npos);
  api::Arena arena;
  EXPECT_TRUE(api::parse_json(arena, written[0]).has_value());
}

TEST_F(AuditLog, WhatIsAskedForStandsThereAsTheHandlerReadIt) {
  start("- {level: Request, omitStages: [RequestReceived]}");
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  server_->post("/api/v1/namespaces/default/services",
                R"({"metadata":{"name":"Bad"},"spec":{"clusterIP":"None"}})");
  server_->post(maps, R"({"metadata":{"name":"m"}})");
  server_->merge(maps + "/m", R"({"data":{"a":"b"}})");
  server_->put(maps + "/m", R"({"metadata":{"name":"m","resourceVersion":"1"}})");
  server_->remove(maps + "/m", R"({"gracePeriodSeconds":3})");
  server_->call_as({"mallory", {}}, "POST", maps, R"({"metadata":{"name":"x"}})");
  server_->post(maps, "{");
  const auto written = lines();
  ASSERT_EQ(written.size(), 7u);
  const auto shows = [&](std::size_t line, std::string_view expected) {
    EXPECT_NE(written[line].find(expected), std::string::npos) << expected << "\n" << written[line];
  };
  // With defaults; and named by its body, although it is refused.
  shows(0, R"("resource":"services","namespace":"default","name":"Bad")");
  shows(0, R"("sessionAffinity":"None")");
  shows(2, R"("requestObject":{"data":{"a":"b"}})");
  shows(3, R"("name":"m","apiVersion":"v1","resourceVersion":"1")");
  shows(4, R"("kind":"DeleteOptions","apiVersion":"meta.k8s.io/__internal")");
  // Nobody has read what may not be done, or is no object.
  EXPECT_EQ(written[5].find("requestObject"), std::string::npos) << written[5];
  EXPECT_EQ(written[6].find("requestObject"), std::string::npos) << written[6];
}

TEST_F(AuditLog, OnlyOfWhatLastsItStandsThereThatTheAnswerBegan) {
  start("- {level: Metadata, omitStages: [RequestReceived]}");
  for (const char* target : {"/api/v1/configmaps", "/api/v1/configmaps?watch=1&timeoutSeconds=-1",
                             "/api/v1/namespaces/default/pods/none/log"}) {
    server_->get(target)->close();
  }
  std::string stages;
  for (const std::string& line : lines()) {
    const auto at = line.find("\"stage\":\"") + 9;
    stages += line.substr(at, line.find('"', at) - at) + " ";
  }
  EXPECT_EQ(stages,
            "ResponseComplete ResponseStarted ResponseComplete ResponseStarted ResponseComplete ");
}

TEST_F(AuditLog, WhereARequestCameFromIsAddressesAlone) {
  start("- {level: Metadata, omitStages: [RequestReceived]}");
  net::Request request = testing::request_of({}, "GET", "/api/v1/configmaps");
  request.headers.set("x-forwarded-for", "10.1.2.3, unknown ,2001:DB8::1");
  request.headers.set("x-real-ip", "10.9.9.9");
  request.peer.address = "192.0.2.1";
  server_->call(std::move(request));
  const std::string line = lines().back();
  EXPECT_NE(line.find(R"("sourceIPs":["10.1.2.3","2001:db8::1","10.9.9.9","192.0.2.1"])"),
            std::string::npos)
      << line;
}

TEST_F(AuditLog, RefusalsAreWrittenDownToo) {
  start("- {level: Metadata, omitStages: [RequestReceived]}");
  EXPECT_EQ(server_->call_as({"mallory", {}}, "GET", kSecrets)->status, 403);
  const auto written = lines();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_NE(written[0].find(R"("authorization.k8s.io/decision":"forbid")"), std::string::npos);
  EXPECT_NE(written[0].find(R"("reason":"Forbidden","details":{"kind":"secrets"},"code":403)"),
            std::string::npos)
      << written[0];
}

TEST_F(AuditLog, TokensAreToldOfWhenTheyAreMadeAndWhenTheyAreOld) {
  start("- {level: Metadata, omitStages: [RequestReceived]}");
  server_->key_pem = net::make_ec_key()->private_key_pem;
  server_->make_service_account("default");
  const std::string ns = "/api/v1/namespaces/default/";
  server_->post(ns + "pods", R"({"metadata":{"name":"p"},"spec":{"containers":[)"
                             R"({"name":"c","image":"i"}]}})");
  const auto made = server_->post(ns + "serviceaccounts/default/token",
                                  R"({"spec":{"expirationSeconds":3607,"boundObjectRef":{)"
                                  R"("apiVersion":"v1","kind":"Pod","name":"p"}}})");
  ASSERT_EQ(made->status, 201) << made->body;
  server_->executor().advance(std::chrono::seconds(3617));
  net::Request request;
  request.method = "GET";
  request.target = request.path = "/api";
  request.headers.set("authorization", "Bearer " + made->at("status", "token"));
  server_->server().handle(std::move(request), std::make_shared<testing::Answer>());
  const auto written = lines();
  EXPECT_NE(written[written.size() - 2].find(
                R"("authentication.kubernetes.io/issued-credential-id":"JTI=)"),
            std::string::npos)
      << written[written.size() - 2];
  EXPECT_NE(written.back().find(
                R"("authentication.k8s.io/stale-token":"subject: system:serviceaccount:default:)"
                R"(default, seconds after warning threshold: 10")"),
            std::string::npos)
      << written.back();
}

TEST_F(AuditLog, OfWhoIsNotKnownOnlyTheAnswerStandsThere) {
  start("- {level: Request}");
  net::Request request;
  request.method = "POST";
  request.target = request.path = kSecrets;
  request.body = kSecret;
  request.headers.set("authorization", "Bearer none");
  const auto answer = std::make_shared<testing::Answer>();
  server_->server().handle(std::move(request), answer);
  EXPECT_EQ(answer->status, 401);
  const auto written = lines();
  ASSERT_EQ(written.size(), 1u);
  for (const std::string_view expected :
       {R"("stage":"ResponseStarted")", R"("user":{},)",
        R"("status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401)"}) {
    EXPECT_NE(written[0].find(expected), std::string::npos) << expected << "\n" << written[0];
  }
  EXPECT_EQ(written[0].find("requestObject"), std::string::npos);
}

TEST_F(AuditLog, WhatWasAnsweredStandsThereIfItIsAStatusToo) {
  start("- {level: RequestResponse, omitStages: [RequestReceived]}");
  EXPECT_EQ(server_->call_as({}, "GET", std::string(kSecrets) + "/none")->status, 404);
  const auto written = lines();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_NE(written[0].find(R"("responseObject":{"kind":"Status","apiVersion":"v1",)"),
            std::string::npos)
      << written[0];
}

TEST_F(AuditLog, SaysWhatThePodSecurityStandardsAndPoliciesMadeOfIt) {
  start(
      "- {level: Metadata, verbs: [create], resources: [{resources: [pods, configmaps]}], "
      "omitStages: [RequestReceived]}");
  server_->make_service_account("default");
  server_->merge("/api/v1/namespaces/default",
                 R"({"metadata":{"labels":{"pod-security.kubernetes.io/audit":"restricted"}}})");
  const std::string policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic";
  const auto made = server_->post(
      policies + "ies",
      R"({"metadata":{"name":"p.example.com"},"spec":{"matchConstraints":{"resourceRules":[)"
      R"({"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],)"
      R"("operations":["CREATE"]}]},"validations":[{"expression":"false","message":"no"}],)"
      R"("auditAnnotations":[{"key":"named","valueExpression":"'it is ' + object.metadata.name"},)"
      R"({"key":"silent","valueExpression":"null"}]}})");
  ASSERT_EQ(made->status, 201) << made->body;
  server_->post(policies + "ybindings",
                R"({"metadata":{"name":"b"},"spec":{"policyName":"p.example.com",)"
                R"("validationActions":["Audit"]}})");
  EXPECT_EQ(server_
                ->post("/api/v1/namespaces/default/pods",
                       R"({"metadata":{"name":"p"},"spec":{"containers":[)"
                       R"({"name":"c","image":"i"}]}})")
                ->status,
            201);
  EXPECT_EQ(server_->post("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"m"}})")
                ->status,
            201);
  const auto written = lines();
  ASSERT_EQ(written.size(), 2u);
  for (const std::string_view expected :
       {R"("pod-security.kubernetes.io/enforce-policy":"privileged:latest")",
        R"("pod-security.kubernetes.io/audit-violations":"would violate PodSecurity )"}) {
    EXPECT_NE(written[0].find(expected), std::string::npos) << written[0];
  }
  for (const std::string_view expected :
       {R"("p.example.com/named":"it is m")",
        R"("validation.policy.admission.k8s.io/validation_failure":"[{\"message\":\"no\",)"
        R"(\"policy\":\"p.example.com\",\"binding\":\"b\",\"expressionIndex\":0,)"
        R"(\"validationActions\":[\"Audit\"]}]")"}) {
    EXPECT_NE(written[1].find(expected), std::string::npos) << written[1];
  }
  EXPECT_EQ(written[1].find("silent"), std::string::npos);
}

TEST_F(AuditLog, ABlockingLogHoldsTheAnswerUntilTheLineIsWritten) {
  start("- {level: Metadata, resources: [{resources: [secrets]}]}");
  server_->configuration.audit.log_mode = AuditMode::kBlockingStrict;
  const auto answer = std::make_shared<testing::AwaitedAnswer>();
  net::Request request = server_->request("POST", kSecrets);
  request.body = kSecret;
  request.headers.set("content-type", "application/json");
  server_->server().handle(std::move(request), answer);
  answer->wait();
  EXPECT_EQ(answer->status, 201);
  const std::string text = io::read_file(path_).value();
  EXPECT_NE(text.find(R"("stage":"RequestReceived")"), std::string::npos);
  EXPECT_NE(text.find(R"("stage":"ResponseComplete")"), std::string::npos);
}

// Keeps what it is sent; answers when it is told to.
class HeldClient final : public WebhookClient {
 public:
  void send(const WebhookTargetRef&, WebhookRequest request, WebhookDone done) override {
    requests.push_back(std::move(request));
    waiting.push_back(std::move(done));
  }
  void answer(std::size_t at, int status) { waiting[at](WebhookAnswer{status, {}, ""}); }
  std::vector<WebhookRequest> requests;
  std::vector<WebhookDone> waiting;
};

class AuditWebhook : public ::testing::Test {
 protected:
  std::unique_ptr<WebhookSink> make(AuditBatch batch, AuditLimits limits = {}) {
    return std::make_unique<WebhookSink>(
        WebhookSink::Options{.client = client_,
                             .target = WebhookTarget::create({.url = "https://sink/"}).value(),
                             .batch = batch,
                             .limits = limits,
                             .initial_backoff = std::chrono::seconds(10),
                             .executor = executor_,
                             .rng = *rng_,
                             .dropped = dropped_});
  }
  static Event event(const std::string& id) {
    Event made;
    made.id = id;
    return made;
  }
  io::SimExecutor executor_;
  std::unique_ptr<Rng> rng_ = seeded_rng(1);
  HeldClient client_;
  metrics::Series dropped_;
};

TEST_F(AuditWebhook, SendsManyTogetherOrWhatHasWaitedLongEnough) {
  const auto sink = make({.max_events = 2, .max_wait = std::chrono::seconds(30)});
  sink->add(event("a"), nullptr);
  EXPECT_TRUE(client_.requests.empty());
  sink->add(event("b"), nullptr);
  ASSERT_EQ(client_.requests.size(), 1u);
  const std::string& body = client_.requests[0].body;
  EXPECT_TRUE(body.starts_with(R"({"kind":"EventList","apiVersion":"audit.k8s.io/v1",)")) << body;
  EXPECT_NE(body.find(R"("auditID":"a")"), std::string::npos);
  EXPECT_NE(body.find(R"("auditID":"b")"), std::string::npos);
  sink->add(event("c"), nullptr);
  executor_.advance(std::chrono::seconds(31));
  EXPECT_EQ(client_.requests.size(), 2u);
}

TEST_F(AuditWebhook, IsThrottledAndDropsWhatItCannotKeep) {
  const auto sink = make({.buffer_events = 3,
                          .max_events = 1,
                          .throttles = true,
                          .batches_per_second = 1,
                          .burst = 1});
  for (const char* id : {"a", "b", "c", "d", "e"}) sink->add(event(id), nullptr);
  EXPECT_EQ(client_.requests.size(), 1u);
  EXPECT_EQ(dropped_.value(), 1);
  executor_.advance(std::chrono::milliseconds(1100));
  EXPECT_EQ(client_.requests.size(), 2u);
  sink->drain({});
  EXPECT_EQ(client_.requests.size(), 4u);
}

TEST_F(AuditWebhook, TellsWhoWaitsAndCountsWhatIsLost) {
  const auto sink = make({});
  std::optional<bool> first, second;
  sink->add(event("a"), [&](bool is_stored) { first = is_stored; });
  sink->add(event("b"), [&](bool is_stored) { second = is_stored; });
  EXPECT_FALSE(first);
  client_.answer(0, 200);
  client_.answer(1, 404);
  EXPECT_EQ(first, true);
  EXPECT_EQ(second, false);
  EXPECT_EQ(dropped_.value(), 1);
  EXPECT_EQ(client_.requests[0].attempts, WebhookSink::kAttempts);
}

TEST_F(AuditWebhook, TakesTheBodiesFromWhatIsTooLarge) {
  const auto sink = make({}, {.is_on = true, .max_event_bytes = 1000});
  Event large = event("a");
  large.level = Level::kRequest;
  large.request_object = '"' + std::string(2000, 'x') + '"';
  sink->add(large, [](bool) {});
  ASSERT_EQ(client_.requests.size(), 1u);
  EXPECT_NE(client_.requests[0].body.find(R"("audit.k8s.io/truncated":"true")"), std::string::npos);
  EXPECT_EQ(client_.requests[0].body.find("requestObject"), std::string::npos);
}

// Only an event that may have bodies is made shorter; the others are too large or not.
TEST(AuditLimits, AreAboutTheJsonOfAnEvent) {
  const AuditLimits limits{.is_on = true, .max_event_bytes = 1000};
  Event large;
  large.uri = "/" + std::string(2000, 'x');
  large.level = Level::kMetadata;
  EXPECT_FALSE(limited_text(large, limits, legacy_line));
  Event with_body;
  with_body.level = Level::kRequestResponse;
  with_body.response_object = '"' + std::string(2000, 'x') + '"';
  const auto text = limited_text(with_body, limits, json_line);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("responseObject"), std::string::npos);
  EXPECT_TRUE(limited_text(with_body, {}, json_line)->find("responseObject") != std::string::npos);
}

TEST(AuditLimits, ThatContradictEachOtherAreRefused) {
  EXPECT_TRUE(check_limits({}, "log"));
  EXPECT_EQ(check_limits({.max_event_bytes = 0}, "log").error().message,
            "invalid audit truncate log max event size 0, must be a positive number");
  EXPECT_EQ(check_limits({.max_event_bytes = 20, .max_batch_bytes = 10}, "webhook").error().message,
            "invalid audit truncate webhook max batch size 10, must be greater than max event size "
            "(20)");
}

TEST(AuditLogFile, TurnsOverWhenItIsFullAndKeepsAFew) {
  const ScratchDirectory scratch;
  io::SimExecutor executor;
  {
    const auto log = LogFile::create({.path = scratch.path() + "/audit.log",
                                      .max_bytes = 100,
                                      .max_backups = 2,
                                      .compress = true,
                                      .clock = executor.clock()})
                         .value();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(log->add(std::string(59, 'x') + "\n"));
  }
  const auto names = io::list_directory(scratch.path()).value();
  std::size_t compressed = 0;
  for (const auto& name : names) compressed += name.ends_with(".log.gz") ? 1u : 0u;
  EXPECT_LE(compressed, 2u);
  EXPECT_GE(compressed, 1u);
  EXPECT_EQ(io::read_file(scratch.path() + "/audit.log")->size() % 60, 0u);
}

TEST(AuditLogFile, MoreThanMayWaitIsDropped) {
  const ScratchDirectory scratch;
  io::SimExecutor executor;
  const auto log =
      LogFile::create({.path = scratch.path() + "/audit.log", .clock = executor.clock()}).value();
  EXPECT_FALSE(log->add(std::string(LogFile::kMaxWaitingBytes + 1, 'x')));
}

}  // namespace
}  // namespace pinnace::apiserver::audit

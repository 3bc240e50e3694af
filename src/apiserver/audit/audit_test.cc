// The audit log: what a policy decides, what stands in a line, and how the file turns over.
#include <gtest/gtest.h>

#include <filesystem>

#include "apiserver/audit/auditor.h"
#include "apiserver/testing.h"
#include "io/files.h"
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
  EXPECT_NE(written[0].find(R"("requestObject":{"metadata":{"name":"s"},"stringData")"),
            std::string::npos);
  EXPECT_NE(written[0].find("\"responseObject\":{"), std::string::npos);
  api::Arena arena;
  EXPECT_TRUE(api::parse_json(arena, written[0]).has_value());
}

TEST_F(AuditLog, RefusalsAreWrittenDownToo) {
  start("- {level: Metadata, omitStages: [RequestReceived]}");
  EXPECT_EQ(server_->call_as({"mallory", {}}, "GET", kSecrets)->status, 403);
  const auto written = lines();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_NE(written[0].find(R"("authorization.k8s.io/decision":"forbid")"), std::string::npos);
  EXPECT_NE(written[0].find(R"("reason":"Forbidden")"), std::string::npos);
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

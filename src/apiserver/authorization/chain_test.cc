// The modes of authorisation and how they follow each other.
#include "apiserver/authorization/chain.h"

#include "apiserver/authorization/abac.h"
#include "apiserver/testing.h"
#include "apiserver/webhook/webhook_client.h"
#include "io/testing_directory.h"
#include "net/server.h"

namespace pinnace::apiserver {
namespace {

using testing::Caller;
using testing::TestServer;

const Caller kJane{"jane", {"devs"}};
const std::string kPods = "/api/v1/namespaces/default/pods";

std::string file_of(const std::string& name, const std::string& text) {
  static const io::testing::ScratchDirectory directory;
  return directory.write(name, text);
}

TEST(AuthorizerChain, AsksInOrderAndGathersReasons) {
  TestServer server;
  server.configuration.authorization.modes = {"AlwaysDeny", "ABAC", "RBAC"};
  server.configuration.authorization.policy_file = file_of("empty", "");
  const auto refused = server.call_as(kJane, "GET", kPods);
  EXPECT_EQ(refused->status, 403);
  EXPECT_NE(refused->message().find(": Everything is forbidden.\nNo policy matched."),
            std::string::npos)
      << refused->message();
  EXPECT_EQ(server.get(kPods)->status, 200);  // Of system:masters.
}

TEST(AuthorizerChain, AlwaysAllowAllows) {
  TestServer server;
  server.configuration.authorization.modes = {"AlwaysAllow"};
  EXPECT_EQ(server.call_as(kJane, "GET", "/api/v1/secrets")->status, 200);
}

TEST(AuthorizerChain, RefusesWhatItDoesNotKnow) {
  Configuration configuration;
  configuration.authorization.modes = {"Other"};
  EXPECT_EQ(authorizers_of(configuration).error().message,
            "authorization-mode \"Other\" is not a valid mode");
  configuration.authorization.modes = {"RBAC", "RBAC"};
  EXPECT_FALSE(authorizers_of(configuration));
  configuration.authorization.modes = {"Webhook"};
  EXPECT_FALSE(authorizers_of(configuration));
}

TEST(AuthorizationConfiguration, IsReadWithItsErrors) {
  const std::string head =
      "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n";
  const auto good = parse_authorization_config(head + R"(authorizers:
- type: Webhook
  name: first
  webhook:
    authorizedTTL: 1m
    unauthorizedTTL: 5s
    timeout: 3s
    subjectAccessReviewVersion: v1
    failurePolicy: Deny
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /x}
- type: RBAC
  name: rbac
)");
  ASSERT_TRUE(good) << good.error().message;
  ASSERT_EQ(good->size(), 2U);
  EXPECT_TRUE((*good)[0].webhook.denies_on_failure);
  EXPECT_EQ((*good)[0].webhook.authorized_ttl, std::chrono::minutes(1));
  EXPECT_EQ(parse_authorization_config(head + "authorizers: [{type: RBAC}]").error().message,
            "authorizers[0].name: Required value");
  EXPECT_FALSE(parse_authorization_config(head));
  EXPECT_FALSE(parse_authorization_config("kind: Other"));
  EXPECT_FALSE(parse_authorization_config(
      head + "authorizers: [{type: RBAC, name: a}, {type: RBAC, name: b}]"));
}

TEST(AuthorizationConfiguration, SaysWhatIsWrongInKubernetesWords) {
  const auto fault = [](const std::string& authorizer) {
    return parse_authorization_config(
               "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n"
               "authorizers: [{" +
               authorizer + "}]")
        .error()
        .message;
  };
  const auto webhook = [&](const std::string& rest) {
    return fault("type: Webhook, name: a, webhook: {" + rest + "}");
  };
  const std::string at = "authorizers[0].";
  EXPECT_EQ(fault("name: a"), at + "type: Required value");
  EXPECT_EQ(fault("type: Some, name: a"),
            at + "type: Unsupported value: \"Some\": supported values: \"ABAC\", \"AlwaysAllow\", "
                 "\"AlwaysDeny\", \"Node\", \"RBAC\", \"Webhook\"");
  EXPECT_EQ(fault("type: RBAC, name: A")
                .find(at + "name: Invalid value: \"A\": authorizer name is "
                           "invalid: a lowercase RFC 1123 subdomain"),
            0U);
  EXPECT_EQ(fault("type: RBAC, name: a, webhook: {}"),
            at + "webhook: Invalid value: \"non-null\": may only be specified when type=Webhook");
  EXPECT_EQ(fault("type: Webhook, name: a"),
            at + "webhook: Required value: required when type=Webhook");
  EXPECT_EQ(webhook("timeout: 31s"),
            at + "timeout: Invalid value: \"31s\": must be > 0s and <= 30s");
  const std::string good = "timeout: 3s, subjectAccessReviewVersion: v1, ";
  EXPECT_EQ(webhook(good + "failurePolicy: Ignore"),
            at + "failurePolicy: Unsupported value: \"Ignore\": supported values: \"NoOpinion\", "
                 "\"Deny\"");
  EXPECT_EQ(webhook(good + "failurePolicy: Deny, matchConditions: [{expression: 'true'}]"),
            at + "matchConditionSubjectAccessReviewVersion: Required value: required if match "
                 "conditions are specified");
  EXPECT_EQ(webhook(good + "failurePolicy: Deny, matchConditionSubjectAccessReviewVersion: v1, "
                           "matchConditions: [{expression: 'true'}, {expression: 'true'}]"),
            at + "matchConditions[1].expression: Duplicate value: \"true\"");
  EXPECT_EQ(webhook(good + "failurePolicy: Deny, connectionInfo: {type: KubeConfigFile, "
                           "kubeConfigFile: x}"),
            at + "connectionInfo.kubeConfigFile: Invalid value: \"x\": must be an absolute path");
}

TEST(Abac, FollowsItsPolicies) {
  const auto abac = Abac::parse(
      R"(# who may what
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"bob","namespace":"projectCaribou","resource":"pods","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"ops","namespace":"*","resource":"*","apiGroup":"*","nonResourcePath":"/logs/*"}}
{"user":"alice"}
)",
      "policies");
  ASSERT_TRUE(abac) << abac.error().message;
  const auto allows = [&](const User& user, const Attributes& wanted) {
    return (*abac)->allows(user, wanted);
  };
  const User bob{"bob", "", {}, {}}, op{"o", "", {"ops"}, {}}, alice{"alice", "", {}, {}};
  EXPECT_TRUE(allows(bob, {"get", true, "", "pods", "", "projectCaribou", "p", ""}));
  EXPECT_FALSE(allows(bob, {"create", true, "", "pods", "", "projectCaribou", "p", ""}));
  EXPECT_FALSE(allows(bob, {"get", true, "", "pods", "", "other", "p", ""}));
  EXPECT_FALSE(allows(bob, {"get", true, "apps", "pods", "", "projectCaribou", "p", ""}));
  EXPECT_TRUE(allows(op, {"delete", true, "apps", "deployments", "", "x", "p", ""}));
  EXPECT_TRUE(allows(op, {"get", false, "", "", "", "", "", "/logs/a"}));
  EXPECT_FALSE(allows(op, {"get", false, "", "", "", "", "", "/metrics"}));
  EXPECT_TRUE(allows(alice, {"delete", true, "x", "y", "", "z", "", ""}));
}

TEST(Abac, ListsRightsInTheirNamespace) {
  const auto abac = Abac::parse(
      R"({"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{)"
      R"("user":"bob","namespace":"a","resource":"pods","nonResourcePath":"/logs"}})",
      "policies");
  ASSERT_TRUE(abac) << abac.error().message;
  const auto count = [&](const std::string& ns) {
    RuleSet rules;
    (*abac)->list_rules({"bob", "", {}, {}}, ns, rules);
    return rules.rules.size();
  };
  EXPECT_EQ(count("a"), 2U);
  EXPECT_EQ(count("b"), 0U);
}

TEST(Abac, NamesTheLineThatIsWrong) {
  EXPECT_NE(Abac::parse("\n{\"a\"", "f").error().message.find("policy file f, line 2"),
            std::string::npos);
  EXPECT_FALSE(Abac::parse(R"({"apiVersion":"abac.authorization.kubernetes.io/v9"})", "f"));
}

// Answers SubjectAccessReviews: yes for jane, a denial for eve, nothing for others.
class Reviewer : public net::Handler {
 public:
  std::atomic<int> asked{0};
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    ++asked;
    const bool is_jane = request.body.find("\"user\":\"jane\"") != std::string::npos;
    const bool is_eve = request.body.find("\"user\":\"eve\"") != std::string::npos;
    net::Headers headers;
    headers.add("content-type", "application/json");
    exchange->respond(200, std::move(headers),
                      std::string(R"({"kind":"SubjectAccessReview","status":{"allowed":)") +
                          (is_jane ? "true" : "false") + ",\"denied\":" +
                          (is_eve ? "true" : "false") + ",\"reason\":\"the reviewer says so\"}}");
  }
};

class WebhookMode : public ::testing::Test {
 protected:
  WebhookMode() {
    net::ServerOptions options;
    options.handler = &reviewer_;
    options.threads = 1;
    webhook_ = std::move(net::Server::create(std::move(options)).value());
    auto& authorization = server_.configuration.authorization;
    authorization.modes = {"Webhook", "RBAC"};
    authorization.webhook_version = "v1";
    authorization.webhook_config_file =
        file_of("kubeconfig",
                "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                "clusters: [{name: k, cluster: {server: \"http://127.0.0.1:" +
                    std::to_string(webhook_->port()) + "/authorize\"}}]\n");
    server_.webhooks = client_.get();
  }
  testing::AnswerRef ask(const Caller& who, const std::string& path) {
    const auto answer = std::make_shared<testing::AwaitedAnswer>();
    server_.server().handle(request_of(who, "GET", path), answer);
    answer->wait();
    return answer;
  }

  Reviewer reviewer_;
  std::unique_ptr<net::Server> webhook_;
  TestServer server_;
  // Goes first: what it is about to answer still wants the server.
  std::unique_ptr<WebhookClient> client_ = WebhookClient::create();
};

TEST_F(WebhookMode, AnswersForOthersAndIsRemembered) {
  EXPECT_EQ(ask(kJane, kPods)->status, 200);
  EXPECT_EQ(reviewer_.asked, 1);
  EXPECT_EQ(server_.call_as(kJane, "GET", kPods)->status, 200);
  EXPECT_EQ(reviewer_.asked, 1);
  const auto denied = ask({"eve", {}}, kPods);
  EXPECT_EQ(denied->status, 403);
  EXPECT_NE(denied->message().find("the reviewer says so"), std::string::npos);
  server_.executor().advance(std::chrono::minutes(6));
  EXPECT_EQ(ask(kJane, kPods)->status, 200);
  EXPECT_EQ(reviewer_.asked, 3);
}

}  // namespace
}  // namespace pinnace::apiserver

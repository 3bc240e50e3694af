// Who a request is from: the methods of authentication, and acting as somebody else.
#include "apiserver/authentication/authenticator.h"

#include "apiserver/authentication/claim_mapping.h"
#include "apiserver/authentication/credential_file.h"
#include "apiserver/authentication/impersonation.h"
#include "apiserver/testing.h"
#include "io/testing_directory.h"
#include "net/jwt.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::Caller;
using testing::TestServer;

const std::string kSelf = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

std::string file_of(const std::string& name, const std::string& text) {
  static const io::testing::ScratchDirectory directory;
  return directory.write(name, text);
}

class Identities : public ::testing::Test {
 protected:
  AnswerRef ask(net::Headers headers, const std::string& path = kSelf,
                std::shared_ptr<net::CertificateDetails> details = nullptr) {
    net::Request request;
    request.method = path == kSelf ? "POST" : "GET";
    request.path = request.target = path;
    request.headers = std::move(headers);
    if (path == kSelf) {
      request.body = "{}";
      request.headers.set("content-type", "application/json");
    }
    request.peer.certificate_details = std::move(details);
    return server_.call(std::move(request));
  }
  AnswerRef with(std::string_view authorization, const std::string& path = kSelf) {
    net::Headers headers;
    headers.set("authorization", authorization);
    return ask(std::move(headers), path);
  }
  AuthenticationSettings& settings() { return server_.configuration.authentication; }
  TestServer server_;
};

TEST_F(Identities, TokensAndPasswordsOfFiles) {
  settings().token_file = file_of("tokens", "t1,ann,u-1,\"a,b\"\n");
  settings().basic_file = file_of("passwords", "secret,bob,u-2\n");
  const auto ann = with("Bearer t1");
  ASSERT_EQ(ann->status, 201) << ann->body;
  EXPECT_EQ(ann->at("status", "userInfo", "username"), "ann");
  EXPECT_EQ(ann->at("status", "userInfo", "uid"), "u-1");
  EXPECT_EQ(ann->at("status", "userInfo", "groups"), R"(["a","b","system:authenticated"])");
  EXPECT_EQ(with("Basic " + base64_encode("bob:secret"))->at("status", "userInfo", "username"),
            "bob");
  EXPECT_EQ(with("Basic " + base64_encode("bob:other"))->status, 401);
  EXPECT_EQ(with("Bearer t2")->status, 401);
}

TEST_F(Identities, BootstrapTokensUntilTheyEnd) {
  const auto data = [](const char* key, const std::string& text) {
    return std::string("\"") + key + "\":\"" + base64_encode(text) + "\",";
  };
  const std::string fields =
      data("token-id", "abcdef") + data("token-secret", "0123456789abcdef") +
      data("expiration", "2026-01-01T01:00:00Z") +
      data("auth-extra-groups", "system:bootstrappers:y,system:bootstrappers:x");
  ASSERT_EQ(server_
                .post("/api/v1/namespaces/kube-system/secrets",
                      R"({"metadata":{"name":"bootstrap-token-abcdef"},"type":)"
                      R"("bootstrap.kubernetes.io/token","data":{)" +
                          fields + R"("usage-bootstrap-authentication":"dHJ1ZQ=="}})")
                ->status,
            201);
  const auto known = with("Bearer abcdef.0123456789abcdef");
  EXPECT_EQ(known->at("status", "userInfo", "username"), "system:bootstrap:abcdef");
  EXPECT_EQ(known->at("status", "userInfo", "groups"),
            R"(["system:bootstrappers","system:bootstrappers:x","system:bootstrappers:y",)"
            R"("system:authenticated"])");
  EXPECT_EQ(with("Bearer abcdef.0123456789abcdee")->status, 401);
  server_.executor().advance(std::chrono::hours(1));
  EXPECT_EQ(with("Bearer abcdef.0123456789abcdef")->status, 401);
}

TEST_F(Identities, ProxiesAreBelievedByTheirCertificate) {
  const WallTime now = server_.executor().wall();
  const auto authority =
      net::make_authority("proxies", now - std::chrono::hours(1), now + std::chrono::hours(9));
  net::CertificateSpec spec;
  spec.common_name = "front";
  spec.client = true;
  spec.not_before = now - std::chrono::hours(1);
  spec.not_after = now + std::chrono::hours(9);
  const auto shown = net::issue_certificate(*authority, spec);
  settings().request_header.client_ca_file = file_of("proxies.pem", authority->certificate_pem);
  settings().request_header.allowed_names = {"front"};
  net::Headers headers;
  headers.add("x-remote-user", "ann");
  headers.add("x-remote-group", "a");
  headers.add("x-remote-group", "b");
  headers.add("x-remote-extra-acme.com%2fproject", "p");
  auto details = std::make_shared<net::CertificateDetails>();
  EXPECT_EQ(ask(headers)->status, 401);
  details->chain_pem = shown->certificate_pem;
  const auto known = ask(headers, kSelf, details);
  ASSERT_EQ(known->status, 201) << known->body;
  EXPECT_EQ(known->at("status", "userInfo", "username"), "ann");
  EXPECT_EQ(known->at("status", "userInfo", "groups"), R"(["a","b","system:authenticated"])");
  EXPECT_EQ(known->at("status", "userInfo", "extra", "acme.com/project"), R"(["p"])");
  const auto other = net::make_authority("x", now, now + std::chrono::hours(9));
  auto stranger = std::make_shared<net::CertificateDetails>();
  stranger->chain_pem = net::issue_certificate(*other, spec)->certificate_pem;
  EXPECT_EQ(ask(headers, kSelf, stranger)->status, 401);
}

TEST_F(Identities, TokensAreForTheirIssuerAndOldIssuersAreStillKnown) {
  server_.key_pem = net::make_ec_key()->private_key_pem;
  server_.configuration.service_account_issuers = {"https://now.example", "https://old.example"};
  server_.configuration.service_account_jwks_uri = "https://keys.example/jwks";
  server_.make_service_account("default");
  const std::string account = "/api/v1/namespaces/default/serviceaccounts/default";
  const auto made = server_.post(account + "/token", "{}");
  EXPECT_NE(made->body.find(R"("audiences":["https://now.example"])"), std::string::npos);
  const auto status_with = [&](const std::string& token) {
    net::Headers headers;
    headers.set("authorization", "Bearer " + token);
    return ask(headers)->status;
  };
  EXPECT_EQ(status_with(made->at("status", "token")), 201);
  const auto issued_by = [&](const std::string& issuer) {
    const std::string claims =
        R"({"iss":")" + issuer + R"(","aud":["https://now.example"],"exp":1893456000,)" +
        R"("sub":"system:serviceaccount:default:default","kubernetes.io":{"namespace":"default",)" +
        R"("serviceaccount":{"name":"default","uid":")" +
        server_.get(account)->at("metadata", "uid") + R"("}}})";
    return net::JwtSigner::create(server_.key_pem).value()->sign(claims).value();
  };
  EXPECT_EQ(status_with(issued_by("https://old.example")), 201);
  EXPECT_EQ(status_with(issued_by("https://other.example")), 401);
  const auto discovery = server_.get("/.well-known/openid-configuration");
  EXPECT_EQ(discovery->at("issuer"), "https://now.example");
  EXPECT_EQ(discovery->at("jwks_uri"), "https://keys.example/jwks");
}

TEST_F(Identities, WhoUsesATokenThatWasMadeForHisAccountIsWarned) {
  server_.key_pem = net::make_ec_key()->private_key_pem;
  const std::string accounts = "/api/v1/namespaces/default/serviceaccounts";
  const auto account = server_.post(accounts, R"({"metadata":{"name":"robot"}})");
  ASSERT_EQ(account->status, 201) << account->body;
  const auto token =
      net::JwtSigner::create(server_.key_pem)
          .value()
          ->sign(
              R"({"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:default:robot",)"
              R"("kubernetes.io/serviceaccount/namespace":"default",)"
              R"("kubernetes.io/serviceaccount/secret.name":"s",)"
              R"("kubernetes.io/serviceaccount/service-account.name":"robot",)"
              R"("kubernetes.io/serviceaccount/service-account.uid":")" +
              account->at("metadata", "uid") + "\"}")
          .value();
  const std::string secret = "/api/v1/namespaces/default/secrets";
  const auto made = server_.post(
      secret,
      R"({"metadata":{"name":"s","annotations":{"kubernetes.io/service-account.name":"robot"}},)"
      R"("type":"kubernetes.io/service-account-token","data":{"token":")" +
          base64_encode(token) + "\"}}");
  ASSERT_EQ(made->status, 201) << made->body;
  const auto asked_for = with("Bearer " + token);
  EXPECT_EQ(asked_for->status, 201) << asked_for->body;
  EXPECT_EQ(asked_for->headers.get("warning"), "");
  const std::string merge = "application/merge-patch+json";
  server_.call("PATCH", accounts + "/robot", R"({"secrets":[{"name":"s"}]})", merge);
  EXPECT_EQ(with("Bearer " + token)->headers.get("warning"),
            "299 - \"Use tokens from the TokenRequest API or manually created secret-based tokens "
            "instead of auto-generated secret-based tokens.\"");
  const auto counted = server_.get("/metrics")->body;
  EXPECT_NE(counted.find("\nserviceaccount_legacy_auto_token_uses_total 1\n"), std::string::npos);
  EXPECT_NE(counted.find("\nserviceaccount_legacy_manual_token_uses_total 1\n"), std::string::npos);
  server_.call("PATCH", secret + "/s",
               R"({"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":"2026-01-01",)"
               R"("kubernetes.io/legacy-token-last-used":null}}})",
               merge);
  EXPECT_EQ(with("Bearer " + token)->status, 401);
  // Somebody still needs it.
  EXPECT_NE(server_.get(secret + "/s")->at("metadata", "labels").find("legacy-token-last-used"),
            std::string::npos);
}

TEST_F(Identities, NobodyAsksForPublicPathsOnly) {
  EXPECT_EQ(ask({}, "/version")->status, 200);
  EXPECT_EQ(ask({}, "/api")->status, 401);
}

TEST_F(Identities, NobodyIsSomebodyWhenTheFlagSaysSo) {
  settings().anonymous = Anonymous::kAll;
  EXPECT_EQ(ask({}, "/version")->status, 200);
  const auto refused = ask({}, "/api/v1/pods");
  EXPECT_EQ(refused->status, 403);
  EXPECT_NE(refused->message().find("User \"system:anonymous\" cannot list"), std::string::npos);
  EXPECT_EQ(with("Bearer wrong", "/api/v1/pods")->status, 401);
  for (const char* none : {"Bearer ", "Bearer", "Basic Ym9iOm90aGVy", "Other x"}) {
    EXPECT_EQ(with(none, "/api/v1/pods")->status, 403) << none;
  }
}

TEST_F(Identities, ActingAsAnotherNeedsTheRight) {
  const auto as = [&](const Caller& who, const char* user, const char* group = "") {
    net::Request request;
    request.method = "POST";
    request.path = request.target = kSelf;
    request.body = "{}";
    request.headers.set("content-type", "application/json");
    request.headers.add("impersonate-user", user);
    if (*group != 0) request.headers.add("impersonate-group", group);
    request.peer.certificate_common_name = who.user;
    request.peer.certificate_organizations = who.groups;
    return server_.call(std::move(request));
  };
  const Caller admin{"admin", {"system:masters"}}, jane{"jane", {}};
  const auto ann = as(admin, "ann", "team");
  EXPECT_EQ(ann->at("status", "userInfo", "username"), "ann");
  EXPECT_EQ(ann->at("status", "userInfo", "groups"), R"(["team","system:authenticated"])");
  EXPECT_EQ(as(admin, "system:serviceaccount:ns:sa")->at("status", "userInfo", "groups"),
            R"(["system:serviceaccounts","system:serviceaccounts:ns","system:authenticated"])");
  EXPECT_EQ(as(jane, "")->at("status", "userInfo", "username"), "jane") << "as nobody: as herself";
  EXPECT_EQ(as(jane, "", "team")->status, 400);
  const auto refused = as(jane, "ann");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "users \"ann\" is forbidden: User \"jane\" cannot impersonate resource \"users\" in "
            "API group \"\" at the cluster scope");
}

TEST(CredentialFile, NamesTheLineThatIsWrong) {
  EXPECT_EQ(parse_credentials("a,b,c\n\n\"x,y\",\"q\"\"r\",u\n")->size(), 2U);
  EXPECT_EQ((*parse_credentials("\"x,y\",\"q\"\"r\",u"))[0].user.name, "q\"r");
  EXPECT_NE(parse_credentials("a,b,c\na,b").error().message.find("line 2"), std::string::npos);
  EXPECT_FALSE(parse_credentials("\"a,b,c"));
}

TEST(ClaimMapping, MakesUsersByClaimsAndExpressions) {
  const auto config = parse_authentication_config(R"(
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: "https://a.example", audiences: [me]}
  claimMappings:
    username: {expression: '"x:" + claims.sub'}
    groups: {claim: roles, prefix: "r:"}
    extra: [{key: acme.com/team, valueExpression: claims.team}]
  claimValidationRules:
  - {expression: 'claims.level > 1', message: too low}
  userValidationRules:
  - {expression: '!user.username.startsWith("x:system:")', message: reserved}
)");
  ASSERT_TRUE(config) << config.error().message;
  const auto mapping = ClaimMapping::create(config->issuers[0]);
  ASSERT_TRUE(mapping) << mapping.error().message;
  const auto user_of = [&](const char* claims) {
    api::Arena arena;
    return mapping->user_of(*api::parse_json(arena, claims));
  };
  const auto user =
      user_of(R"({"aud":"me","sub":"ann","roles":["a"],"team":"t","level":2,"jti":"7"})");
  ASSERT_TRUE(user) << user.error().message;
  EXPECT_EQ(user->name, "x:ann");
  EXPECT_EQ(user->groups, std::vector<std::string>{"r:a"});
  EXPECT_EQ(user->extra.at("acme.com/team"), std::vector<std::string>{"t"});
  EXPECT_EQ(user->extra.at("authentication.kubernetes.io/credential-id"),
            std::vector<std::string>{"JTI=7"});
  EXPECT_FALSE(user_of(R"({"aud":"other","sub":"ann","team":"t","level":2})"));
  EXPECT_NE(
      user_of(R"({"aud":"me","sub":"ann","team":"t","level":1})").error().message.find("too low"),
      std::string::npos);
  EXPECT_FALSE(user_of(R"({"aud":"me","sub":"system:x","team":"t","level":2})"));
}

}  // namespace
}  // namespace pinnace::apiserver

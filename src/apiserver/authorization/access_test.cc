// Who may do what, and how the server says that he may not.
#include "apiserver/certificate_testing.h"
#include "apiserver/testing.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::Caller;
using testing::TestServer;

const Caller kJane{"jane", {"devs"}};
const Caller kNode{"system:node:a", {"system:nodes"}};
const std::string kRbac = "/apis/rbac.authorization.k8s.io/v1";
const std::string kAccounts = "/api/v1/namespaces/default/serviceaccounts";
const std::string kPods = "/api/v1/namespaces/default/pods";

class Access : public ::testing::Test {
 protected:
  Access() {
    server_.key_pem = net::make_ec_key().value().private_key_pem;
    server_.server();
  }
  void bind(const std::string& ns, const std::string& role, const std::string& subject) {
    const std::string path =
        ns.empty() ? kRbac + "/clusterrolebindings" : kRbac + "/namespaces/" + ns + "/rolebindings";
    const auto made = server_.post(
        path,
        R"({"metadata":{"generateName":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",)"
        R"("kind":"ClusterRole","name":")" +
            role + R"("},"subjects":[)" + subject + "]}");
    ASSERT_EQ(made->status, 201) << made->body;
  }
  AnswerRef with_token(const std::string& token, const std::string& path) {
    net::Request request;
    request.method = "GET";
    request.path = path;
    request.headers.set("authorization", "Bearer " + token);
    return server_.call(std::move(request));
  }
  void make_pod(const std::string& name, const std::string& node) {
    const auto made = server_.post(kPods, R"({"metadata":{"name":")" + name +
                                              R"("},"spec":{"nodeName":")" + node +
                                              R"(","containers":[{"name":"c","image":"i",)"
                                              R"("envFrom":[{"secretRef":{"name":"s-)" +
                                              name + R"("}}]}]}})");
    ASSERT_EQ(made->status, 201) << made->body;
  }
  TestServer server_;
};

TEST_F(Access, NobodyIsNobody) {
  net::Request request;
  request.method = "GET";
  request.path = "/api/v1/pods";
  const auto answer = server_.call(request);
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->body, R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
                          R"("message":"Unauthorized","reason":"Unauthorized","code":401})"
                          "\n");
  request.path = "/version";
  EXPECT_EQ(server_.call(request)->status, 200);
  request.path = "/readyz";
  EXPECT_EQ(server_.call(request)->body, "ok");
  EXPECT_EQ(with_token("wrong", "/api/v1/pods")->status, 401);
  EXPECT_EQ(with_token("wrong", "/readyz")->status, 401);
  EXPECT_EQ(with_token("secret-token", "/api")->status, 200);
}

TEST_F(Access, ARefusalSaysWhoMayNotDoWhatWhere) {
  const auto message = [&](const char* method, const std::string& path, const char* body = "") {
    const auto answer = server_.call_as(kJane, method, path, body);
    EXPECT_EQ(answer->status, 403);
    EXPECT_EQ(answer->reason(), "Forbidden");
    return answer->message();
  };
  EXPECT_EQ(
      message("GET", kPods),
      "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the "
      "namespace \"default\"");
  EXPECT_EQ(
      message("GET", kPods + "/p"),
      "pods \"p\" is forbidden: User \"jane\" cannot get resource \"pods\" in API group \"\" in "
      "the namespace \"default\"");
  EXPECT_EQ(message("GET", "/api/v1/nodes"),
            "nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group \"\" at "
            "the cluster scope");
  EXPECT_EQ(message("DELETE", "/apis/apps/v1/namespaces/default/deployments/d"),
            "deployments.apps \"d\" is forbidden: User \"jane\" cannot delete resource "
            "\"deployments\" in API group \"apps\" in the namespace \"default\"");
  EXPECT_EQ(message("GET", kPods + "/p/log"),
            "pods \"p\" is forbidden: User \"jane\" cannot get resource \"pods/log\" in API group "
            "\"\" in the namespace \"default\"");
  EXPECT_EQ(message("GET", "/metrics"), "forbidden: User \"jane\" cannot get path \"/metrics\"");
}

TEST_F(Access, BindingsGiveRights) {
  const std::string jane =
      R"({"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"})";
  bind("default", "view", jane);
  EXPECT_EQ(server_.call_as(kJane, "GET", kPods)->status, 200);
  EXPECT_EQ(server_.call_as(kJane, "GET", "/api/v1/namespaces/kube-system/pods")->status, 403);
  EXPECT_EQ(server_.call_as(kJane, "GET", "/api/v1/namespaces/default/secrets")->status, 403);
  bind("", "cluster-admin",
       R"({"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"devs"})");
  EXPECT_EQ(server_.call_as(kJane, "GET", "/api/v1/secrets")->status, 200);
}

TEST_F(Access, NobodyGivesWhatHeHasNot) {
  const std::string jane =
      R"({"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"})";
  bind("default", "admin", jane);
  const std::string roles = kRbac + "/namespaces/default/roles";
  const auto escalates = server_.call_as(
      kJane, "POST", roles,
      R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["nodes"],"verbs":["get"]}]})");
  EXPECT_EQ(escalates->status, 403);
  EXPECT_EQ(escalates->message(),
            "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"jane\" "
            "(groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions "
            "not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}");
  EXPECT_EQ(server_
                .call_as(kJane, "POST", roles,
                         R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":)"
                         R"(["pods"],"verbs":["get"]}]})")
                ->status,
            201);
  const auto binds = server_.call_as(
      kJane, "POST", kRbac + "/namespaces/default/rolebindings",
      R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",)"
      R"("kind":"ClusterRole","name":"cluster-admin"},"subjects":[]})");
  EXPECT_EQ(binds->status, 403);
  EXPECT_NE(binds->message().find("{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}"), std::string::npos)
      << binds->message();
  const auto missing = server_.call_as(
      kJane, "POST", kRbac + "/namespaces/default/rolebindings",
      R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",)"
      R"("kind":"Role","name":"nowhere"},"subjects":[]})");
  EXPECT_EQ(missing->message(), "roles.rbac.authorization.k8s.io \"nowhere\" not found");
}

TEST_F(Access, TheVerbsEscalateAndBindLiftThat) {
  ASSERT_EQ(server_
                .post(kRbac + "/clusterroles",
                      R"({"metadata":{"name":"trusted"},"rules":[{"apiGroups":)"
                      R"(["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"],)"
                      R"("verbs":["create","update","escalate"]},{"apiGroups":)"
                      R"(["rbac.authorization.k8s.io"],"resources":["clusterroles"],)"
                      R"("resourceNames":["view"],"verbs":["bind"]}]})")
                ->status,
            201);
  bind("default", "trusted",
       R"({"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"})");
  const std::string here = kRbac + "/namespaces/default";
  EXPECT_EQ(server_
                .call_as(kJane, "POST", here + "/roles",
                         R"({"metadata":{"name":"r"},"rules":[{"apiGroups":["*"],"resources":)"
                         R"(["*"],"verbs":["*"]}]})")
                ->status,
            201);
  const auto binds = [&](const std::string& role) {
    return server_
        .call_as(kJane, "POST", here + "/rolebindings",
                 R"({"metadata":{"generateName":"b"},"roleRef":{"apiGroup":)"
                 R"("rbac.authorization.k8s.io","kind":"ClusterRole","name":")" +
                     role + R"("},"subjects":[]})")
        ->status;
  };
  EXPECT_EQ(binds("view"), 201);
  EXPECT_EQ(binds("edit"), 403);
}

TEST_F(Access, ABindingOfNoRoleIsNamedInTheRefusal) {
  bind("default", "nowhere",
       R"({"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"})");
  EXPECT_EQ(server_.call_as(kJane, "GET", "/api/v1/namespaces/default")->message(),
            "namespaces \"default\" is forbidden: User \"jane\" cannot get resource \"namespaces\" "
            "in API group \"\" in the namespace \"default\": RBAC: "
            "clusterrole.rbac.authorization.k8s.io \"nowhere\" not found");
}

TEST_F(Access, ReviewsSayWhichBindingAllows) {
  bind("", "view", R"({"kind":"ServiceAccount","name":"sa","namespace":"ns"})");
  const auto review = [&](const std::string& spec) {
    return server_.post("/apis/authorization.k8s.io/v1/subjectaccessreviews",
                        "{\"spec\":" + spec + "}");
  };
  const auto allowed =
      review(R"({"user":"system:serviceaccount:ns:sa","resourceAttributes":{"verb":"list",)"
             R"("resource":"pods","fieldSelector":{"rawSelector":"spec.nodeName=a"}}})");
  EXPECT_EQ(allowed->at("status", "allowed"), "true");
  EXPECT_NE(allowed->at("status", "reason")
                .find("of ClusterRole \"view\" to ServiceAccount "
                      "\"sa/ns\""),
            std::string::npos)
      << allowed->body;
  EXPECT_EQ(review(R"({"user":"a"})")->status, 422);
  EXPECT_EQ(review(R"({"resourceAttributes":{"verb":"get"}})")->status, 422);
  EXPECT_EQ(review(R"({"user":"a","resourceAttributes":{"fieldSelector":{}}})")->status, 422);
  const auto local = [&](const std::string& ns) {
    return server_
        .post("/apis/authorization.k8s.io/v1/namespaces/ns/localsubjectaccessreviews",
              R"({"spec":{"user":"a","resourceAttributes":{"verb":"get","resource":"pods",)"
              R"("namespace":")" +
                  ns + "\"}}}")
        ->status;
  };
  EXPECT_EQ(local("ns"), 201);
  EXPECT_EQ(local("other"), 422);
}

TEST_F(Access, TokensOfServiceAccountsWork) {
  server_.make_service_account("default");
  const auto made =
      server_.post(kAccounts + "/default/token", R"({"spec":{"expirationSeconds":600}})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("kind"), "TokenRequest");
  EXPECT_EQ(made->at("status", "expirationTimestamp"), "2026-01-01T00:10:00Z");
  const std::string token = made->at("status", "token");
  const auto refused = with_token(token, kPods);
  EXPECT_EQ(refused->status, 403);
  EXPECT_NE(refused->message().find("User \"system:serviceaccount:default:default\" cannot list"),
            std::string::npos);
  bind("default", "view", R"({"kind":"ServiceAccount","name":"default","namespace":"default"})");
  EXPECT_EQ(with_token(token, kPods)->status, 200);
  EXPECT_EQ(with_token(token + "x", kPods)->status, 401);
  const auto review = server_.post("/apis/authentication.k8s.io/v1/tokenreviews",
                                   R"({"spec":{"token":")" + token + "\"}}");
  EXPECT_EQ(review->at("status", "authenticated"), "true");
  EXPECT_EQ(review->at("status", "user", "username"), "system:serviceaccount:default:default");
  // Clocks may differ by a minute.
  server_.executor().advance(std::chrono::seconds(660));
  EXPECT_EQ(with_token(token, kPods)->status, 200);
  server_.executor().advance(std::chrono::seconds(1));
  EXPECT_EQ(with_token(token, kPods)->status, 401);
}

TEST_F(Access, TokensEndWithWhatTheyAreBoundTo) {
  server_.make_service_account("default");
  make_pod("p", "a");
  const auto made =
      server_.post(kAccounts + "/default/token",
                   R"({"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}})");
  ASSERT_EQ(made->status, 201) << made->body;
  const std::string token = made->at("status", "token");
  EXPECT_EQ(with_token(token, "/api")->status, 200);
  ASSERT_EQ(server_.remove(kPods + "/p?gracePeriodSeconds=0")->status, 200);
  EXPECT_EQ(with_token(token, "/api")->status, 401);
  EXPECT_EQ(
      server_.post(kAccounts + "/default/token", R"({"spec":{"expirationSeconds":5}})")->message(),
      "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: "
      "Invalid value: 5: may not specify a duration less than 10 minutes");
  EXPECT_EQ(server_.post(kAccounts + "/nobody/token", "{}")->message(),
            "serviceaccounts \"nobody\" not found");
}

TEST_F(Access, ReviewsAnswerForOthers) {
  const auto review = [&](const std::string& attributes) {
    return server_
        .post("/apis/authorization.k8s.io/v1/subjectaccessreviews",
              R"({"spec":{"user":"jane","resourceAttributes":)" + attributes + "}}")
        ->at("status", "allowed");
  };
  EXPECT_EQ(review(R"({"verb":"get","resource":"pods","namespace":"default"})"), "false");
  bind("default", "view",
       R"({"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"})");
  EXPECT_EQ(review(R"({"verb":"get","resource":"pods","namespace":"default"})"), "true");
  const auto self = server_.call_as(
      kJane, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      R"({"spec":{"resourceAttributes":{"verb":"get","resource":"pods","namespace":"default"}}})");
  EXPECT_EQ(self->at("status", "allowed"), "true");
  const auto who =
      server_.call_as(kJane, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_EQ(who->at("status", "userInfo", "username"), "jane");
}

TEST_F(Access, OnlyWhoMaySignForItsSignerApprovesARequest) {
  const std::string path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const std::string wanted =
      R"({"metadata":{"name":"r"},"spec":{"signerName":"a.io/b","usages":["any"],)"
      R"("username":"admin","request":")" +
      testing::signing_request() + "\"}}";
  const auto made = server_.call_as(kJane, "POST", path, wanted);
  EXPECT_EQ(made->status, 403);
  bind("", "edit-requests",
       R"({"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"})");
  ASSERT_EQ(
      server_
          .post(kRbac + "/clusterroles",
                R"({"metadata":{"name":"edit-requests"},"rules":[{"apiGroups":)"
                R"(["certificates.k8s.io"],"resources":["certificatesigningrequests",)"
                R"("certificatesigningrequests/approval","certificatesigningrequests/status"],)"
                R"("verbs":["create","update"]}]})")
          ->status,
      201);
  const auto request = server_.call_as(kJane, "POST", path, wanted);
  ASSERT_EQ(request->status, 201) << request->body;
  EXPECT_EQ(request->at("spec", "username"), "jane");
  std::string approved = request->body;
  approved.insert(approved.rfind("\"status\":{") + 10,
                  R"("conditions":[{"type":"Approved","status":"True"}])");
  const auto refused = server_.call_as(kJane, "PUT", path + "/r/approval", approved);
  EXPECT_EQ(refused->status, 403) << refused->body;
  EXPECT_EQ(refused->message(),
            "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted "
            "to approve requests with signerName \"a.io/b\"");
  EXPECT_EQ(server_.put(path + "/r/approval", approved)->status, 200);
  const auto kept = server_.get(path + "/r");
  EXPECT_NE(kept->body.find("Approved"), std::string::npos);
  EXPECT_NE(kept->body.find("lastUpdateTime"), std::string::npos);
  // Nor does who may write its status sign it, or say that it failed; other news are welcome.
  const auto with = [&](const std::string& status) {
    std::string body = kept->body;
    return body.insert(body.rfind("\"status\":{") + 10, status + ",");
  };
  const std::string no_certificate = R"("certificate":"eA==")";
  const auto unsigned_ = server_.call_as(kJane, "PUT", path + "/r/status", with(no_certificate));
  EXPECT_EQ(unsigned_->status, 422) << unsigned_->body;  // First it must be one.
  std::string failed = kept->body;
  failed.insert(failed.find(R"({"type":"Approved")"), R"({"type":"Failed","status":"True"},)");
  const auto not_failed = server_.call_as(kJane, "PUT", path + "/r/status", failed);
  EXPECT_EQ(not_failed->status, 403) << not_failed->body;
  EXPECT_EQ(not_failed->message(),
            "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted "
            "to sign requests with signerName \"a.io/b\"");
  EXPECT_EQ(server_.put(path + "/r/status", failed)->status, 200);
}

TEST_F(Access, ANodeWritesItsOwn) {
  server_.make_service_account("default");
  make_pod("mine", "a");
  make_pod("other", "b");
  const auto as_node = [&](const char* method, const std::string& path,
                           const std::string& body = "") {
    return server_.call_as(
        kNode, method, path, body,
        std::string_view(method) == "PATCH" ? "application/merge-patch+json" : "application/json");
  };
  EXPECT_EQ(as_node("POST", "/api/v1/nodes", R"({"metadata":{"name":"a"}})")->status, 201);
  const auto other = as_node("POST", "/api/v1/nodes", R"({"metadata":{"name":"b"}})");
  EXPECT_EQ(other->status, 403);
  EXPECT_EQ(other->message(),
            "nodes \"b\" is forbidden: node \"a\" is not allowed to modify node \"b\"");
  EXPECT_EQ(as_node("PATCH", "/api/v1/nodes/a",
                    R"({"metadata":{"labels":{"node-restriction.kubernetes.io/x":"y"}}})")
                ->status,
            403);
  EXPECT_EQ(as_node("PATCH", kPods + "/mine/status", R"({"status":{"phase":"Running"}})")->status,
            200);
  EXPECT_EQ(as_node("PATCH", kPods + "/other/status", R"({"status":{"phase":"Running"}})")->status,
            403);
  EXPECT_EQ(as_node("DELETE", kPods + "/other")->status, 403);
  EXPECT_EQ(as_node("DELETE", kPods + "/mine?gracePeriodSeconds=0")->status, 200);
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  EXPECT_EQ(as_node("POST", leases, R"({"metadata":{"name":"a"}})")->status, 201);
  EXPECT_EQ(as_node("POST", leases, R"({"metadata":{"name":"b"}})")->status, 403);
}

TEST_F(Access, ANodeReadsWhatItsPodsNeed) {
  server_.make_service_account("default");
  make_pod("mine", "a");
  make_pod("other", "b");
  const std::string secrets = "/api/v1/namespaces/default/secrets";
  for (const char* name : {"s-mine", "s-other", "free"}) {
    ASSERT_EQ(
        server_.post(secrets, R"({"metadata":{"name":")" + std::string(name) + "\"}}")->status,
        201);
  }
  const auto status = [&](const std::string& path, const char* method = "GET",
                          const char* body = "") {
    return server_.call_as(kNode, method, path, body)->status;
  };
  EXPECT_EQ(status(secrets + "/s-mine"), 200);
  EXPECT_EQ(status(secrets + "?fieldSelector=metadata.name%3Ds-mine"), 200);
  EXPECT_EQ(status(secrets + "/s-other"), 403);
  EXPECT_EQ(status(secrets + "/free"), 403);
  EXPECT_EQ(status(secrets), 403);
  EXPECT_EQ(status("/api/v1/secrets"), 403);
  EXPECT_EQ(status("/api/v1/namespaces/default/configmaps/kube-root-ca.crt"), 404);
  EXPECT_EQ(status(kPods + "/mine"), 200);
  EXPECT_EQ(status(kPods + "/other"), 403);
  EXPECT_EQ(status("/api/v1/pods?fieldSelector=spec.nodeName%3Da"), 200);
  EXPECT_EQ(status("/api/v1/pods?fieldSelector=spec.nodeName%3Db"), 403);
  EXPECT_EQ(status("/api/v1/nodes/a"), 404);
  EXPECT_EQ(status("/api/v1/nodes/b"), 403);
  EXPECT_EQ(status("/apis/storage.k8s.io/v1/csinodes/b"), 403);
  EXPECT_EQ(
      server_.call_as(kNode, "GET", secrets + "/free")->message(),
      "secrets \"free\" is forbidden: User \"system:node:a\" cannot get resource \"secrets\" in "
      "API group \"\" in the namespace \"default\": no relationship found between node 'a' and "
      "this object");
  ASSERT_EQ(server_.remove(kPods + "/mine?gracePeriodSeconds=0")->status, 200);
  EXPECT_EQ(status(secrets + "/s-mine"), 403);
}

TEST_F(Access, ANodeReadsSecretsThatTheVolumesOfItsClaimsName) {
  server_.make_service_account("default");
  const auto status = [&] {
    return server_.call_as(kNode, "GET", "/api/v1/namespaces/default/secrets/s", "")->status;
  };
  const std::string volume = "/api/v1/persistentvolumes/v";
  const auto patch = [&](const std::string& body) {
    ASSERT_EQ(server_.merge(volume, body)->status, 200);
  };
  ASSERT_EQ(
      server_.post("/api/v1/namespaces/default/secrets", R"({"metadata":{"name":"s"}})")->status,
      201);
  ASSERT_EQ(server_
                .post(kPods, R"({"metadata":{"name":"p"},"spec":{"nodeName":"a","containers":[)"
                             R"({"name":"c","image":"i"}],"volumes":[{"name":"d",)"
                             R"("persistentVolumeClaim":{"claimName":"mine"}}]}})")
                ->status,
            201);
  EXPECT_EQ(status(), 403);
  const auto made = server_.post(
      "/api/v1/persistentvolumes",
      R"({"metadata":{"name":"v"},"spec":{"capacity":{"storage":"1Gi"},)"
      R"("accessModes":["ReadWriteOnce"],"claimRef":{"namespace":"default","name":"mine"},)"
      R"("csi":{"driver":"d","volumeHandle":"h","nodePublishSecretRef":{"namespace":"default",)"
      R"("name":"s"},"nodeStageSecretRef":{"namespace":"default","name":"s"}}}})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(status(), 200);
  patch(R"({"spec":{"claimRef":{"name":"another"}}})");
  EXPECT_EQ(status(), 403);
  patch(R"({"spec":{"claimRef":{"name":"mine"}}})");
  EXPECT_EQ(status(), 200);
  patch(R"({"metadata":{"finalizers":null}})");
  ASSERT_EQ(server_.remove(volume)->status, 200);
  EXPECT_EQ(status(), 403);
}

TEST_F(Access, ANodeGetsTokensForItsPods) {
  server_.make_service_account("default");
  make_pod("mine", "a");
  make_pod("other", "b");
  const auto ask = [&](const std::string& spec) {
    return server_.call_as(kNode, "POST", kAccounts + "/default/token", "{\"spec\":" + spec + "}");
  };
  const auto bound = [&](const std::string& pod, const std::string& more = "") {
    return R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":")" + pod + R"(","uid":")" +
           server_.get(kPods + "/" + pod)->at("metadata", "uid") + "\"}" + more + "}";
  };
  EXPECT_EQ(ask(bound("mine"))->status, 201);
  EXPECT_EQ(ask(bound("mine", R"(,"audiences":["vault"])"))->message(),
            "serviceaccounts \"default\" is forbidden: audience \"vault\" not found in pod spec "
            "volume, system:node:a is not authorized to request tokens for this audience");
  EXPECT_EQ(
      ask(bound("other"))->message(),
      "serviceaccounts \"default\" is forbidden: node requested token bound to a pod scheduled "
      "on a different node");
  EXPECT_EQ(ask("{}")->message(),
            "serviceaccounts \"default\" is forbidden: node requested token not bound to a pod");
}

}  // namespace
}  // namespace pinnace::apiserver

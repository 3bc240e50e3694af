// Requests as clients send them, and the answers, texts and codes that they know.
#include "apiserver/testing.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::Caller;
using testing::TestServer;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

class Requests : public ::testing::Test {
 protected:
  Requests() { server_.server(); }
  AnswerRef make(const std::string& name, const std::string& meta = "") {
    return server_.post(kMaps,
                        R"({"metadata":{"name":")" + name + "\"" + meta + R"(},"data":{"k":"v"}})");
  }
  TestServer server_;
};

// -- Creation

TEST_F(Requests, NamesCanBeMade) {
  const auto made = server_.post(kMaps, R"({"metadata":{"generateName":"web-"}})");
  ASSERT_EQ(made->status, 201);
  EXPECT_EQ(made->at("metadata", "name").size(), 9U);
  EXPECT_TRUE(made->at("metadata", "name").starts_with("web-"));
  EXPECT_EQ(made->at("metadata", "generateName"), "web-");
}

TEST_F(Requests, WhatTheServerDecidesIsNotTheClients) {
  const auto made = server_.post(
      kMaps, R"({"metadata":{"name":"m","uid":"mine","creationTimestamp":"2001-01-01T00:00:00Z",)"
             R"("generation":9,"selfLink":"x","deletionTimestamp":"2001-01-01T00:00:00Z"}})");
  ASSERT_EQ(made->status, 201);
  EXPECT_NE(made->at("metadata", "uid"), "mine");
  EXPECT_EQ(made->at("metadata", "creationTimestamp"), "2026-01-01T00:00:00Z");
  for (const char* key : {"generation", "selfLink", "deletionTimestamp"}) {
    EXPECT_EQ(made->at("metadata", key), "") << key;
  }
}

TEST_F(Requests, CreationHasItsRefusals) {
  make("m");
  const auto again = make("m");
  EXPECT_EQ(again->status, 409);
  EXPECT_EQ(again->reason(), "AlreadyExists");
  EXPECT_EQ(again->message(), "configmaps \"m\" already exists");
  const auto nowhere =
      server_.post("/api/v1/namespaces/nowhere/configmaps", R"({"metadata":{"name":"m"}})");
  EXPECT_EQ(nowhere->status, 404);
  EXPECT_EQ(nowhere->message(), "namespaces \"nowhere\" not found");
  const auto elsewhere =
      server_.post(kMaps, R"({"metadata":{"name":"n","namespace":"kube-system"}})");
  EXPECT_EQ(elsewhere->status, 400);
  EXPECT_EQ(
      elsewhere->message(),
      "the namespace of the provided object does not match the namespace sent on the request");
  const auto versioned = server_.post(kMaps, R"({"metadata":{"name":"n","resourceVersion":"3"}})");
  EXPECT_EQ(versioned->status, 500);
  EXPECT_EQ(versioned->reason(), "");
  EXPECT_EQ(versioned->message(), "resourceVersion should not be set on objects to be created");
  EXPECT_EQ(server_.post(kMaps + "/m", "{}")->status, 405);
}

TEST_F(Requests, MetadataIsChecked) {
  const auto bad = [&](const std::string& meta) { return make("n", "," + meta)->message(); };
  EXPECT_NE(bad(R"("labels":{"a b":"c"})")
                .find("metadata.labels: Invalid value: \"a b\": name part must"),
            std::string::npos);
  EXPECT_NE(
      bad(R"("labels":{"a":"b c"})").find("metadata.labels: Invalid value: \"b c\": a valid label"),
      std::string::npos);
  EXPECT_NE(bad(R"("annotations":{"a":")" + std::string(257 << 10, 'x') + "\"}")
                .find("metadata.annotations: Too long: may not be more than 262144 bytes"),
            std::string::npos);
  EXPECT_NE(bad(R"("ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p"}])")
                .find("metadata.ownerReferences.uid: Invalid value: \"\": must not be empty"),
            std::string::npos)
      << bad(R"("ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p"}])");
  EXPECT_NE(bad(R"("finalizers":["a b"])").find("metadata.finalizers"), std::string::npos);
}

// -- Bodies that are none

TEST_F(Requests, BadBodiesAreTheClientsFault) {
  struct Row {
    std::string body;
    const char* type;
    int status;
  };
  const std::string deep = std::string(10000, '[') + std::string(10000, ']');
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += (j == 0 ? "" : ",") + before;
    bomb += "]\n";
  }
  const Row rows[] = {
      {R"({"metadata":)", "application/json", 400},
      {"[]", "application/json", 400},
      {"null", "application/json", 422},
      {"7", "application/json", 400},
      {"", "application/json", 400},
      {"{\"a\":\"\xff", "application/json", 400},
      {R"({"metadata":{"name":7}})", "application/json", 400},
      {R"({"metadata":{"name":"n"},"data":[]})", "application/json", 400},
      {R"({"metadata":{"name":"n"},"data":{"a":1}})", "application/json", 400},
      {R"({"kind":"Secret","metadata":{"name":"n"}})", "application/json", 400},
      {R"({"apiVersion":"v2","metadata":{"name":"n"}})", "application/json", 400},
      {R"({"metadata":{"name":"n"},"data":)" + deep + "}", "application/json", 400},
      {deep, "application/json", 400},
      {"metadata: {name: [", "application/yaml", 400},
      {bomb, "application/yaml", 400},
      {std::string(10000, '['), "application/yaml", 400},
      {"k8s", "application/vnd.kubernetes.protobuf", 400},
      {std::string("k8s\0\xff\xff\xff", 7), "application/vnd.kubernetes.protobuf", 400},
      {"x", "text/plain", 415},
  };
  for (const Row& row : rows) {
    const auto answer = server_.call("POST", kMaps, row.body, row.type);
    EXPECT_EQ(answer->status, row.status) << row.body.substr(0, 60) << answer->body;
    EXPECT_EQ(answer->at("kind"), "Status") << row.body.substr(0, 60);
    EXPECT_TRUE(is_valid_utf8(answer->body)) << row.body.substr(0, 60);
  }
  EXPECT_EQ(server_.get(kMaps)->json().find("items")->size(), 0U);
}

TEST_F(Requests, AUserAgentThatIsNoUtf8BecomesAManagerThatIs) {
  auto request = server_.request("POST", kMaps);
  request.headers.set("user-agent", "a\xff\xe2\x80\x8b/1");
  request.headers.set("content-type", "application/json");
  request.body = R"({"metadata":{"name":"n"},"data":{"a":"1"}})";
  const auto made = server_.call(std::move(request));
  EXPECT_EQ(made->status, 201) << made->body;
  const auto* managers = made->json().find_path({"metadata", "managedFields"});
  ASSERT_NE(managers, nullptr);
  EXPECT_EQ(managers->items()[0].string_at("manager"), "a\xef\xbf\xbd");
}

TEST_F(Requests, YamlIsUnderstood) {
  const auto made = server_.call("POST", kMaps, "metadata:\n  name: yam\ndata:\n  a: \"1\"\n",
                                 "application/yaml");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("data", "a"), "1");
}

TEST_F(Requests, FieldValidationIsAsAsked) {
  const std::string body = R"({"metadata":{"name":"n"},"dta":{},"data":{"a":"1","a":"2"}})";
  const auto strict = server_.post(kMaps + "?fieldValidation=Strict", body);
  EXPECT_EQ(strict->status, 400);
  EXPECT_EQ(strict->message(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
            "unknown field \"dta\", duplicate field \"data.a\"");
  const auto warned = server_.post(kMaps + "?dryRun=All", body);
  EXPECT_EQ(warned->status, 201);
  const auto warnings = warned->headers.get_all("warning");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0], R"(299 - "unknown field \"dta\"")");
  EXPECT_TRUE(server_.post(kMaps + "?dryRun=All&fieldValidation=Ignore", body)
                  ->headers.get_all("warning")
                  .empty());
  EXPECT_EQ(server_.post(kMaps + "?fieldValidation=Maybe", body)->status, 422);
}

TEST_F(Requests, RepeatedKeysOfYamlAreToldByLine) {
  const std::string body =
      "metadata:\n  name: yam\ndta: {}\ndata:\n  a: \"1\"\n  a: \"2\"\n  a: \"3\"\n";
  const auto post = [&](const std::string& query) {
    return server_.call("POST", kMaps + query, body, "application/yaml");
  };
  EXPECT_EQ(post("?fieldValidation=Strict")->message(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
            "yaml: unmarshal errors:\n  line 6: key \"a\" already set in map\n  line 7: key \"a\" "
            "already set in map, unknown field \"dta\"");
  const auto warned = post("?dryRun=All");
  const auto warnings = warned->headers.get_all("warning");
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_EQ(warnings[0], R"(299 - "line 6: key \"a\" already set in map")");
  EXPECT_EQ(warnings[2], R"(299 - "unknown field \"dta\"")");
}

TEST_F(Requests, ADryRunWritesNothing) {
  const auto before = server_.store().revision();
  EXPECT_EQ(server_.post(kMaps + "?dryRun=All", R"({"metadata":{"name":"n"}})")->status, 201);
  EXPECT_EQ(server_.get(kMaps + "/n")->status, 404);
  make("m");
  EXPECT_EQ(server_.merge(kMaps + "/m?dryRun=All", R"({"data":{"k":"w"}})")->at("data", "k"), "w");
  EXPECT_EQ(server_.remove(kMaps + "/m?dryRun=All")->status, 200);
  EXPECT_EQ(server_.get(kMaps + "/m")->at("data", "k"), "v");
  EXPECT_EQ(server_.store().revision(), before + 1);
  EXPECT_EQ(server_.post(kMaps + "?dryRun=Some", R"({"metadata":{"name":"n"}})")->status, 422);
}

// -- Changes

TEST_F(Requests, AnOldCopyIsRefused) {
  const auto first = make("m");
  ASSERT_EQ(server_.merge(kMaps + "/m", R"({"data":{"k":"w"}})")->status, 200);
  const auto late = server_.put(kMaps + "/m", first->body);
  EXPECT_EQ(late->status, 409);
  EXPECT_EQ(late->reason(), "Conflict");
  EXPECT_EQ(
      late->message(),
      "Operation cannot be fulfilled on configmaps \"m\": the object has been modified; please "
      "apply your changes to the latest version and try again");
  EXPECT_EQ(server_.merge(kMaps + "/m", R"({"metadata":{"resourceVersion":"1"}})")->status, 409);
  const auto other = server_.put(kMaps + "/m", R"({"metadata":{"name":"m","uid":"other"}})");
  EXPECT_EQ(other->status, 409);
  EXPECT_NE(other->message().find(
                "Precondition failed: UID in precondition: other, UID in object meta: "),
            std::string::npos);
  EXPECT_EQ(server_.put(kMaps + "/m", R"({"metadata":{"name":"n"}})")->message(),
            "the name of the object (n) does not match the name on the URL (m)");
  EXPECT_EQ(server_.put(kMaps + "/none", R"({"metadata":{"name":"none"}})")->message(),
            "configmaps \"none\" not found");
}

TEST_F(Requests, PatchesOfAllKindsApply) {
  make("m");
  const auto json =
      server_.call("PATCH", kMaps + "/m", R"([{"op":"add","path":"/data/j","value":"1"}])",
                   "application/json-patch+json");
  EXPECT_EQ(json->at("data", "j"), "1") << json->body;
  const auto strategic = server_.call("PATCH", kMaps + "/m", R"({"data":{"s":"2","k":null}})",
                                      "application/strategic-merge-patch+json");
  EXPECT_EQ(strategic->at("data"), R"({"j":"1","s":"2"})");
  const auto failed =
      server_.call("PATCH", kMaps + "/m", R"([{"op":"test","path":"/data/j","value":"2"}])",
                   "application/json-patch+json");
  EXPECT_EQ(failed->status, 422) << failed->body;
  for (const char* type : {"application/json-patch+json", "application/merge-patch+json",
                           "application/strategic-merge-patch+json"}) {
    EXPECT_EQ(server_.call("PATCH", kMaps + "/m", "{", type)->status, 400) << type;
  }
  EXPECT_EQ(server_.call("PATCH", kMaps + "/m", "{}", "application/json")->status, 415);
  EXPECT_EQ(server_.merge(kMaps + "/none", "{}")->status, 404);
}

TEST_F(Requests, APatchCannotChangeWhatTheServerGave) {
  const auto made = make("m");
  for (const char* type :
       {"application/merge-patch+json", "application/strategic-merge-patch+json"}) {
    const auto patched = server_.call(
        "PATCH", kMaps + "/m",
        R"({"metadata":{"creationTimestamp":"2001-01-01T00:00:00Z","generation":7}})", type);
    EXPECT_EQ(patched->status, 200) << patched->body;
    EXPECT_EQ(patched->at("metadata"), made->at("metadata"));
  }
  EXPECT_EQ(server_.merge(kMaps + "/m", R"({"metadata":{"name":"n"}})")->status, 400);
  EXPECT_EQ(server_.merge(kMaps + "/m", R"({"metadata":{"uid":"n"}})")->status, 422);
}

TEST_F(Requests, WhatAPutMakesMustBeAllowedToo) {
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  ASSERT_EQ(server_
                .post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
                      R"({"metadata":{"name":"r"},"rules":[{"apiGroups":["coordination.k8s.io"],)"
                      R"("resources":["leases"],"verbs":["update"]}]})")
                ->status,
            201);
  ASSERT_EQ(server_
                .post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
                      R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":)"
                      R"("rbac.authorization.k8s.io","kind":"Role","name":"r"},"subjects":)"
                      R"([{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"}]})")
                ->status,
            201);
  const std::string lease = R"({"metadata":{"name":"l"}})";
  const auto refused = server_.call_as({"jane", {}}, "PUT", leases + "/l", lease);
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "leases.coordination.k8s.io \"l\" is forbidden: User \"jane\" cannot create resource "
            "\"leases\" in API group \"coordination.k8s.io\" in the namespace \"default\"");
  const auto made = server_.put(leases + "/l", lease);
  ASSERT_EQ(made->status, 201);
  EXPECT_EQ(server_.call_as({"jane", {}}, "PUT", leases + "/l", made->body)->status, 200);
}

TEST_F(Requests, LeasesAndTheirLikeAreMadeByPut) {
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const std::string lease = R"({"metadata":{"name":"l"}})";
  EXPECT_EQ(server_.put(leases + "/l", lease)->status, 201);
  // From then on an update says what it updates.
  const auto blind = server_.put(leases + "/l", lease);
  EXPECT_EQ(blind->status, 422);
  EXPECT_EQ(blind->message(),
            "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: Invalid value: "
            "0: must be specified for an update");
}

// -- Deletion

TEST_F(Requests, FinalizersHoldAnObject) {
  make("m", R"(,"finalizers":["a.io/b"])");
  const auto going = server_.remove(kMaps + "/m");
  EXPECT_EQ(going->status, 200);
  EXPECT_EQ(going->at("metadata", "deletionTimestamp"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(going->at("metadata", "deletionGracePeriodSeconds"), "0");
  EXPECT_EQ(
      server_.merge(kMaps + "/m", R"({"metadata":{"finalizers":["a.io/b","a.io/c"]}})")->message(),
      "ConfigMap \"m\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be "
      "added if the object is being deleted, found new finalizers []string{\"a.io/c\"}");
  EXPECT_EQ(server_.merge(kMaps + "/m", R"({"metadata":{"finalizers":null}})")->status, 200);
  EXPECT_EQ(server_.get(kMaps + "/m")->status, 404);
}

TEST_F(Requests, DeletionAnswersWithWhatWasDeleted) {
  const auto made = make("m");
  const auto gone = server_.remove(kMaps + "/m");
  EXPECT_EQ(gone->body,
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":)"
            R"({"name":"m","kind":"configmaps","uid":")" +
                made->at("metadata", "uid") + "\"}}\n");
  EXPECT_EQ(server_.remove(kMaps + "/m")->message(), "configmaps \"m\" not found");
}

TEST_F(Requests, DependentsAreDealtWithAsAsked) {
  make("a");
  const auto foreground = server_.remove(kMaps + "/a", R"({"propagationPolicy":"Foreground"})");
  EXPECT_EQ(foreground->at("metadata", "finalizers"), R"(["foregroundDeletion"])");
  make("b");
  EXPECT_EQ(server_.remove(kMaps + "/b?propagationPolicy=Orphan")->at("metadata", "finalizers"),
            R"(["orphan"])");
  make("c");
  EXPECT_EQ(
      server_.remove(kMaps + "/c", R"({"orphanDependents":true})")->at("metadata", "finalizers"),
      R"(["orphan"])");
  make("d");
  EXPECT_EQ(server_.remove(kMaps + "/d", R"({"propagationPolicy":"Maybe"})")->status, 422);
  EXPECT_EQ(server_.remove(kMaps + "/d", R"({"preconditions":{"uid":"other"}})")->status, 409);
  EXPECT_EQ(server_.remove(kMaps + "/d", R"({"propagationPolicy":"Background"})")->status, 200);
  EXPECT_EQ(server_.get(kMaps + "/d")->status, 404);
}

TEST_F(Requests, CollectionsAreDeletedBySelector) {
  for (int i = 0; i < 150; ++i) {
    make("m" + std::to_string(i), i % 2 == 0 ? R"(,"labels":{"even":"yes"})" : "");
  }
  const auto gone = server_.remove(kMaps + "?labelSelector=even%3Dyes");
  EXPECT_EQ(gone->status, 200);
  EXPECT_EQ(gone->json().find("items")->size(), 75U);
  EXPECT_EQ(server_.get(kMaps)->json().find("items")->size(), 75U);
  EXPECT_EQ(server_.remove(kMaps)->status, 200);
  EXPECT_EQ(server_.get(kMaps)->json().find("items")->size(), 0U);
}

TEST_F(Requests, ANamespaceGoesWhenItIsEmpty) {
  ASSERT_EQ(server_.post("/api/v1/namespaces", R"({"metadata":{"name":"n"}})")->status, 201);
  const std::string maps = "/api/v1/namespaces/n/configmaps";
  ASSERT_EQ(server_.post(maps, R"({"metadata":{"name":"m"}})")->status, 201);
  const auto going = server_.remove("/api/v1/namespaces/n");
  EXPECT_EQ(going->at("status", "phase"), "Terminating");
  const auto refused = server_.post(maps, R"({"metadata":{"name":"x"}})");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "configmaps \"x\" is forbidden: unable to create new content in namespace n because it "
            "is being terminated");
  EXPECT_EQ(server_.merge(maps + "/m", R"({"data":{"a":"b"}})")->status, 200);
  EXPECT_EQ(server_
                .put("/api/v1/namespaces/n/finalize",
                     R"({"metadata":{"name":"n"},"spec":{"finalizers":[]}})")
                ->status,
            200);
  EXPECT_EQ(server_.get("/api/v1/namespaces/n")->status, 404);
  const auto kept = server_.remove("/api/v1/namespaces/default");
  EXPECT_EQ(kept->status, 403);
  EXPECT_EQ(kept->message(),
            "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

// -- Lists and watches

TEST_F(Requests, ListsComeInPages) {
  for (const char* name : {"a", "b", "c", "d", "e"}) make(name);
  const auto first = server_.get(kMaps + "?limit=2");
  EXPECT_EQ(first->json().find("items")->size(), 2U);
  EXPECT_EQ(first->at("metadata", "remainingItemCount"), "3");
  make("bb");  // Is not of the list that was begun.
  const std::string next = first->at("metadata", "continue");
  const auto second = server_.get(kMaps + "?limit=2&continue=" + next);
  ASSERT_EQ(second->status, 200) << second->body;
  EXPECT_EQ(second->json().find("items")->items()[0].find("metadata")->string_at("name"), "c");
  EXPECT_EQ(second->at("metadata", "resourceVersion"), first->at("metadata", "resourceVersion"));
  const auto last = server_.get(kMaps + "?limit=2&continue=" + second->at("metadata", "continue"));
  EXPECT_EQ(last->json().find("items")->size(), 1U);
  EXPECT_EQ(last->at("metadata", "continue"), "");
  EXPECT_EQ(server_.get(kMaps + "?continue=nonsense")->status, 400);
  for (int i = 0; i < 300; ++i)
    server_.merge(kMaps + "/a", R"({"data":{"i":")" + std::to_string(i) + "\"}}");
  const auto late = server_.get(kMaps + "?limit=2&continue=" + next);
  EXPECT_EQ(late->status, 410);
  EXPECT_EQ(late->reason(), "Expired");
  const auto rest = server_.get(kMaps + "?limit=2&continue=" + late->at("metadata", "continue"));
  ASSERT_EQ(rest->status, 200) << rest->body;
  EXPECT_EQ(rest->json().find("items")->items()[0].find("metadata")->string_at("name"), "bb")
      << "what came meanwhile shows in a list that goes on as things are now";
}

TEST_F(Requests, ListsAreLaidOutUntilTheyAreLarge) {
  const std::string text(900'000, 'x');
  const auto make = [&](const std::string& name) {
    const auto made = server_.post(
        kMaps, R"({"metadata":{"name":")" + name + R"("},"data":{"k":")" + text + R"("}})");
    EXPECT_EQ(made->status, 201);
  };
  make("a");
  EXPECT_TRUE(server_.get(kMaps + "?pretty=true")->body.starts_with("{\n  \"kind\""));
  for (const char* name : {"b", "c", "d", "e"}) make(name);
  const auto large = server_.get(kMaps + "?pretty=true");
  EXPECT_TRUE(large->body.starts_with("{\"kind\""));
  EXPECT_EQ(large->json().find("items")->size(), 5U);
}

TEST_F(Requests, LargeAnswersAreCompressedForThoseWhoTakeIt) {
  const std::string large(200 << 10, 'x');
  for (const char* name : {"a", "b"}) {
    server_.post(kMaps, R"({"metadata":{"name":")" + std::string(name) + R"("},"data":{"k":")" +
                            large + "\"}}");
  }
  make("small");
  const auto ask = [&](const std::string& path, bool takes) {
    auto request = server_.request("GET", path);
    if (takes) request.headers.add("accept-encoding", "gzip");
    return server_.call(std::move(request));
  };
  for (const std::string& path : {kMaps, kMaps + "/a"}) {
    const auto packed = ask(path, true);
    EXPECT_EQ(packed->headers.get("content-encoding"), "gzip");
    EXPECT_EQ(packed->headers.get("vary"), "Accept-Encoding");
    EXPECT_LT(packed->body.size(), large.size() / 10);
    EXPECT_FALSE(ask(path, false)->headers.has("content-encoding"));
  }
  EXPECT_FALSE(ask(kMaps + "/small", true)->headers.has("content-encoding"));
}

TEST_F(Requests, WatchesSayWhatTheyMayBeAsked) {
  const auto refused = [&](const std::string& query) {
    const auto answer = server_.get(kMaps + "?watch=true&" + query);
    EXPECT_EQ(answer->status, 422) << query;
    return answer->message();
  };
  const std::string start = "ListOptions.meta.k8s.io \"\" is invalid: ";
  EXPECT_EQ(refused("resourceVersion=1&resourceVersionMatch=NotOlderThan"),
            start +
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch "
                "unless sendInitialEvents is provided");
  EXPECT_EQ(refused("sendInitialEvents=true"),
            start +
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                "resourceVersionMatch to NotOlderThan");
  EXPECT_EQ(refused("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x"),
            start +
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when "
                "continue is provided");
}

TEST_F(Requests, ListsCanBeSelected) {
  make("a", R"(,"labels":{"app":"x"})");
  make("b", R"(,"labels":{"app":"y"})");
  EXPECT_EQ(server_.get(kMaps + "?labelSelector=app+in+(x)")->json().find("items")->size(), 1U);
  EXPECT_EQ(server_.get(kMaps + "?fieldSelector=metadata.name!%3Da")->json().find("items")->size(),
            1U);
  const auto bad = server_.get(kMaps + "?fieldSelector=spec.nothing%3Da");
  EXPECT_EQ(bad->status, 400);
  EXPECT_EQ(bad->message(),
            "\"spec.nothing\" is not a known field selector: only \"metadata.name\", "
            "\"metadata.namespace\"");
  EXPECT_EQ(server_.get(kMaps + "?labelSelector=a%3D%3D%3Db")->status, 400);
  EXPECT_EQ(server_.get(kMaps + "?limit=x")->status, 400);
  EXPECT_EQ(server_.get(kMaps + "?resourceVersion=99999")->status, 504);
}

TEST_F(Requests, AWatchTellsWhatHappens) {
  make("a");
  const std::string since = server_.get(kMaps)->at("metadata", "resourceVersion");
  const auto watch = server_.get(kMaps + "?watch=true&resourceVersion=" + since);
  EXPECT_EQ(watch->body, "");
  make("b");
  server_.merge(kMaps + "/a", R"({"data":{"k":"w"}})");
  server_.remove(kMaps + "/a");
  EXPECT_TRUE(watch->is_woken());
  watch->pull();
  const auto lines = split(watch->body, '\n');
  ASSERT_EQ(lines.size(), 4U) << watch->body;
  EXPECT_TRUE(lines[0].starts_with(R"({"type":"ADDED","object":{"kind":"ConfigMap")"));
  EXPECT_TRUE(lines[1].starts_with(R"({"type":"MODIFIED")"));
  EXPECT_TRUE(lines[2].starts_with(R"({"type":"DELETED")"));
}

TEST_F(Requests, AWatchSeesObjectsComeIntoItsSelection) {
  make("a");
  const auto watch = server_.get(kMaps + "?watch=true&labelSelector=app&resourceVersion=" +
                                 server_.get(kMaps)->at("metadata", "resourceVersion"));
  server_.merge(kMaps + "/a", R"({"metadata":{"labels":{"app":"x"}}})");
  server_.merge(kMaps + "/a", R"({"metadata":{"labels":{"app":null}}})");
  watch->pull();
  const auto lines = split(watch->body, '\n');
  ASSERT_EQ(lines.size(), 3U) << watch->body;
  EXPECT_TRUE(lines[0].starts_with(R"({"type":"ADDED")"));
  EXPECT_TRUE(lines[1].starts_with(R"({"type":"DELETED")"));
}

TEST_F(Requests, AWatchCanBeginWithWhatIsThere) {
  make("a");
  const auto watch = server_.get(kMaps +
                                 "?watch=true&sendInitialEvents=true&resourceVersionMatch="
                                 "NotOlderThan&allowWatchBookmarks=true");
  const auto lines = split(watch->body, '\n');
  ASSERT_EQ(lines.size(), 3U) << watch->body;
  EXPECT_TRUE(lines[0].starts_with(R"({"type":"ADDED")"));
  EXPECT_NE(lines[1].find(R"("k8s.io/initial-events-end":"true")"), std::string_view::npos);
  watch->body.clear();
  server_.executor().advance(std::chrono::seconds(70));
  watch->pull();
  EXPECT_TRUE(watch->body.starts_with(R"({"type":"BOOKMARK")")) << watch->body;
  EXPECT_EQ(server_.get(kMaps + "?watch=true&sendInitialEvents=true")->status, 422);
}

TEST_F(Requests, AWatchThatIsTooLateSaysSo) {
  make("a");
  for (int i = 0; i < 300; ++i)
    server_.merge(kMaps + "/a", R"({"data":{"i":")" + std::to_string(i) + "\"}}");
  const auto watch = server_.get(kMaps + "?watch=true&resourceVersion=2");
  EXPECT_EQ(watch->status, 200);
  EXPECT_TRUE(watch->body.starts_with(R"({"type":"ERROR","object":{"kind":"Status")"))
      << watch->body;
  EXPECT_NE(watch->body.find(R"("code":410)"), std::string::npos);
  EXPECT_TRUE(watch->ended);
}

TEST_F(Requests, AWatchEndsInTime) {
  const auto watch = server_.get(kMaps + "?watch=true&timeoutSeconds=5");
  server_.executor().advance(std::chrono::seconds(6));
  watch->pull();
  EXPECT_TRUE(watch->ended);
  const auto other = server_.get(kMaps + "?watch=true");
  server_.server().shut_down();
  other->pull();
  EXPECT_TRUE(other->ended);
  EXPECT_EQ(server_.get(kMaps)->status, 503);
}

// -- Subresources

TEST_F(Requests, ScaleIsAViewOfReplicas) {
  const std::string path = "/apis/apps/v1/namespaces/default/deployments";
  ASSERT_EQ(server_
                .post(path, R"({"metadata":{"name":"d"},"spec":{"replicas":2,"selector":)"
                            R"({"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":)"
                            R"({"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})")
                ->status,
            201);
  const auto scale = server_.get(path + "/d/scale");
  EXPECT_EQ(scale->at("kind"), "Scale");
  EXPECT_EQ(scale->at("spec", "replicas"), "2");
  EXPECT_EQ(scale->at("status", "selector"), "a=b");
  EXPECT_EQ(server_.merge(path + "/d/scale", R"({"spec":{"replicas":5}})")->at("spec", "replicas"),
            "5");
  const auto changed = server_.get(path + "/d");
  EXPECT_EQ(changed->at("spec", "replicas"), "5");
  EXPECT_EQ(changed->at("metadata", "generation"), "2");
  const auto negative = server_.merge(path + "/d/scale", R"({"spec":{"replicas":-1}})");
  EXPECT_EQ(negative->status, 422);
  EXPECT_NE(negative->message().find(
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
            std::string::npos);
  // A status does not count as a change of the object.
  EXPECT_EQ(server_.merge(path + "/d/status", R"({"status":{"replicas":5}})")
                ->at("metadata", "generation"),
            "2");
}

TEST_F(Requests, ARollbackOfTheBetaVersionsSaysWhereTo) {
  const std::string path = "/apis/extensions/v1beta1/namespaces/default/deployments";
  ASSERT_EQ(server_
                .post(path, R"({"metadata":{"name":"d"},"spec":{"template":{"metadata":)"
                            R"({"labels":{"a":"b"}},"spec":{"containers":[{"name":"c",)"
                            R"("image":"i"}]}}}})")
                ->status,
            201);
  const auto done =
      server_.post(path + "/d/rollback",
                   R"({"kind":"DeploymentRollback","name":"d","rollbackTo":{"revision":3},)"
                   R"("updatedAnnotations":{"why":"it broke"}})");
  EXPECT_EQ(done->status, 201) << done->body;
  const auto now = server_.get("/apis/apps/v1/namespaces/default/deployments/d");
  EXPECT_NE(now->body.find(R"("deprecated.deployment.rollback.to":"3")"), std::string::npos);
  EXPECT_NE(now->body.find(R"("why":"it broke")"), std::string::npos);

  const auto wrong = server_.post(path + "/d/rollback", R"({"rollbackTo":{"revision":-1}})");
  EXPECT_EQ(wrong->status, 422);
  EXPECT_NE(wrong->body.find("name: Required value"), std::string::npos) << wrong->body;
  const auto other =
      server_.post(path + "/d/rollback", R"({"name":"e","rollbackTo":{"revision":0}})");
  EXPECT_EQ(other->status, 400);
  const auto missing =
      server_.post(path + "/x/rollback", R"({"name":"x","rollbackTo":{"revision":0}})");
  EXPECT_EQ(missing->status, 404);
}

TEST_F(Requests, AnEvictionAsksTheBudgets) {
  server_.make_service_account("default");
  const std::string pods = "/api/v1/namespaces/default/pods";
  ASSERT_EQ(server_
                .post(pods, R"({"metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":)"
                            R"([{"name":"c","image":"i"}]}})")
                ->status,
            201);
  ASSERT_EQ(server_
                .post("/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                      R"({"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":)"
                      R"({"matchLabels":{"a":"b"}}}})")
                ->status,
            201);
  const std::string budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b";
  const std::string eviction =
      R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}})";
  ASSERT_EQ(
      server_
          .merge(
              pods + "/p/status",
              R"({"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})")
          ->status,
      200);
  const auto early = server_.post(pods + "/p/eviction", eviction);
  EXPECT_EQ(early->status, 429);
  EXPECT_EQ(early->message(), "Cannot evict pod as it would violate the pod's disruption budget.");
  EXPECT_EQ(early->headers.get("retry-after"), "10");
  EXPECT_NE(early->body.find("The disruption budget b is still being processed by the server."),
            std::string::npos);
  server_.merge(budget + "/status",
                R"({"status":{"observedGeneration":1,"desiredHealthy":1,"currentHealthy":1}})");
  EXPECT_NE(server_.post(pods + "/p/eviction", eviction)
                ->body.find("The disruption budget b needs 1 healthy pods and has 1 currently"),
            std::string::npos);
  server_.merge(budget + "/status", R"({"status":{"disruptionsAllowed":1}})");
  EXPECT_EQ(server_.post(pods + "/p/eviction?dryRun=All", eviction)->status, 201);
  EXPECT_EQ(server_.get(budget)->at("status", "disruptionsAllowed"), "1");
  EXPECT_EQ(server_.post(pods + "/p/eviction", eviction)->status, 201);
  EXPECT_EQ(server_.get(pods + "/p")->status, 404);
  EXPECT_EQ(server_.get(budget)->at("status", "disruptionsAllowed"), "0");
  EXPECT_EQ(server_.post(pods + "/p/eviction", eviction)->status, 404);
}

TEST_F(Requests, WhatIsNotThereIsNotFound) {
  for (const char* path : {"/apis/nope/v1/x", "/api/v1/nope", "/api/v2/pods",
                           "/api/v1/namespaces/default/pods/p/nope", "/nope"}) {
    EXPECT_EQ(server_.get(path)->status, 404) << path;
  }
  EXPECT_EQ(server_.get("/api/v1/nope")->message(),
            "the server could not find the requested resource");
  EXPECT_EQ(server_.get("/api/v1/namespaces/a/pods/..")->status, 400);
  EXPECT_EQ(server_.get("/healthz")->body, "ok");
}

}  // namespace
}  // namespace pinnace::apiserver

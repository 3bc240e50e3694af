#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

const std::string kPods = "/api/v1/namespaces/default/pods";

class Pods : public ::testing::Test {
 protected:
  Pods() { server_.make_service_account("default"); }
  void make(const std::string& name, const std::string& more = "") {
    const auto made =
        server_.post(kPods, R"({"metadata":{"name":")" + name + R"("},"spec":{)" + more +
                                R"("containers":[{"name":"c","image":"i"}]}})");
    ASSERT_EQ(made->status, 201) << made->body;
  }
  TestServer server_;
};

TEST_F(Pods, StartAsPending) {
  const auto made = server_.post(
      kPods,
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i",)"
      R"("resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]},"status":{"phase":"Running"}})");
  EXPECT_EQ(made->at("status", "phase"), "Pending");
  EXPECT_EQ(made->at("status", "qosClass"), "Guaranteed");
  EXPECT_EQ(made->at("metadata", "generation"), "1");
  make("q");
  EXPECT_EQ(server_.get(kPods + "/q")->at("status", "qosClass"), "BestEffort");
}

TEST_F(Pods, KeepAllButAFewFields) {
  make("p");
  const auto message = [&](const std::string& patch) {
    return server_.merge(kPods + "/p?dryRun=All", patch)->message();
  };
  EXPECT_EQ(
      message(R"({"spec":{"hostNetwork":true}})"),
      "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than "
      "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
      "`spec.tolerations` (only additions to existing tolerations),"
      "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
      "negative)\n+ hostNetwork: true");
  EXPECT_EQ(
      message(R"({"spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}]}})"),
      "Pod \"p\" is invalid: spec.containers: Forbidden: pod updates may not add or remove "
      "containers");
  EXPECT_EQ(message(R"({"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready",)"
                    R"("operator":"Equal","value":"x","effect":"NoExecute"}]}})"),
            "Pod \"p\" is invalid: spec.tolerations: Forbidden: existing toleration can not be "
            "modified except its tolerationSeconds");
  const auto image =
      server_.call("PATCH", kPods + "/p", R"({"spec":{"containers":[{"name":"c","image":"j"}]}})",
                   "application/strategic-merge-patch+json");
  EXPECT_EQ(image->status, 200) << image->body;
  EXPECT_EQ(image->at("metadata", "generation"), "2");
  EXPECT_EQ(server_.merge(kPods + "/p", R"({"spec":{"activeDeadlineSeconds":10}})")->status, 200);
  EXPECT_EQ(
      message(R"({"spec":{"activeDeadlineSeconds":20}})"),
      "Pod \"p\" is invalid: spec.activeDeadlineSeconds: Invalid value: 20: must be less than "
      "or equal to previous value");
  EXPECT_EQ(
      message(R"({"spec":{"activeDeadlineSeconds":null}})"),
      "Pod \"p\" is invalid: spec.activeDeadlineSeconds: Invalid value: null: must not update "
      "from a positive integer to nil value");
}

TEST_F(Pods, AreBoundOnce) {
  make("p");
  const std::string binding = R"({"metadata":{"name":"p"},"target":{"name":"n"}})";
  EXPECT_EQ(server_.post(kPods + "/p/binding", binding)->status, 201);
  const auto pod = server_.get(kPods + "/p");
  EXPECT_EQ(pod->at("spec", "nodeName"), "n");
  EXPECT_EQ(pod->at("metadata", "generation"), "1");
  EXPECT_NE(pod->at("status", "conditions").find("PodScheduled"), std::string::npos);
  const auto again = server_.post(kPods + "/p/binding", binding);
  EXPECT_EQ(again->status, 409);
  EXPECT_EQ(
      again->message(),
      "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node "
      "\"n\"");
  EXPECT_EQ(server_.post(kPods + "/p/binding", R"({"metadata":{"name":"p"}})")->message(),
            "target.name: Required value");
}

TEST_F(Pods, GetTheirGracePeriod) {
  make("p", R"("terminationGracePeriodSeconds":7,)");
  make("idle");
  ASSERT_EQ(
      server_.post(kPods + "/p/binding", R"({"metadata":{"name":"p"},"target":{"name":"n"}})")
          ->status,
      201);
  const auto going = server_.remove(kPods + "/p");
  EXPECT_EQ(going->status, 200);
  EXPECT_EQ(going->at("metadata", "deletionGracePeriodSeconds"), "7");
  EXPECT_EQ(going->at("metadata", "deletionTimestamp"), "2026-01-01T00:00:07Z");
  // A shorter time counts, a longer one does not.
  EXPECT_EQ(server_.remove(kPods + "/p?gracePeriodSeconds=9")
                ->at("metadata", "deletionGracePeriodSeconds"),
            "7");
  EXPECT_EQ(server_.remove(kPods + "/p?gracePeriodSeconds=3")->at("metadata", "deletionTimestamp"),
            "2026-01-01T00:00:03Z");
  EXPECT_EQ(server_.remove(kPods + "/p", R"({"gracePeriodSeconds":0})")->status, 200);
  EXPECT_EQ(server_.get(kPods + "/p")->status, 404);
  EXPECT_EQ(server_.remove(kPods + "/idle")->status, 200);
  EXPECT_EQ(server_.get(kPods + "/idle")->status, 404);
}

TEST_F(Pods, EphemeralContainersAreAddedByTheirSubresource) {
  make("p");
  const std::string add = R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}})";
  EXPECT_NE(server_.merge(kPods + "/p", add)->status, 200);
  const auto added = server_.merge(kPods + "/p/ephemeralcontainers", add);
  EXPECT_EQ(added->status, 200) << added->body;
  EXPECT_EQ(
      server_.merge(kPods + "/p/ephemeralcontainers", R"({"spec":{"ephemeralContainers":[]}})")
          ->message(),
      "Pod \"p\" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral "
      "containers \"e\" may not be removed\n");
  EXPECT_EQ(server_
                .merge(kPods + "/p/ephemeralcontainers",
                       R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"},)"
                       R"({"name":"c","image":"i"}]}})")
                ->message(),
            "Pod \"p\" is invalid: spec.ephemeralContainers[1].name: Duplicate value: \"c\"");
}

TEST_F(Pods, RunAsAServiceAccountThatExists) {
  const auto refused =
      server_.post(kPods, R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"nobody",)"
                          R"("containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "pods \"p\" is forbidden: error looking up service account default/nobody: "
            "serviceaccount \"nobody\" not found");
  make("p");
  const auto pod = server_.get(kPods + "/p");
  EXPECT_EQ(pod->at("spec", "serviceAccountName"), "default");
  EXPECT_NE(pod->at("spec", "volumes").find("kube-api-access-"), std::string::npos);
}

}  // namespace
}  // namespace pinnace::apiserver

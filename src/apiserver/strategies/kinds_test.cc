// What some kinds' strategies do besides refusing; what they refuse is in strategies/cases.
#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

TEST(Kinds, AJobFindsItsPodsByItsUid) {
  TestServer server;
  const std::string jobs = "/apis/batch/v1/namespaces/default/jobs";
  const auto made = server.post(
      jobs, R"({"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never",)"
            R"("containers":[{"name":"c","image":"i"}]}}}})");
  const std::string uid = made->at("metadata", "uid");
  EXPECT_EQ(made->at("spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"), uid);
  EXPECT_EQ(made->at("spec", "template", "metadata", "labels", "job-name"), "j");
  EXPECT_EQ(server.merge(jobs + "/j", R"({"spec":{"parallelism":2}})")->status, 200);
  EXPECT_NE(server.merge(jobs + "/j", R"({"spec":{"completions":2}})")->status, 200);
}

TEST(Kinds, DataIsBounded) {
  TestServer server;
  const std::string full(1 << 20, 'x');
  const auto post = [&](const std::string& text) {
    return server.post("/api/v1/namespaces/default/configmaps",
                       R"({"metadata":{"name":"x"},"data":{"k":")" + text + R"("}})");
  };
  EXPECT_EQ(post(full + "x")->message(),
            "ConfigMap \"x\" is invalid: []: Too long: may not be more than 1048576 bytes");
  EXPECT_EQ(post(full)->status, 201);
}

}  // namespace
}  // namespace pinnace::apiserver

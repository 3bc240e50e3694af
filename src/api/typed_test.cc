#include "api/typed.h"

#include <gtest/gtest.h>

#include "api/types/apps_v1.h"
#include "api/types/authentication_v1.h"
#include "api/types/coordination_v1.h"
#include "api/types/core_v1.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default",)"
    R"("creationTimestamp":"2026-11-24T10:00:00Z","labels":{"a":"1","b":"2"}},)"
    R"("spec":{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}],)"
    R"("containers":[{"name":"c","image":"busybox:1","ports":[{"containerPort":80}],)"
    R"("resources":{"limits":{"cpu":"500m"}},"livenessProbe":{"httpGet":{"path":"/","port":"http"},)"
    R"("periodSeconds":10}}],"restartPolicy":"Always","terminationGracePeriodSeconds":0,)"
    R"("hostNetwork":true},"status":{"podIP":"10.0.0.1"}})";

TEST(Typed, DecodesNestedInlineAndSpecialMembers) {
  auto pod = from_json<core_v1::Pod>(kPod);
  ASSERT_TRUE(pod.has_value()) << pod.error().message;
  EXPECT_EQ(pod->metadata.name, "web");
  EXPECT_EQ(pod->metadata.labels.at("b"), "2");
  EXPECT_FALSE(pod->metadata.creation_timestamp.is_zero());
  EXPECT_TRUE(pod->metadata.deletion_timestamp.is_zero());
  ASSERT_TRUE(pod->spec.volumes[0].empty_dir.has_value());
  EXPECT_EQ(pod->spec.volumes[0].empty_dir->size_limit->value(), 1 << 30);
  EXPECT_FALSE(pod->spec.volumes[0].secret.has_value());
  const auto& container = pod->spec.containers[0];
  EXPECT_EQ(container.resources.limits.at("cpu").milli_value(), 500);
  EXPECT_EQ(container.liveness_probe->http_get->port.text(), "http");
  EXPECT_EQ(pod->spec.termination_grace_period_seconds, 0);
  EXPECT_TRUE(pod->spec.host_network);
  EXPECT_EQ(pod->status.pod_ip, "10.0.0.1");
}

TEST(Typed, EncodesWhatItDecoded) {
  auto pod = from_json<core_v1::Pod>(kPod);
  ASSERT_TRUE(pod.has_value());
  EXPECT_EQ(to_json(*pod), kPod);
}

TEST(Typed, ComparesByContent) {
  auto a = from_json<core_v1::Pod>(kPod);
  auto b = from_json<core_v1::Pod>(kPod);
  EXPECT_TRUE(*a == *b);
  b->spec.containers[0].liveness_probe->http_get->path = "/other";
  EXPECT_FALSE(*a == *b);
  core_v1::Pod copy = *a;
  copy.spec.volumes[0].empty_dir->medium = "Memory";
  EXPECT_TRUE(a->spec.volumes[0].empty_dir->medium.empty());
}

TEST(Typed, KnowsWhereAKindIsServed) {
  EXPECT_EQ(apps_v1::Deployment::kResource.group, "apps");
  EXPECT_EQ(apps_v1::Deployment::kResource.resource, "deployments");
  EXPECT_TRUE(apps_v1::Deployment::kResource.namespaced);
  EXPECT_FALSE(core_v1::Node::kResource.namespaced);
}

TEST(Typed, LeavesOutUnsetMembersAndKeepsRequiredLists) {
  core_v1::PodList list;
  EXPECT_EQ(to_json(list), R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]})");
}

TEST(Typed, KeepsBytesWrappersAndMicroTimes) {
  auto secret = from_json<core_v1::Secret>(R"({"metadata":{"name":"s"},"data":{"k":"aGVsbG8="}})");
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(secret->data.at("k"), "hello");
  auto review = from_json<authentication_v1::TokenReview>(
      R"({"spec":{"token":"t"},"status":{"user":{"username":"u","extra":{"k":["a","b"]}}}})");
  ASSERT_TRUE(review.has_value());
  EXPECT_EQ(review->status.user.extra.at("k").items.at(1), "b");
  EXPECT_NE(to_json(*review).find(R"("extra":{"k":["a","b"]})"), std::string::npos);
  auto lease =
      from_json<coordination_v1::Lease>(R"({"spec":{"renewTime":"2026-11-24T10:00:00.123456Z"}})");
  ASSERT_TRUE(lease.has_value());
  EXPECT_NE(to_json(*lease).find(R"("renewTime":"2026-11-24T10:00:00.123456Z")"),
            std::string::npos);
}

TEST(Typed, NamesTheMemberOfAWrongType) {
  auto wrong = from_json<apps_v1::Deployment>(R"({"spec":{"replicas":"three"}})");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, 400);
  EXPECT_EQ(wrong.error().message, "spec.replicas: expected an integer");
  auto deep = from_json<core_v1::Pod>(R"({"spec":{"containers":[{"name":7}]}})");
  EXPECT_EQ(deep.error().message, "spec.containers.name: expected a string");
}

}  // namespace
}  // namespace pinnace::api

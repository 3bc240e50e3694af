#include "controllers/volume_protection/plan.h"

#include "controllers/support/testing.h"

namespace pinnace::controllers::volume_protection {
namespace {

using testing::from;

core_v1::PersistentVolumeClaim claim(const std::string& more = "") {
  return from<core_v1::PersistentVolumeClaim>(R"({"metadata":{"namespace":"default","name":"c")" +
                                              more + "}}");
}

constexpr char kDeleted[] = R"(,"deletionTimestamp":"2026-01-01T00:00:00Z")";
constexpr char kProtected[] = R"(,"finalizers":["a/b","kubernetes.io/pvc-protection"])";

TEST(VolumeProtection, GivesTheFinalizerToWhatLivesAndTakesItFromWhatIsDeleted) {
  const auto asked = [](const std::string& more) {
    return wanted(claim(more).metadata, kClaimFinalizer);
  };
  EXPECT_EQ(asked(""), Wanted::kAdd);
  EXPECT_EQ(asked(kProtected), Wanted::kNothing);
  EXPECT_EQ(asked(kDeleted), Wanted::kNothing);
  const auto going = claim(std::string(kDeleted) + kProtected).metadata;
  EXPECT_EQ(wanted(going, kClaimFinalizer), Wanted::kRemove);
  EXPECT_EQ(with_finalizer(going, Wanted::kRemove, kClaimFinalizer),
            std::vector<std::string>{"a/b"});
  EXPECT_EQ(with_finalizer(claim().metadata, Wanted::kAdd, kClaimFinalizer),
            std::vector<std::string>{std::string(kClaimFinalizer)});
}

TEST(VolumeProtection, APodUsesAClaimOnceItHasANode) {
  const auto pod = [](const std::string& node, const std::string& name) {
    return from<core_v1::Pod>(
        R"({"metadata":{"namespace":"default","name":"p","uid":"u"},"spec":{"nodeName":")" + node +
        R"(","volumes":[{"name":"v","persistentVolumeClaim":{"claimName":")" + name +
        R"("}}]},"status":{"phase":"Succeeded"}})");
  };
  EXPECT_TRUE(uses(pod("n", "c"), claim()));
  EXPECT_FALSE(uses(pod("", "c"), claim()));
  EXPECT_FALSE(uses(pod("n", "other"), claim()));
}

TEST(VolumeProtection, AnEphemeralVolumeIsAClaimOfThePodsOwn) {
  auto pod = from<core_v1::Pod>(
      R"({"metadata":{"namespace":"default","name":"p","uid":"u"},"spec":{"nodeName":"n",)"
      R"("volumes":[{"name":"c","ephemeral":{}}]}})");
  const auto own = [](const std::string& uid) {
    return from<core_v1::PersistentVolumeClaim>(
        R"({"metadata":{"namespace":"default","name":"p-c","ownerReferences":[{"kind":"Pod",)"
        R"("apiVersion":"v1","name":"p","controller":true,"uid":")" +
        uid + R"("}]}})");
  };
  EXPECT_TRUE(uses(pod, own("u")));
  EXPECT_FALSE(uses(pod, own("another")));
}

TEST(VolumeProtection, AVolumeIsUsedWhileItIsBound) {
  EXPECT_TRUE(is_used(from<core_v1::PersistentVolume>(R"({"status":{"phase":"Bound"}})")));
  EXPECT_FALSE(is_used(from<core_v1::PersistentVolume>(R"({"status":{"phase":"Released"}})")));
}

}  // namespace
}  // namespace pinnace::controllers::volume_protection

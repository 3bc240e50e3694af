#include "controllers/legacy_token_cleaner/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::legacy_token_cleaner {
namespace {

using controllers::testing::at;
using controllers::testing::from;
using controllers::testing::make_pod;
using core_v1::Secret;
using core_v1::ServiceAccount;

constexpr std::int64_t kDay = 86400;
constexpr Duration kYear = std::chrono::hours(8760);

Secret secret(const std::string& labels = "") {
  auto made = from<Secret>(R"({"metadata":{"name":"t","namespace":"ns","labels":{)" + labels +
                           R"(},"annotations":{"kubernetes.io/service-account.name":"robot"}},
          "type":"kubernetes.io/service-account-token"})");
  made.metadata.creation_timestamp = to_time(at(0));
  return made;
}
ServiceAccount account(const std::string& secrets = R"({"name":"t"})") {
  return from<ServiceAccount>(R"({"metadata":{"name":"robot","namespace":"ns","uid":"u"},)"
                              R"("secrets":[)" +
                              secrets + "]}");
}
// On the day so many days after the Secret was made (2026-01-01).
Fate fate(const std::string& labels, std::int64_t day) {
  const auto robot = account();
  return fate_of(secret(labels), &robot, kYear, at(day * kDay));
}

TEST(LegacyTokenCleaner, MarksWhatIsOldAndUnusedAndRemovesItAYearLater) {
  EXPECT_EQ(fate("", 365), Fate::kKeep);
  EXPECT_EQ(fate("", 366), Fate::kMark);
  const std::string marked = R"("kubernetes.io/legacy-token-invalid-since":"2027-01-02")";
  EXPECT_EQ(fate(marked, 366 + 365), Fate::kKeep);
  EXPECT_EQ(fate(marked, 366 + 367), Fate::kRemove);
  EXPECT_EQ(fate(R"("kubernetes.io/legacy-token-invalid-since":"never")", 366), Fate::kMark);
}

TEST(LegacyTokenCleaner, KeepsWhatWasUsedWithinTheYear) {
  const std::string used = R"("kubernetes.io/legacy-token-last-used":"2026-06-01")";
  EXPECT_EQ(fate(used, 366), Fate::kKeep);
  EXPECT_EQ(fate(used, 366 + 151), Fate::kMark);
  EXPECT_EQ(fate(R"("kubernetes.io/legacy-token-last-used":"some-day")", 900), Fate::kKeep);
}

TEST(LegacyTokenCleaner, KeepsWhatWasMadeByHandOrIsMounted) {
  const auto without = account("");
  EXPECT_EQ(fate_of(secret(), &without, kYear, at(900 * kDay)), Fate::kKeep);
  EXPECT_EQ(fate_of(secret(), nullptr, kYear, at(900 * kDay)), Fate::kKeep);
  auto pod = make_pod({.name = "p"});
  EXPECT_FALSE(may_use(pod, "t"));
  pod.spec.image_pull_secrets.emplace_back().name = "t";
  EXPECT_TRUE(may_use(pod, "t"));
}

TEST(LegacyTokenCleaner, WaitsUntilUseWasWrittenDownForAYear) {
  EXPECT_FALSE(is_tracked_long_enough("2026-01-01", kYear, at(366 * kDay - 1)));
  EXPECT_TRUE(is_tracked_long_enough("2026-01-01", kYear, at(366 * kDay)));
  EXPECT_FALSE(is_tracked_long_enough("yesterday", kYear, at(900 * kDay)));
}

}  // namespace
}  // namespace pinnace::controllers::legacy_token_cleaner

#include "api/served.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/version_order.h"

namespace pinnace::api {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const ServedSchema* keep(ServedSchema made) {
  static std::vector<std::unique_ptr<ServedSchema>> kept;
  return kept.emplace_back(std::make_unique<ServedSchema>(std::move(made))).get();
}

Schema served(const RuntimeConfig& config) {
  auto made = ServedSchema::create(builtin_schema(), config);
  EXPECT_TRUE(made) << made.error().message;
  return keep(std::move(*made))->schema(builtin_schema());
}

std::string refused(const RuntimeConfig& config) {
  const auto made = ServedSchema::create(builtin_schema(), config);
  return made ? "" : made.error().message;
}

TEST(Served, AsBuiltWithoutAWord) {
  const Schema same = served({});
  EXPECT_THAT(same.groups(), ::testing::ElementsAreArray(builtin_schema().groups()));
  for (const std::string_view group : same.groups()) {
    EXPECT_THAT(same.versions(group),
                ::testing::ElementsAreArray(builtin_schema().versions(group)));
  }
}

TEST(Served, VersionsComeInTheOrderOfTheirRanks) {
  EXPECT_EQ(builtin_schema().find_resource("batch", "v2alpha1", "cronjobs")->enabled, false);
  const Schema with = served({{"batch/v2alpha1", true}});
  EXPECT_TRUE(with.find_resource("batch", "v2alpha1", "cronjobs")->enabled);
  EXPECT_THAT(with.versions("batch"), ElementsAre("v1", "v1beta1", "v2alpha1"));
  const Schema without = served({{"batch/v1beta1", false}});
  EXPECT_FALSE(without.find_resource("batch", "v1beta1", "cronjobs")->enabled);
  EXPECT_THAT(without.versions("batch"), ElementsAre("v1"));
}

TEST(Served, TheNarrowerKeyCounts) {
  const Schema one = served({{"api/all", false}, {"api/v1", true}, {"apps/v1/deployments", true}});
  EXPECT_THAT(one.groups(), ElementsAre("", "apps"));
  EXPECT_TRUE(one.find_resource("", "v1", "pods")->enabled);
  EXPECT_TRUE(one.find_resource("apps", "v1", "deployments")->enabled);
  EXPECT_FALSE(one.find_resource("apps", "v1", "daemonsets")->enabled);
  const Schema most = served({{"apps/v1", true}, {"apps/v1/daemonsets", false}, {"v1", true}});
  EXPECT_TRUE(most.find_resource("apps", "v1", "deployments")->enabled);
  EXPECT_FALSE(most.find_resource("apps", "v1", "daemonsets")->enabled);
}

TEST(Served, ByMaturity) {
  const Schema stable = served({{"api/beta", false}});
  EXPECT_THAT(stable.groups(), Not(Contains("extensions")));
  EXPECT_THAT(stable.versions("apps"), ElementsAre("v1"));
  const Schema all = served({{"api/alpha", true}});
  EXPECT_THAT(all.groups(), Contains("internal.apiserver.k8s.io"));
  EXPECT_THAT(all.versions("internal.apiserver.k8s.io"), ElementsAre("v1alpha1"));
  EXPECT_THAT(builtin_schema().versions("internal.apiserver.k8s.io"), IsEmpty());
  EXPECT_THAT(served({{"api/all", true}}).groups(), Not(Contains("metrics.k8s.io")));
}

TEST(Served, KeysThatStandForNothingAreNamed) {
  EXPECT_THAT(refused({{"nonsense", true}}), HasSubstr("\"nonsense\" is none of api/all"));
  EXPECT_THAT(refused({{"metrics.k8s.io/v1beta1", true}}), HasSubstr("metrics.k8s.io/v1beta1"));
  EXPECT_THAT(refused({{"apps/v9", true}}), HasSubstr("apps/v9"));
  EXPECT_THAT(refused({{"apps/v1/pods", true}}), HasSubstr("apps/v1/pods"));
  EXPECT_THAT(refused({{"apps/v1/pods/status", true}}), HasSubstr("apps/v1/pods/status"));
  EXPECT_EQ(refused({{"api/all", false}}),
            "nothing would be served; name what is to stay, as api/v1=true");
}

TEST(VersionOrder, IsThatOfMaturity) {
  const char* const kInOrder[] = {"v10",      "v2",      "v1",        "v11beta2",
                                  "v10beta3", "v3beta1", "v12alpha1", "v11alpha2",
                                  "foo1",     "foo10",   "v1a"};
  for (std::size_t i = 0; i + 1 < std::size(kInOrder); ++i) {
    EXPECT_TRUE(is_preferred_version(kInOrder[i], kInOrder[i + 1])) << kInOrder[i];
    EXPECT_FALSE(is_preferred_version(kInOrder[i + 1], kInOrder[i])) << kInOrder[i];
  }
}

}  // namespace
}  // namespace pinnace::api

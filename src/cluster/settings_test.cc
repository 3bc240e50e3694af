#include "cluster/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace pinnace::cluster {
namespace {

using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    std::string path = (std::filesystem::temp_directory_path() / "settings-XXXXXX").string();
    arguments_.options["data-dir"] = mkdtemp(path.data());
  }
  ~SettingsTest() override { std::filesystem::remove_all(arguments_.get("data-dir")); }
  Arguments arguments_;
};

TEST_F(SettingsTest, DerivesEverythingFromTheName) {
  arguments_.options["name"] = "a-b";
  const auto settings = resolve_settings(arguments_);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->run_dir, "/run/pinnace/a-b");
  EXPECT_EQ(settings->nft_table(), "pinnace_a_b");
  EXPECT_EQ(settings->cgroup_root(), "/pinnace-a-b");
  EXPECT_LE(settings->dns_link().size(), 15u);
  EXPECT_NE(settings->dns_link(), Settings().dns_link());
  EXPECT_EQ(settings->cluster_dns_ip(), "10.96.0.10");
  EXPECT_EQ(settings->node_pod_cidr(), "10.244.0.0/24");
}

TEST_F(SettingsTest, KeepsWhatAnEarlierStartWasGiven) {
  arguments_.options["port"] = "7443";
  arguments_.options["pod-cidr"] = "10.1.0.0/16";
  ASSERT_TRUE(save_settings(*resolve_settings(arguments_)));
  arguments_.options.erase("port");
  arguments_.options.erase("pod-cidr");
  EXPECT_EQ(resolve_settings(arguments_)->port, 7443);
  EXPECT_EQ(resolve_settings(arguments_)->pod_cidr, "10.1.0.0/16");
}

TEST_F(SettingsTest, RefusesAnotherNetworkOverOldData) {
  ASSERT_TRUE(save_settings(*resolve_settings(arguments_)));
  std::filesystem::create_directories(resolve_settings(arguments_)->database_dir());
  arguments_.options["service-cidr"] = "10.9.0.0/16";
  const auto settings = resolve_settings(arguments_);
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message, HasSubstr("which cannot change"));
}

TEST_F(SettingsTest, TakesASecondRangeForServices) {
  ASSERT_TRUE(save_settings(*resolve_settings(arguments_)));
  std::filesystem::create_directories(resolve_settings(arguments_)->database_dir());
  arguments_.options["service-cidr"] = "10.96.0.0/16,fd00:10::/112";
  const auto settings = resolve_settings(arguments_);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->first_service_ip(), "10.96.0.1");
  EXPECT_EQ(settings->cluster_dns_ip(), "10.96.0.10");
  Settings other;
  other.service_cidr = "fd00:10::/112,10.1.0.0/24";
  EXPECT_EQ(other.first_service_ip(), "fd00:10::1");
  EXPECT_EQ(other.node_service_cidr(), "10.1.0.0/24");
  EXPECT_EQ(other.cluster_dns_ip(), "10.1.0.10");
  other.service_cidr = "fd00:10::/112";
  EXPECT_EQ(other.cluster_dns_ip(), "");
}

TEST_F(SettingsTest, NamesTheOptionThatIsWrong) {
  for (const auto& [option, value] :
       {std::pair{"name", "Upper"}, std::pair{"name", "-a"}, std::pair{"port", "0"},
        std::pair{"pod-cidr", "10.0.0.0"}, std::pair{"service-cidr", "10.0.0.0/31"},
        std::pair{"service-cidr", "fd00::/16"}, std::pair{"service-cidr", "10.0.0.0/24,"}}) {
    Arguments arguments = arguments_;
    arguments.options[option] = value;
    const auto settings = resolve_settings(arguments);
    ASSERT_FALSE(settings) << option << ' ' << value;
    EXPECT_THAT(settings.error().message, HasSubstr(std::string("--") + option));
  }
}

}  // namespace
}  // namespace pinnace::cluster

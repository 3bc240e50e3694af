#include "apiserver/discovery/discovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "api/json.h"
#include "api/protobuf.h"
#include "io/sim_executor.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

class DiscoveryTest : public testing::Test {
 protected:
  Value parse(std::string_view text) { return api::parse_json(arena_, text).value(); }
  static const Value* by(const Value& list, std::string_view key, std::string_view wanted) {
    for (const Value& item : list.items()) {
      if (item.string_at(key) == wanted) return &item;
    }
    return nullptr;
  }
  io::SimExecutor executor_;
  const Catalog catalog_{executor_, executor_, {}};
  api::Arena arena_;
};

TEST_F(DiscoveryTest, NamesTheLegacyVersion) {
  EXPECT_EQ(api_versions_json("10.0.0.1:6443"),
            R"({"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":)"
            R"([{"clientCIDR":"0.0.0.0/0","serverAddress":"10.0.0.1:6443"}]})");
}

TEST_F(DiscoveryTest, ListsGroupsWithTheirPreferredVersion) {
  const Value list = parse(api_group_list_json(catalog_));
  const Value* apps = by(*list.find("groups"), "name", "apps");
  ASSERT_NE(apps, nullptr);
  EXPECT_EQ(apps->find("preferredVersion")->string_at("groupVersion"), "apps/v1");
  EXPECT_EQ(by(*list.find("groups"), "name", ""), nullptr);
  const Value group = parse(api_group_json(catalog_, "apps").value());
  EXPECT_EQ(group.string_at("kind"), "APIGroup");
  EXPECT_FALSE(api_group_json(catalog_, "nope"));
  EXPECT_FALSE(api_group_json(catalog_, ""));
}

TEST_F(DiscoveryTest, PlacesOthersByTheirPriorities) {
  const auto at = [](const char* group, const char* version, int group_priority,
                     int version_priority) {
    return RemoteVersion::stale({group, version, group_priority, version_priority}, "");
  };
  const Catalog catalog(executor_, executor_, {},
                        {at("low", "v1", 10, 15), at("middle", "v1", 16650, 2),
                         at("middle", "v2alpha1", 1, 15), at("middle", "v1beta1", 1, 15),
                         at("a.high", "v1", 20000, 15), at("b.high", "v1", 20000, 15)});
  std::vector<std::string_view> groups(catalog.groups().begin(), catalog.groups().end());
  ASSERT_GT(groups.size(), 10u);
  EXPECT_EQ(groups[0], "");
  EXPECT_EQ(groups[1], "apiregistration.k8s.io");
  EXPECT_EQ(groups[2], "a.high");
  EXPECT_EQ(groups[3], "b.high");
  EXPECT_EQ(groups[4], "apps");
  const auto middle = std::ranges::find(groups, "middle");
  ASSERT_NE(middle, groups.end());
  EXPECT_EQ(*(middle - 1), "apiextensions.k8s.io");
  EXPECT_EQ(*(middle + 1), "scheduling.k8s.io");
  EXPECT_EQ(groups.back(), "low");
  const auto versions = catalog.versions("middle");
  EXPECT_EQ(std::vector<std::string_view>(versions.begin(), versions.end()),
            (std::vector<std::string_view>{"v1beta1", "v2alpha1", "v1"}));
}

TEST_F(DiscoveryTest, ListsResourcesAndSubresources) {
  const Value list = parse(api_resource_list_json(catalog_, "", "v1").value());
  EXPECT_EQ(list.string_at("groupVersion"), "v1");
  const Value& resources = *list.find("resources");
  const Value* pods = by(resources, "name", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_EQ(pods->string_at("kind"), "Pod");
  EXPECT_EQ(pods->string_at("singularName"), "pod");
  EXPECT_TRUE(pods->bool_at("namespaced"));
  EXPECT_EQ(api::to_json_text(*pods->find("shortNames")), R"(["po"])");
  const Value* eviction = by(resources, "name", "pods/eviction");
  ASSERT_NE(eviction, nullptr);
  EXPECT_EQ(eviction->string_at("group"), "policy");
  EXPECT_EQ(eviction->string_at("version"), "v1");
  EXPECT_EQ(eviction->string_at("kind"), "Eviction");
  EXPECT_FALSE(api_resource_list_json(catalog_, "apps", "v9"));
}

TEST_F(DiscoveryTest, ReadsWhatAClientPrefers) {
  EXPECT_EQ(aggregated_discovery_wanted(
                "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v3;"
                "as=APIGroupDiscoveryList,"
                "application/yaml;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io,"
                "application/json"),
            Media::kYaml);
  EXPECT_EQ(aggregated_discovery_wanted("application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;"
                                        "v=v2;as=APIGroupDiscoveryList, */*"),
            Media::kProtobuf);
  // Kubernetes no longer has this one.
  EXPECT_EQ(aggregated_discovery_wanted(
                "application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io, */*"),
            std::nullopt);
  EXPECT_EQ(aggregated_discovery_wanted("application/json, */*"), std::nullopt);
  EXPECT_EQ(aggregated_discovery_wanted(""), std::nullopt);
}

TEST_F(DiscoveryTest, AggregatesAllGroups) {
  const Value core = parse(aggregated_discovery(catalog_, true, Media::kJson));
  EXPECT_EQ(core.string_at("apiVersion"), "apidiscovery.k8s.io/v2");
  ASSERT_EQ(core.find("items")->size(), 1U);
  const Value& version = core.find("items")->items()[0].find("versions")->items()[0];
  EXPECT_EQ(version.string_at("version"), "v1");
  const Value* pods = by(*version.find("resources"), "resource", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_EQ(pods->string_at("scope"), "Namespaced");
  const Value* eviction = by(*pods->find("subresources"), "subresource", "eviction");
  ASSERT_NE(eviction, nullptr);
  EXPECT_EQ(api::to_json_text(*eviction->find("responseKind")),
            R"({"group":"policy","version":"v1","kind":"Eviction"})");
  EXPECT_EQ(api::to_json_text(*pods->find("responseKind")),
            R"({"group":"","version":"","kind":"Pod"})");
  const std::string rest = aggregated_discovery(catalog_, false, Media::kJson);
  const auto items = parse(rest).find("items")->size();
  EXPECT_GT(items, 10U);
  const auto* type =
      api::builtin_schema().find_type("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList");
  api::Arena arena;
  const auto decoded = api::decode_protobuf_object(
      arena, aggregated_discovery(catalog_, false, Media::kProtobuf), *type);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->find("items")->size(), items);
}

TEST_F(DiscoveryTest, EveryServedResourceIsFoundInItsList) {
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    if (!resource.enabled) continue;
    const auto list = api_resource_list_json(catalog_, resource.group, resource.version);
    ASSERT_TRUE(list) << resource.group << resource.version;
    api::Arena arena;
    const Value value = api::parse_json(arena, *list).value();
    EXPECT_NE(by(*value.find("resources"), "name", resource.name), nullptr) << resource.name;
  }
}

TEST_F(DiscoveryTest, RootNamesEveryGroup) {
  const std::string_view more[] = {"/version"};
  const std::string root = root_paths_json(catalog_, more);
  for (const char* path : {"\"/apis/apps/v1\"", "\"/api/v1\"", "\"/version\""}) {
    EXPECT_NE(root.find(path), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace pinnace::apiserver

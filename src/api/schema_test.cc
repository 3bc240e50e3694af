#include "api/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pinnace::api {
namespace {

using testing::ElementsAre;

TEST(Schema, FindsEveryTypeResourceAndKindThatItHas) {
  const Schema& schema = builtin_schema();
  for (const TypeInfo& type : schema.types) {
    EXPECT_EQ(schema.find_type(type.group, type.version, type.name), &type) << type.name;
  }
  for (const ResourceInfo& info : schema.resources) {
    EXPECT_EQ(schema.find_resource(info.group, info.version, info.name), &info) << info.name;
    EXPECT_EQ(schema.find_kind(info.group, info.version, info.kind), &info) << info.kind;
  }
}

TEST(Schema, FindsNothingUnderUnknownNames) {
  const Schema& schema = builtin_schema();
  EXPECT_EQ(schema.find_type("", "v1", "Widget"), nullptr);
  EXPECT_EQ(schema.find_resource("apps", "v2", "deployments"), nullptr);
  EXPECT_EQ(schema.find_kind("", "v1", ""), nullptr);
  EXPECT_TRUE(schema.versions("example.com").empty());
}

TEST(Schema, SharesMetaKindsWithEveryGroup) {
  const Schema& schema = builtin_schema();
  const TypeInfo* status = schema.find_type("", "v1", "Status");
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status->group, "meta.k8s.io");
  EXPECT_EQ(schema.find_type("policy", "v1", "DeleteOptions"),
            schema.find_type("meta.k8s.io", "v1", "DeleteOptions"));
}

TEST(Schema, PrefersStableVersionsAndListsOldHomesLast) {
  const Schema& schema = builtin_schema();
  EXPECT_THAT(schema.versions("apps"), ElementsAre("v1", "v1beta2", "v1beta1"));
  EXPECT_THAT(schema.versions("autoscaling"), ElementsAre("v2", "v1", "v2beta2", "v2beta1"));
  EXPECT_THAT(schema.versions("settings.k8s.io"), ElementsAre("v1alpha1"));
  EXPECT_EQ(schema.groups().front(), "");
  EXPECT_EQ(schema.groups().back(), "extensions");
}

TEST(Schema, KeepsOldAndNewVersionsAsOneStoredObject) {
  const Schema& schema = builtin_schema();
  const auto* old_deployments = schema.find_resource("extensions", "v1beta1", "deployments");
  ASSERT_NE(old_deployments, nullptr);
  EXPECT_TRUE(old_deployments->enabled);
  EXPECT_EQ(old_deployments->storage_resource, "apps/deployments");
  EXPECT_EQ(old_deployments->storage_version, "apps/v1");
  const auto* events = schema.find_resource("events.k8s.io", "v1", "events");
  EXPECT_EQ(events->storage_resource, "events");
  EXPECT_EQ(events->storage_version, "v1");
  const auto* policies = schema.find_resource("extensions", "v1beta1", "podsecuritypolicies");
  EXPECT_EQ(policies->storage_version, "policy/v1beta1");
}

TEST(Schema, StorageVersionsAreKnownAndHaveTheKind) {
  const Schema& schema = builtin_schema();
  for (const ResourceInfo& info : schema.resources) {
    if (info.storage_version.empty()) continue;
    const auto slash = info.storage_version.find('/');
    const bool core = slash == std::string_view::npos;
    const auto group = core ? "" : info.storage_version.substr(0, slash);
    const auto version = core ? info.storage_version : info.storage_version.substr(slash + 1);
    if (info.verbs.empty()) continue;
    EXPECT_NE(schema.find_kind(group, version, info.kind), nullptr) << info.kind;
  }
}

TEST(Schema, DescribesThePodResource) {
  const auto* pods = builtin_schema().find_resource("", "v1", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_THAT(pods->short_names, ElementsAre("po"));
  EXPECT_THAT(pods->categories, ElementsAre("all"));
  EXPECT_TRUE(pods->namespaced);
  EXPECT_TRUE(pods->has_verb("watch"));
  EXPECT_FALSE(pods->has_verb("connect"));
  ASSERT_NE(pods->subresource("eviction"), nullptr);
  EXPECT_EQ(pods->subresource("eviction")->group, "policy");
  EXPECT_EQ(pods->list_type->name, "PodList");
}

TEST(Schema, LooksIntoInlineMembersForFields) {
  const auto* volume = builtin_schema().find_type("", "v1", "Volume");
  ASSERT_NE(volume, nullptr);
  ASSERT_NE(volume->field("emptyDir"), nullptr);
  EXPECT_EQ(volume->field("emptyDir")->type->name, "EmptyDirVolumeSource");
  const auto* containers = builtin_schema().find_type("", "v1", "PodSpec")->field("containers");
  EXPECT_EQ(containers->container, Container::kList);
  EXPECT_EQ(containers->list_type, ListType::kMap);
  EXPECT_THAT(containers->list_map_keys, ElementsAre("name"));
  EXPECT_EQ(containers->patch_merge_key, "name");
  EXPECT_TRUE(containers->patch_merge);
}

TEST(Schema, GivesEachFieldOfAMessageItsOwnNumber) {
  for (const TypeInfo& type : builtin_schema().types) {
    std::set<std::uint32_t> numbers;
    for (const FieldInfo& field : type.fields) {
      if (field.proto_number == 0) continue;
      EXPECT_TRUE(numbers.insert(field.proto_number).second) << type.name << "." << field.name;
    }
  }
}

}  // namespace
}  // namespace pinnace::api

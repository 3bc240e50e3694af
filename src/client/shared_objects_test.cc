#include "client/shared_objects.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/types/core_v1.h"

namespace pinnace::client {
namespace {

using api::core_v1::ConfigMap;

std::string config_map(std::string_view uid, std::string_view revision, std::string_view more) {
  return R"({"metadata":{"name":"a","uid":")" + std::string(uid) + R"(","resourceVersion":")" +
         std::string(revision) + "\"" + std::string(more) + "}}";
}

TEST(SharedObjects, EqualJsonIsDecodedOnce) {
  const std::string json = config_map("u1", "7", "");
  const auto first = decode_shared<ConfigMap>(json);
  const auto second = decode_shared<ConfigMap>(json);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->get(), second->get());
  EXPECT_EQ((*first)->metadata.name, "a");
}

TEST(SharedObjects, VersionsAndThoseWithoutNameAreApart) {
  const auto first = decode_shared<ConfigMap>(config_map("u2", "7", ""));
  const auto later = decode_shared<ConfigMap>(config_map("u2", "8", ""));
  EXPECT_NE(first->get(), later->get());
  const auto nameless = decode_shared<ConfigMap>(config_map("", "7", ""));
  const auto again = decode_shared<ConfigMap>(config_map("", "7", ""));
  EXPECT_NE(nameless->get(), again->get());
}

TEST(SharedObjects, ManagedFieldsAreLeftOut) {
  const auto object = decode_shared<ConfigMap>(
      config_map("u3", "7", R"(,"managedFields":[{"manager":"kubectl"}])"));
  ASSERT_TRUE(object);
  EXPECT_TRUE((*object)->metadata.managed_fields.empty());
}

void without_data(ConfigMap& map) { forget(map.data); }

TEST(SharedObjects, WhatIsTrimmedIsSharedWithThoseWhoTrimLikewise) {
  const std::string json = config_map("u5", "7", R"(},"data":{"a":"b")");
  const auto whole = decode_shared<ConfigMap>(json);
  const auto trimmed = decode_shared<ConfigMap>(json, without_data);
  const auto again = decode_shared<ConfigMap>(json, without_data);
  ASSERT_TRUE(whole && trimmed && again);
  EXPECT_EQ((*whole)->data.at("a"), "b");
  EXPECT_TRUE((*trimmed)->data.empty());
  EXPECT_EQ(trimmed->get(), again->get());
}

TEST(SharedObjects, WhatIsForgottenFreesItsRoom) {
  std::vector<int> numbers(100);
  forget(numbers);
  EXPECT_EQ(numbers.capacity(), 0U);
}

TEST(SharedObjects, WhatDoesNotDecodeIsAnError) {
  EXPECT_FALSE(decode_shared<ConfigMap>("{\"metadata\":[]}"));
}

TEST(SharedObjects, AVersionIsNamedByBothItsUidAndItsRevision) {
  const std::string json = config_map("u4", "7", "");
  EXPECT_TRUE(is_version(json, "u4", "7"));
  EXPECT_FALSE(is_version(json, "u4", "8"));
  EXPECT_FALSE(is_version(json, "u5", "7"));
  EXPECT_FALSE(is_version("{}", "u4", "7"));
}

TEST(SharedTable, ForgetsWhatNobodyHolds) {
  SharedTable table;
  std::vector<std::shared_ptr<const void>> held;
  for (std::uint64_t i = 0; i < 10 * SharedTable::kFewestEntries; ++i) {
    auto object = std::make_shared<const int>(0);
    table.put(i, object);
    if (i < 10) held.push_back(std::move(object));
  }
  EXPECT_LE(table.size(), SharedTable::kFewestEntries);
  EXPECT_EQ(table.find(3), held[3]);
  EXPECT_EQ(table.find(20), nullptr);
}

}  // namespace
}  // namespace pinnace::client

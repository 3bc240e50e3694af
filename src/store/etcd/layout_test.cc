#include "store/etcd/layout.h"

#include <gtest/gtest.h>

namespace pinnace::store::etcd {
namespace {

const Layout kLayout{"/registry", 100};

TEST(Layout, KeysComeBackFromTheirText) {
  for (const Key& key : {Key{"pods", "default", "web"}, Key{"nodes", "", "n1"},
                         Key{"apps/deployments", "a-b", "x.y"}, Key{"rbac/roles", "", "a:b"}}) {
    const std::string text = kLayout.key_of(key);
    EXPECT_EQ(kLayout.parse_key(text).value(), key) << text;
    EXPECT_FALSE(kLayout.is_own_key(text));
  }
  EXPECT_EQ(kLayout.key_of({"apps/deployments", "x", "y"}), "/registry/apps/deployments/x/y");
}

TEST(Layout, WhatIsNoObjectsKeyIsRefused) {
  for (const char* text :
       {"", "/", "/registry", "/registry/", "/registry//", "/registry/pods", "/registry/pods/web",
        "/registry//x/web", "/registry/pods/x/", "/registryy/pods/x/web", "/other/pods/x/web"}) {
    EXPECT_FALSE(kLayout.parse_key(text).has_value()) << text;
  }
  EXPECT_TRUE(kLayout.is_own_key(kLayout.own_key(kTick)));
}

TEST(Layout, AnObjectIsItsValueWithTheRevisionsInside) {
  const KeyValue pair{"/registry/pods/x/web", encode_value("uid-1", R"({"a":{)", R"(,"b":1}})"), 5,
                      9, 3};
  const auto object = kLayout.decode(pair).value();
  EXPECT_EQ(object->json.text(), R"({"a":{"resourceVersion":"109","b":1}})");
  EXPECT_EQ(object->revision, 109u);
  EXPECT_EQ(object->created_revision, 105u);
  EXPECT_EQ(object->uid, "uid-1");
}

TEST(Layout, DamagedValuesAreRefused) {
  const std::string good = encode_value("uid", "head", "tail");
  for (std::size_t cut = 0; cut < good.size() - 4; ++cut) {
    EXPECT_FALSE(decode_value(good.substr(0, cut)).has_value()) << cut;
  }
  std::string other = good;
  other[0] = 7;
  EXPECT_FALSE(decode_value(other).has_value());
}

TEST(Layout, APrefixsRangeEndsBehindItsLastKey) {
  EXPECT_EQ(prefix_range("/a/").end, "/a0");
  EXPECT_EQ(prefix_range("a\xff").end, "b");
  EXPECT_EQ(prefix_range("\xff").end, std::string(1, '\0'));
}

}  // namespace
}  // namespace pinnace::store::etcd

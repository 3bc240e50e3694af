#include "api/image_reference.h"

#include <gtest/gtest.h>

#include <string>

namespace pinnace::api {
namespace {

TEST(ImageReference, SaysWhichTagIsMeant) {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  EXPECT_EQ(image_tag("nginx"), "latest");
  EXPECT_EQ(image_tag("nginx:1"), "1");
  EXPECT_EQ(image_tag("host:5000/a/b__c.d--e"), "latest");
  EXPECT_EQ(image_tag("host:5000/a:v1.2-x_"), "v1.2-x_");
  EXPECT_EQ(image_tag("[::1]:5000/a"), "latest");
  EXPECT_EQ(image_tag("Host/a"), "latest");
  EXPECT_EQ(image_tag("a" + digest), "");
  EXPECT_EQ(image_tag("a:latest" + digest), "latest");
}

TEST(ImageReference, KnowsWhatIsNoName) {
  for (const std::string& image :
       {std::string(), std::string("Bad"), std::string("a_"), std::string("a..b"),
        std::string("a___b"), std::string("/a"), std::string("a//b"), std::string("a:"),
        std::string("a: b"), std::string("http://x"), std::string("a@sha256:1"),
        std::string(64, 'a'), std::string(256, 'a'), std::string("-host.x/a"),
        std::string("host:port/a"), std::string("a b")}) {
    EXPECT_FALSE(image_tag(image)) << image;
  }
}

}  // namespace
}  // namespace pinnace::api

#include "registry/reference.h"

#include <gtest/gtest.h>

namespace pinnace::registry {
namespace {

TEST(Reference, CompletesShortNames) {
  const struct {
    const char* written;
    const char* full;
    const char* familiar;
  } cases[] = {
      {"hello", "docker.io/library/hello:latest", "hello:latest"},
      {"pinnace/hello:1", "docker.io/pinnace/hello:1", "pinnace/hello:1"},
      {"localhost:5000/a/b", "localhost:5000/a/b:latest", "localhost:5000/a/b:latest"},
      {"registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9"},
      {"index.docker.io/library/x", "docker.io/library/x:latest", "x:latest"},
      {"a__b/c.d-e:V1_x", "docker.io/a__b/c.d-e:V1_x", "a__b/c.d-e:V1_x"},
      // Shorter, these would be other images.
      {"docker.io/d.io/x:1", "docker.io/d.io/x:1", "docker.io/d.io/x:1"},
      {"docker.io/library/a/b:1", "docker.io/library/a/b:1", "library/a/b:1"},
      {"docker.io/library/localhost/b:1", "docker.io/library/localhost/b:1",
       "library/localhost/b:1"},
  };
  for (const auto& each : cases) {
    const auto reference = parse_reference(each.written);
    ASSERT_TRUE(reference) << each.written;
    EXPECT_EQ(reference->text(), each.full);
    EXPECT_EQ(reference->familiar(), each.familiar);
  }
}

TEST(Reference, KeepsADigest) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const auto reference = parse_reference("hello@" + digest);
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->digest, digest);
  EXPECT_EQ(reference->tag, "");
}

TEST(Reference, RefusesWhatIsNoName) {
  for (const char* text : {"", "Hello", "a//b", "a:", "a:b:c", "-a", "a-", "a___b", "a@sha256:12",
                           "../etc", "a:.x", "ho st/a.b/x y"}) {
    const auto reference = parse_reference(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().code, 400);
    EXPECT_TRUE(reference.error().message.starts_with("invalid image name")) << text;
  }
}

}  // namespace
}  // namespace pinnace::registry

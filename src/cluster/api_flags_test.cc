#include "cluster/api_flags.h"

#include <gtest/gtest.h>

namespace pinnace::cluster {
namespace {

TEST(ApiFlags, SetWhatTheyNameAndLeaveTheRest) {
  Arguments arguments;
  arguments.options["max-requests-inflight"] = "7";
  arguments.options["api-audiences"] = "a,b";
  apiserver::Configuration configuration;
  const std::string issuer = configuration.service_account_issuer;
  ASSERT_TRUE(apply_api_flags(arguments, configuration));
  EXPECT_EQ(configuration.max_requests_inflight, 7u);
  EXPECT_EQ(configuration.api_audiences, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(configuration.service_account_issuer, issuer);
}

TEST(ApiFlags, NameTheFlagWhoseValueIsWrong) {
  Arguments arguments;
  arguments.options["max-requests-inflight"] = "none";
  apiserver::Configuration configuration;
  const auto refused = apply_api_flags(arguments, configuration);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "--max-requests-inflight: takes a number of at least 1");
}

}  // namespace
}  // namespace pinnace::cluster

#include "cluster/api_flags.h"

#include <gtest/gtest.h>

namespace pinnace::cluster {
namespace {

TEST(ApiFlags, SetWhatTheyNameAndLeaveTheRest) {
  Arguments arguments;
  arguments.options["max-requests-inflight"] = "7";
  arguments.options["api-audiences"] = "a,b";
  apiserver::Configuration configuration;
  const auto issuers = configuration.service_account_issuers;
  ASSERT_TRUE(apply_api_flags(arguments, configuration));
  EXPECT_EQ(configuration.requests.max_requests_inflight, 7u);
  EXPECT_EQ(configuration.api_audiences, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(configuration.service_account_issuers, issuers);
}

TEST(ApiFlags, NameTheFlagWhoseValueIsWrong) {
  Arguments arguments;
  arguments.options["max-requests-inflight"] = "none";
  apiserver::Configuration configuration;
  const auto refused = apply_api_flags(arguments, configuration);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "--max-requests-inflight: takes a number of at least 0");
}

TEST(ApiFlags, LimitRequests) {
  const auto applied = [](std::map<std::string, std::string> flags) {
    Arguments arguments;
    for (const auto& [name, value] : flags) arguments.options[name] = value;
    apiserver::Configuration configuration;
    const auto ok = apply_api_flags(arguments, configuration);
    EXPECT_TRUE(ok) << ok.error().message;
    return configuration.requests;
  };
  const auto refused = [](std::string name, std::string value) {
    Arguments arguments;
    arguments.options[name] = value;
    apiserver::Configuration configuration;
    const auto ok = apply_api_flags(arguments, configuration);
    return ok ? "" : ok.error().message;
  };
  const auto limits =
      applied({{"enable-priority-and-fairness", "false"},
               {"max-mutating-requests-inflight", "0"},
               {"request-timeout", "1m30s"},
               {"min-request-timeout", "600"},
               {"goaway-chance", "0.001"},
               {"strict-transport-security-directives", "max-age=31536000,includeSubDomains"}});
  EXPECT_FALSE(limits.is_fair);
  EXPECT_EQ(limits.max_requests_inflight, 400u);
  EXPECT_EQ(limits.max_mutating_requests_inflight, 0u);
  EXPECT_EQ(limits.request_timeout, std::chrono::seconds(90));
  EXPECT_EQ(limits.min_request_timeout, std::chrono::minutes(10));
  EXPECT_DOUBLE_EQ(limits.goaway_chance, 0.001);
  EXPECT_EQ(limits.strict_transport_directives,
            (std::vector<std::string>{"max-age=31536000", "includeSubDomains"}));
  for (const char* wrong : {"max-age", "max-age=1=2", "always"}) {
    EXPECT_EQ(refused("strict-transport-security-directives", wrong),
              "--strict-transport-security-directives: takes max-age=SECONDS, includeSubDomains "
              "and preload");
  }
  for (const char* wrong : {"0.03", "-1", "nan", "much", ""}) {
    EXPECT_EQ(refused("goaway-chance", wrong),
              "--goaway-chance: takes a number between 0 and 0.02");
  }
  Arguments none;
  none.options["max-requests-inflight"] = none.options["max-mutating-requests-inflight"] = "0";
  apiserver::Configuration configuration;
  EXPECT_FALSE(apply_api_flags(none, configuration));
}

}  // namespace
}  // namespace pinnace::cluster

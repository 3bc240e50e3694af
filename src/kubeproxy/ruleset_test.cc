#include "kubeproxy/ruleset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubeproxy/testing.h"

namespace pinnace::kubeproxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Fragment web(const std::vector<std::string>& addresses) {
  return plan_service(testing_facts(), make_service("web", "10.96.0.5"),
                      {make_slice("web", addresses)});
}

TEST(Ruleset, WritesNothingWhenNothingChanged) {
  Ruleset ruleset(testing_facts());
  ruleset.set("service/default/web", web({"10.244.0.2"}));
  ruleset.applied();
  ruleset.set("service/default/web", web({"10.244.0.2"}));
  EXPECT_EQ(ruleset.changes(), "");
}

TEST(Ruleset, ChangesOnlyTheChainWhenAnEndpointComes) {
  Ruleset ruleset(testing_facts());
  ruleset.set("service/default/other",
              plan_service(testing_facts(), make_service("other", "10.96.0.6"),
                           {make_slice("other", {"10.244.0.9"})}));
  ruleset.set("service/default/web", web({"10.244.0.2"}));
  ruleset.applied();
  ruleset.set("service/default/web", web({"10.244.0.2", "10.244.0.3"}));
  EXPECT_EQ(ruleset.changes(),
            "flush chain ip pinnace-test cluster/default/web/tcp/80\n"
            "add rule ip pinnace-test cluster/default/web/tcp/80 meta l4proto tcp dnat ip to "
            "numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }\n"
            "add element ip pinnace-test hairpin { 10.244.0.3 . 10.244.0.3 }\n");
}

TEST(Ruleset, RemovesReferencesBeforeChains) {
  Ruleset ruleset(testing_facts());
  ruleset.set("service/default/web", web({"10.244.0.2"}));
  ruleset.applied();
  ruleset.set("service/default/web", {});
  const auto text = ruleset.changes();
  EXPECT_LT(text.find("delete element ip pinnace-test services"), text.find("delete chain"));
  ruleset.applied();
  EXPECT_EQ(ruleset.changes(), "");
  EXPECT_THAT(ruleset.whole(), Not(HasSubstr("default/web")));
}

TEST(Ruleset, KeepsWhatAnotherOwnerStillNeeds) {
  Ruleset ruleset(testing_facts());
  ruleset.set("service/default/a", web({"10.244.0.2"}));
  ruleset.set("service/default/b", plan_service(testing_facts(), make_service("b", "10.96.0.6"),
                                                {make_slice("b", {"10.244.0.2"})}));
  ruleset.applied();
  ruleset.set("service/default/a", {});
  EXPECT_THAT(ruleset.changes(), Not(HasSubstr("hairpin"))) << "both have the same endpoint";
}

TEST(Ruleset, RemembersChangesUntilTheyWereApplied) {
  Ruleset ruleset(testing_facts());
  ruleset.set("service/default/web", web({"10.244.0.2"}));
  const auto first = ruleset.changes();
  EXPECT_EQ(ruleset.changes(), first);
  ruleset.set("service/default/web", {});
  EXPECT_EQ(ruleset.changes(), "") << "it came and went before it was ever applied";
}

}  // namespace
}  // namespace pinnace::kubeproxy

// The small parts: how long to stay away, how wide a request is, what is kept of default objects.
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/yaml.h"
#include "apiserver/fairness/default_objects.h"
#include "apiserver/fairness/digest.h"
#include "apiserver/fairness/retry_after.h"
#include "apiserver/fairness/turns.h"
#include "apiserver/fairness/width.h"

namespace pinnace::apiserver::fairness {
namespace {

TEST(RetryAfter, GrowsWhileManyAreRefusedAndShrinksAfterwards) {
  RetryAfter retry;
  retry.note(10);
  EXPECT_EQ(retry.seconds(), 1);
  for (int i = 0; i < 5; ++i) retry.note(10);
  retry.note(11);
  EXPECT_EQ(retry.seconds(), 2);
  for (int second = 11; second < 200; ++second) {
    for (int i = 0; i < 200; ++i) retry.note(second);
  }
  EXPECT_EQ(retry.seconds(), RetryAfter::kMostSeconds);
  for (int second = 300; second < 300 + 40 * 40; second += 40) retry.note(second);
  EXPECT_EQ(retry.seconds(), 1);
}

TEST(RequestWidth, OfAListGoesByItsBytes) {
  EXPECT_EQ(width_of_list(10, 1000, 0).seats, 1u);
  EXPECT_EQ(width_of_list(250, 1000, 0).seats, 3u);
  EXPECT_EQ(width_of_list(1'000'000, 1000, 0).seats, 10u);  // Never more than that in hand.
  EXPECT_EQ(width_of_list(1'000'000, 1000, 4).seats, 4u);
}

TEST(RequestWidth, OfAWriteGoesByTheWatchesThatItWakes) {
  EXPECT_EQ(width_of_write(9, 0).most(), 1u);
  const Width some = width_of_write(25, 0);
  EXPECT_EQ(some.seats, 1u);
  EXPECT_EQ(some.final_seats, 3u);
  EXPECT_EQ(some.final_time, std::chrono::milliseconds(5));
  // The same work, narrower and longer.
  const Width many = width_of_write(1000, 0);
  EXPECT_EQ(many.final_seats, 10u);
  EXPECT_EQ(many.final_time, std::chrono::milliseconds(50));
  EXPECT_EQ(width_of_write(1000, 1).final_time, std::chrono::milliseconds(500));
}

TEST(WatchCounts, CountThoseThatAWriteWakes) {
  WatchCounts counts;
  const WatchCounts::Entry all(counts, "pods", "", ""), own(counts, "pods", "a", ""),
      other(counts, "pods", "b", ""), one(counts, "pods", "a", "web"),
      named(counts, "pods", "", "web"), maps(counts, "configmaps", "a", "");
  EXPECT_EQ(counts.count("pods", "a", "db"), 2u);
  EXPECT_EQ(counts.count("pods", "a", "web"), 4u);
  EXPECT_EQ(counts.count("pods", "c", ""), 1u);
  EXPECT_EQ(counts.count("secrets", "a", "web"), 0u);
  {
    const WatchCounts::Entry more(counts, "pods", "a", "");
    EXPECT_EQ(counts.count("pods", "a", "db"), 3u);
  }
  EXPECT_EQ(counts.count("pods", "a", "db"), 2u);
}

TEST(LongRequests, AreThoseThatLastAsLongAsTheirClientLikes) {
  const auto asks = [](std::string_view method, std::string_view path, std::string_view query) {
    return lasts(parse_request_info(method, path, Query::parse(query).value()).value());
  };
  EXPECT_TRUE(asks("GET", "/api/v1/pods", "watch=true"));
  EXPECT_FALSE(asks("GET", "/api/v1/pods", ""));
  for (const char* name : {"exec", "attach", "portforward", "proxy", "log"}) {
    EXPECT_TRUE(asks("GET", "/api/v1/namespaces/n/pods/p/" + std::string(name), "")) << name;
  }
  EXPECT_FALSE(asks("GET", "/api/v1/namespaces/n/pods/p/status", ""));
  EXPECT_FALSE(asks("GET", "/healthz", ""));
}

class DefaultObjects : public ::testing::Test {
 protected:
  api::Value object(std::string_view yaml) { return api::parse_yaml(arena_, yaml).value(); }
  std::string annotation(const api::Value& of) {
    const auto* said = of.find_path({"metadata", "annotations", kAutoUpdate});
    return said == nullptr ? "" : std::string(said->as_string());
  }
  api::Arena arena_;
};

TEST_F(DefaultObjects, MandatoryOnesArePutBackWhateverTheySay) {
  const DefaultObject& wanted = *find_default(false, "catch-all");
  api::Value changed = object(R"(
    metadata: {name: catch-all, generation: 3, annotations: {apf.kubernetes.io/autoupdate-spec: "false"}}
    spec: {type: Limited, limited: {nominalConcurrencyShares: 500}})");
  EXPECT_TRUE(revise(arena_, wanted, changed));
  EXPECT_TRUE(has_default_spec(wanted, *changed.find("spec")));
  EXPECT_EQ(annotation(changed), "true");
  EXPECT_EQ(changed.find_path({"metadata", "generation"})->as_int(), 4);
  EXPECT_FALSE(revise(arena_, wanted, changed));
}

TEST_F(DefaultObjects, SuggestedOnesFollowTheirAnnotation) {
  const DefaultObject& wanted = *find_default(false, "workload-low");
  const auto changed = [&](std::string_view meta) {
    return object("metadata: {name: workload-low, " + std::string(meta) +
                  "}\nspec: {type: Limited, limited: {nominalConcurrencyShares: 1}}");
  };
  api::Value ours =
      changed(R"(generation: 5, annotations: {apf.kubernetes.io/autoupdate-spec: "true"})");
  EXPECT_TRUE(revise(arena_, wanted, ours));
  EXPECT_TRUE(has_default_spec(wanted, *ours.find("spec")));
  api::Value theirs =
      changed(R"(generation: 5, annotations: {apf.kubernetes.io/autoupdate-spec: "false"})");
  EXPECT_FALSE(revise(arena_, wanted, theirs));
  // Who says nothing has it as long as nobody changed it.
  api::Value fresh = changed("generation: 1");
  EXPECT_TRUE(revise(arena_, wanted, fresh));
  EXPECT_EQ(annotation(fresh), "true");
  EXPECT_TRUE(has_default_spec(wanted, *fresh.find("spec")));
  api::Value edited = changed("generation: 2");
  EXPECT_TRUE(revise(arena_, wanted, edited));
  EXPECT_EQ(annotation(edited), "false");
  EXPECT_FALSE(has_default_spec(wanted, *edited.find("spec")));
}

TEST_F(DefaultObjects, TheSeatsOfExemptAreTheClustersToChoose) {
  const DefaultObject& wanted = *find_default(false, "exempt");
  api::Value chosen = object(R"(
    metadata: {name: exempt, generation: 2, annotations: {apf.kubernetes.io/autoupdate-spec: "true"}}
    spec: {type: Exempt, exempt: {nominalConcurrencyShares: 10, lendablePercent: 50}})");
  EXPECT_FALSE(revise(arena_, wanted, chosen));
}

TEST_F(DefaultObjects, ThoseOfAnEarlierTimeAreObsoleteUnlessSomebodyTookThemOver) {
  EXPECT_TRUE(is_obsolete(
      true,
      object(
          R"(metadata: {name: old, annotations: {apf.kubernetes.io/autoupdate-spec: "true"}})")));
  EXPECT_FALSE(is_obsolete(
      true,
      object(
          R"(metadata: {name: old, annotations: {apf.kubernetes.io/autoupdate-spec: "false"}})")));
  EXPECT_FALSE(is_obsolete(true, object("metadata: {name: mine}")));
  EXPECT_FALSE(is_obsolete(
      true,
      object(
          R"(metadata: {name: probes, annotations: {apf.kubernetes.io/autoupdate-spec: "true"}})")));
}

TEST(FlowDigest, ThinksUpMandatoryObjectsAndLeavesOutSchemasWithoutALevel) {
  PriorityLevel mine{
      .name = "mine", .uid = "", .is_exempt = false, .seats = {.shares = 5}, .queuing = {}};
  FlowSchema good{.name = "good", .uid = "", .level = "mine"};
  FlowSchema lost{.name = "lost", .uid = "", .level = "gone"};
  const Digest made = digest({mine}, {good, lost}, 600);
  std::vector<std::string> levels, schemas;
  for (const auto& level : made.levels) levels.push_back(level.settings.name);
  for (const auto& schema : made.schemas) schemas.push_back(schema.name);
  EXPECT_EQ(levels, (std::vector<std::string>{"mine", "exempt", "catch-all"}));
  EXPECT_EQ(schemas, (std::vector<std::string>{"exempt", "good", "catch-all"}));
  EXPECT_EQ(made.levels[0].limits.nominal, 300u);  // 5 of 10 shares.
}

}  // namespace
}  // namespace pinnace::apiserver::fairness

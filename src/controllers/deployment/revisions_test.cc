#include "controllers/deployment/revisions.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::deployment {
namespace {

using controllers::testing::at;
using controllers::testing::from;
using controllers::testing::ref;

Deployment web(const std::string& image) {
  return from<Deployment>(
      R"({"metadata":{"name":"web","namespace":"x","uid":"d","annotations":{
            "team":"a","kubectl.kubernetes.io/last-applied-configuration":"{}",
            "deployment.kubernetes.io/revision":"7"}},
          "spec":{"replicas":3,"minReadySeconds":5,"selector":{"matchLabels":{"app":"web"}},
            "template":{"metadata":{"labels":{"app":"web"}},
              "spec":{"containers":[{"name":"c","image":")" +
      image + R"("}]}}}})");
}

TEST(DeploymentRevisions, ASetIsMadeOfTheTemplateUnderItsHash) {
  const auto deployment = web("a:1");
  const auto set = make_set(deployment, {}, 2, 1);
  const std::string hash = template_hash(deployment);
  EXPECT_EQ(set.metadata.name, "web-" + hash);
  EXPECT_EQ(set.metadata.namespace_, "x");
  EXPECT_EQ(set.spec.replicas, 2);
  EXPECT_EQ(set.spec.min_ready_seconds, 5);
  for (const auto* labels : {&set.metadata.labels, &set.spec.template_.metadata.labels,
                             &set.spec.selector->match_labels}) {
    EXPECT_EQ(labels->at("app"), "web");
    EXPECT_EQ(labels->at(std::string(kHashLabel)), hash);
  }
  ASSERT_EQ(set.metadata.owner_references.size(), 1u);
  EXPECT_EQ(set.metadata.owner_references[0].kind, "Deployment");
  EXPECT_EQ(set.metadata.owner_references[0].api_version, "apps/v1");
  EXPECT_EQ(set.metadata.owner_references[0].controller, true);
  const Labels wanted = {{"team", "a"},
                         {std::string(kRevision), "1"},
                         {std::string(kDesiredReplicas), "3"},
                         {std::string(kMaxReplicas), "4"}};
  EXPECT_EQ(set.metadata.annotations, wanted);
  EXPECT_TRUE(same_template(set.spec.template_, deployment.spec.template_));
}

TEST(DeploymentRevisions, HashesDifferByTemplateAndByCollision) {
  auto deployment = web("a:1");
  const auto hash = template_hash(deployment);
  EXPECT_EQ(template_hash(web("a:1")), hash);
  EXPECT_NE(template_hash(web("a:2")), hash);
  deployment.status.collision_count = 1;
  EXPECT_NE(template_hash(deployment), hash);
}

TEST(DeploymentRevisions, TheOldestOfEqualSetsIsTheCurrentOne) {
  const auto deployment = web("a:2");
  auto older = make_set(deployment, {}, 1, 1), younger = older,
       other = make_set(web("a:1"), {}, 1, 1);
  older.metadata.creation_timestamp = to_time(at(10));
  younger.metadata.creation_timestamp = to_time(at(20));
  younger.metadata.name = "younger";
  const auto sets = sort_sets(deployment, {ref(younger), ref(other), ref(older)});
  ASSERT_NE(sets.current, nullptr);
  EXPECT_EQ(sets.current->metadata.name, older.metadata.name);
  EXPECT_EQ(sets.old.size(), 2u);
}

TEST(DeploymentRevisions, RollingBackGivesAnOldSetTheNextRevision) {
  const auto deployment = web("a:1");
  auto first = make_set(deployment, {}, 0, 1);
  auto second = make_set(web("a:2"), {nullptr, {ref(first)}}, 3, 1);
  EXPECT_EQ(revision_of(second.metadata), 2);
  const Sets sets = sort_sets(deployment, {ref(first), ref(second)});
  EXPECT_EQ(next_revision(sets), 3);
  ReplicaSet refreshed = *sets.current;
  EXPECT_TRUE(refresh_set(deployment, 3, refreshed));
  EXPECT_EQ(revision_of(refreshed.metadata), 3);
  EXPECT_EQ(refreshed.metadata.annotations.at(std::string(kRevisionHistory)), "1");
  EXPECT_FALSE(refresh_set(deployment, 3, refreshed));
  EXPECT_TRUE(refresh_set(deployment, 5, refreshed));
  EXPECT_EQ(refreshed.metadata.annotations.at(std::string(kRevisionHistory)), "1,3");
}

}  // namespace
}  // namespace pinnace::controllers::deployment

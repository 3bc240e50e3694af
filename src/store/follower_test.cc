#include "store/follower.h"

#include <gtest/gtest.h>

#include "store/embedded.h"

namespace pinnace::store {
namespace {

class FollowerTest : public ::testing::Test {
 protected:
  void create(const std::string& name) {
    const auto made = store_->commit_and_wait({Write::Type::kCreate,
                                               {"pods", "default", name},
                                               "uid-" + name,
                                               R"({"metadata":{)",
                                               "}}",
                                               0,
                                               false,
                                               {}});
    ASSERT_TRUE(made.has_value());
  }

  // What one call gives, such as "restart(a) change(b)".
  std::string catch_up() {
    std::string said;
    const bool is_current = follower_.catch_up(
        [&](const Snapshot& snapshot) {
          said += "restart(";
          for (const auto& object : snapshot.objects) said += object->key.name;
          said += ")";
        },
        [&](const Event& event) { said += "change(" + event.object->key.name + ")"; });
    EXPECT_TRUE(is_current);
    return said;
  }

  std::unique_ptr<EmbeddedStore> store_ = EmbeddedStore::create_in_memory({.ring_events = 4});
  std::atomic<int> wakes_{0};
  Follower follower_{*store_, "pods", [this] { ++wakes_; }};
};

TEST_F(FollowerTest, GivesAllThatIsThereAndThenWhatChanges) {
  create("a");
  EXPECT_EQ(catch_up(), "restart(a)");
  EXPECT_EQ(catch_up(), "");
  create("b");
  create("c");
  EXPECT_GT(wakes_, 0);
  EXPECT_EQ(catch_up(), "change(b)change(c)");
}

TEST_F(FollowerTest, BeginsAgainWhereTheStoreNoLongerHasWhatChanged) {
  EXPECT_EQ(catch_up(), "restart()");
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) create(name);
  EXPECT_EQ(catch_up(), "restart(abcdef)");
  create("g");
  EXPECT_EQ(catch_up(), "change(g)");
}

TEST_F(FollowerTest, BeginsAgainWhenWhatItGaveWasOfNoUse) {
  create("a");
  catch_up();
  create("b");
  follower_.forget();
  EXPECT_EQ(catch_up(), "restart(ab)");
}

TEST_F(FollowerTest, SaysWhetherAnythingMayHaveChanged) {
  EXPECT_TRUE(follower_.take_changes());
  EXPECT_FALSE(follower_.take_changes());
  create("a");
  EXPECT_TRUE(follower_.take_changes());
  EXPECT_FALSE(follower_.take_changes());
  for (const char* name : {"b", "c", "d", "e", "f", "g"}) create(name);
  EXPECT_TRUE(follower_.take_changes());
  EXPECT_FALSE(follower_.take_changes());
}

}  // namespace
}  // namespace pinnace::store

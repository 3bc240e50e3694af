#include "apiserver/registry/watch_ends.h"

#include <gtest/gtest.h>

#include "io/sim_executor.h"

namespace pinnace::apiserver {
namespace {

using std::chrono::seconds;

struct Ended : Ending {
  void end() override { ++count; }
  int count = 0;
};

class WatchEndsTest : public ::testing::Test {
 protected:
  io::SimExecutor executor_;
  std::shared_ptr<WatchEnds> ends_ = std::make_shared<WatchEnds>(executor_);
  std::shared_ptr<Ended> first_ = std::make_shared<Ended>(), second_ = std::make_shared<Ended>();
};

TEST_F(WatchEndsTest, EachIsToldOnceWhenItsTimeIsUp) {
  ends_->add(second_, seconds(20));
  ends_->add(first_, seconds(10));
  executor_.advance(seconds(9));
  EXPECT_EQ(first_->count, 0);
  executor_.advance(seconds(2));
  EXPECT_EQ(first_->count, 1);
  EXPECT_EQ(second_->count, 0);
  executor_.advance(seconds(60));
  EXPECT_EQ(first_->count, 1);
  EXPECT_EQ(second_->count, 1);
  ends_->remove(*first_);
}

TEST_F(WatchEndsTest, WhoIsRemovedIsNeitherToldNorHeld) {
  ends_->add(first_, seconds(10));
  ends_->add(second_, seconds(30));
  EXPECT_EQ(first_.use_count(), 2);
  ends_->remove(*first_);
  EXPECT_EQ(first_.use_count(), 1);
  executor_.advance(seconds(60));
  EXPECT_EQ(first_->count, 0);
  EXPECT_EQ(second_->count, 1);
}

TEST_F(WatchEndsTest, WhoWasNeverAddedMayBeRemoved) {
  ends_->remove(*first_);
  executor_.advance(seconds(60));
  EXPECT_EQ(first_->count, 0);
}

}  // namespace
}  // namespace pinnace::apiserver

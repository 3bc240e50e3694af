#include "client/line_delivery.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/sim_executor.h"

namespace pinnace::client {
namespace {

// An executor that says how much was posted to it.
class CountingExecutor final : public io::SimExecutor {
 public:
  void post(std::function<void()> work) override {
    ++posts;
    io::SimExecutor::post(std::move(work));
  }
  int posts = 0;
};

class LineDeliveryTest : public ::testing::Test {
 protected:
  CountingExecutor executor_;
  std::vector<std::string> lines_;
  int ends_ = 0, resumes_ = 0;
  const std::shared_ptr<LineDelivery> delivery_ = std::make_shared<LineDelivery>(
      executor_, [this](std::string_view line) { lines_.emplace_back(line); },
      [this](const Result<void>&) { ++ends_; }, [this] { ++resumes_; });
};

TEST_F(LineDeliveryTest, LinesArriveWholeAndTheEndIsLast) {
  EXPECT_TRUE(delivery_->feed("on"));
  EXPECT_EQ(executor_.posts, 0);
  EXPECT_TRUE(delivery_->feed("e\ntwo\n\nthr"));
  EXPECT_TRUE(delivery_->feed("ee\n"));
  delivery_->finish({});
  EXPECT_TRUE(lines_.empty());
  executor_.run_until_idle();
  EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(ends_, 1);
}

TEST_F(LineDeliveryTest, ASourceIsHeldBackUntilItsLinesWereTaken) {
  EXPECT_FALSE(delivery_->feed(std::string(2 << 20, 'x') + '\n'));
  EXPECT_EQ(resumes_, 0);
  executor_.run_until_idle();
  EXPECT_EQ(resumes_, 1);
  EXPECT_TRUE(delivery_->feed("more\n"));
}

TEST_F(LineDeliveryTest, AfterStopNothingIsPostedAndNothingCalled) {
  EXPECT_TRUE(delivery_->feed("waiting\n"));
  EXPECT_EQ(executor_.posts, 1);
  delivery_->stop();
  // The I/O thread hears of it later.
  EXPECT_FALSE(delivery_->feed("late\n"));
  delivery_->finish({});
  EXPECT_EQ(executor_.posts, 1);
  executor_.run_until_idle();
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(ends_, 0);
}

}  // namespace
}  // namespace pinnace::client

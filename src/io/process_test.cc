#include "io/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <future>

namespace pinnace::io {
namespace {

using std::chrono::seconds;

TEST(Process, RunsWithInputEnvironmentAndDirectory) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", "cat; echo $WORD; pwd; echo bad >&2; exit 3"};
  options.environment = {"WORD=hello"};
  options.directory = "/";
  auto result = run(options, seconds(30), "in\n");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "in\nhello\n/\n");
  EXPECT_EQ(result->error_output, "bad\n");
  EXPECT_EQ(result->status.code, 3);
}

TEST(Process, KillsWhatTakesTooLong) {
  SpawnOptions options;
  options.argv = {"sleep", "1000"};
  auto result = run(options, std::chrono::milliseconds(50));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->status.signal, SIGKILL);
}

TEST(Process, BoundsWhatItKeepsAndDoesNotStallTheChild) {
  SpawnOptions options;
  options.argv = {"head", "-c", "1000000", "/dev/zero"};
  auto result = run(options, seconds(30), std::string(300000, 'x'), 1000);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->status.ok());
  EXPECT_EQ(result->output.size(), 1000u);
}

TEST(Process, SaysThatAProgramIsMissing) {
  SpawnOptions options;
  options.argv = {"/nowhere/program"};
  EXPECT_FALSE(run(options, seconds(1)));
}

TEST(Process, TellsTheLoopHowItEnded) {
  LoopThread thread("test");
  SpawnOptions options;
  options.argv = {"sleep", "1000"};
  auto process = Process::spawn(options);
  ASSERT_TRUE(process);
  std::promise<ExitStatus> ended;
  thread.loop().post([&] {
    (*process)->wait(thread.loop(), [&](ExitStatus status) { ended.set_value(status); });
  });
  EXPECT_TRUE((*process)->kill(SIGTERM));
  EXPECT_EQ(ended.get_future().get().signal, SIGTERM);
  EXPECT_EQ((*process)->kill(SIGTERM).error().code, 404);
}

}  // namespace
}  // namespace pinnace::io

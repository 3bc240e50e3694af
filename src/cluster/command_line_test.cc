#include "cluster/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinnace::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Command> table() {
  std::vector<Command> commands(2);
  commands[0].name = "up";
  commands[0].summary = "Start";
  commands[0].options = {
      {"port", "PORT", "where (6443)"}, {"force", "", "anyway"}, {"file", "FILE,...", "which"}};
  commands[1].name = "image tag";
  commands[1].arguments = "SOURCE TARGET";
  commands[1].min_arguments = commands[1].max_arguments = 2;
  commands[1].summary = "Name";
  return commands;
}

Result<Parsed> parse(std::vector<std::string_view> words) {
  static const auto commands = table();
  return parse_command_line(words, commands);
}

TEST(CommandLine, TakesOptionsInBothForms) {
  const auto parsed = parse({"up", "--port", "1", "--force"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->arguments.get("port"), "1");
  EXPECT_TRUE(parsed->arguments.has("force"));
  EXPECT_EQ(parse({"up", "--port=2"})->arguments.get("port"), "2");
}

TEST(CommandLine, AddsUpListsAndTakesTheLastOfOthers) {
  const auto parsed = parse({"up", "--port=1", "--port", "2", "--file=a,b", "--file", "c"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->arguments.get("port"), "2");
  EXPECT_EQ(parsed->arguments.get("file"), "a,b,c");
}

TEST(CommandLine, FindsCommandsOfTwoWords) {
  const auto parsed = parse({"image", "tag", "a", "b"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->command->name, "image tag");
  EXPECT_THAT(parsed->arguments.positional, ElementsAre("a", "b"));
}

TEST(CommandLine, TakesEverythingAfterTwoDashesAsArguments) {
  EXPECT_THAT(parse({"image", "tag", "--", "--a", "-b"})->arguments.positional,
              ElementsAre("--a", "-b"));
}

TEST(CommandLine, SaysWhatIsWrong) {
  const struct {
    std::vector<std::string_view> words;
    const char* message;
  } cases[] = {
      {{"upp"}, "unknown command \"upp\""},
      {{"u"}, "did you mean: up?"},
      {{"up", "--prt", "1"}, "unknown option --prt"},
      {{"up", "--port"}, "option --port needs a value: PORT"},
      {{"up", "--force=yes"}, "option --force takes no value"},
      {{"up", "-p"}, "unknown option -p"},
      {{"up", "extra"}, "usage: pinnace up"},
      {{"image", "tag", "a"}, "usage: pinnace image tag [OPTION...] SOURCE TARGET"},
  };
  for (const auto& each : cases) {
    const auto parsed = parse(each.words);
    ASSERT_FALSE(parsed) << each.message;
    EXPECT_THAT(parsed.error().message, HasSubstr(each.message));
  }
}

TEST(CommandLine, ChecksNumbers) {
  const auto parsed = parse({"up", "--port", "70000"});
  EXPECT_THAT(parsed->arguments.get_int("port", 6443, 1, 65535).error().message,
              HasSubstr("--port must be a number from 1 to 65535, not \"70000\""));
  EXPECT_EQ(*parse({"up"})->arguments.get_int("port", 6443, 1, 65535), 6443);
}

TEST(CommandLine, HelpAndCompletionNameEveryOption) {
  const auto commands = table();
  EXPECT_THAT(help_text(commands), HasSubstr("  image tag  Name\n"));
  EXPECT_THAT(help_text(commands[0]), HasSubstr("  --port PORT      where (6443)\n"));
  const std::string script = bash_completion(commands);
  EXPECT_THAT(script, HasSubstr("--port --force --file --help"));
  EXPECT_THAT(script, HasSubstr("words=\"up image\""));
}

TEST(CommandLine, HelpOfOneCommandNeedsNoArguments) {
  for (const auto& words : std::vector<std::vector<std::string_view>>{{"help", "image", "tag"},
                                                                      {"image", "tag", "--help"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->help);
    EXPECT_EQ(parsed->command->name, "image tag");
  }
  EXPECT_EQ(parse({"--help"})->command, nullptr);
}

}  // namespace
}  // namespace pinnace::cluster

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "base/log.h"
#include "conformance/names.h"
#include "conformance/runner.h"
#include "io/files.h"

namespace pinnace::conformance {
namespace {

constexpr std::size_t kMaxScriptBytes = 1 << 20;

// A story that cannot be read is a case that fails with the reason.
std::vector<Case> all_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(PINNACE_CONFORMANCE_CASES)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<Case> all;
  for (const auto& file : files) {
    const auto text = io::read_file(file, kMaxScriptBytes);
    auto cases = text ? parse_script(file.filename(), *text)
                      : Result<std::vector<Case>>(std::unexpected(text.error()));
    if (!cases) {
      all.push_back({file.filename(), cases.error().message, {}});
      continue;
    }
    std::ranges::move(*cases, std::back_inserter(all));
  }
  return all;
}

std::string test_name(const Case& story) {
  std::string name = std::filesystem::path(story.file).stem().string() + '_' + story.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

class Conformance : public ::testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() { log::set_level(log::Level::kError); }
};
INSTANTIATE_TEST_SUITE_P(Kubernetes, Conformance, ::testing::ValuesIn(all_cases()),
                         [](const auto& each) { return test_name(each.param); });

TEST_P(Conformance, Behaves) {
  const Case& story = GetParam();
  ASSERT_FALSE(story.steps.empty()) << story.name << " has no steps";
  Runner runner;
  bool asserts = false;
  for (const Step& step : story.steps) {
    const std::string why = runner.play(step);
    ASSERT_EQ(why, "") << story.file << ':' << step.line << ": " << step.verb << ' ' << step.rest;
    asserts = asserts || step.verb == "expect" || step.verb == "eventually" ||
              step.verb == "events" || step.verb == "says";
  }
  EXPECT_TRUE(asserts) << "this story expects nothing";
}

// -- What is covered

// Whether the story or the end-to-end test is there.
bool is_there(const CoveredName& name, const std::vector<Case>& stories) {
  if (name.is_missing()) return !name.what.empty();
  if (name.is_story()) {
    return std::ranges::any_of(stories, [&](const Case& story) {
      return story.file == name.place && story.name == name.what;
    });
  }
  const std::filesystem::path cases = PINNACE_CONFORMANCE_CASES;
  const auto text = io::read_file(cases.parent_path().parent_path() / name.place, kMaxScriptBytes);
  return text && text->find("def " + name.what + "(self") != std::string::npos;
}

TEST(Names, AreEachCoveredByATestThatIsThereOrSayWhyNot) {
  const std::filesystem::path cases = PINNACE_CONFORMANCE_CASES;
  const auto text = io::read_file(cases.parent_path() / "names.txt", kMaxScriptBytes);
  ASSERT_TRUE(text) << text.error().message;
  const auto names = parse_names(*text);
  ASSERT_TRUE(names) << names.error().message;
  const auto stories = all_cases();
  struct Counts {
    int stories = 0, end_to_end = 0, missing = 0;
  };
  std::map<std::string, Counts> counts;
  std::set<std::string> seen;
  for (const CoveredName& name : *names) {
    EXPECT_TRUE(seen.insert(name.area + name.name).second) << name.line << ": stands here twice";
    EXPECT_TRUE(is_there(name, stories))
        << "names.txt:" << name.line << ": there is no " << name.place << ": " << name.what;
    Counts& of_area = counts[name.area];
    ++(name.is_missing() ? of_area.missing
       : name.is_story() ? of_area.stories
                         : of_area.end_to_end);
  }
  EXPECT_GE(counts["sig-api-machinery"].stories, 70);
  EXPECT_GE(counts["sig-auth"].stories, 8);
  for (const auto& [area, of_area] : counts) {
    std::cout << area << ": " << of_area.stories << " by stories, " << of_area.end_to_end
              << " end to end, " << of_area.missing << " missing\n";
  }
}

// -- The format itself

TEST(Matching, SaysWhereAnAnswerDiffers) {
  api::Arena arena;
  Names names;
  const auto check = [&](const char* expected, const char* actual) {
    const api::Value value = *api::parse_json(arena, actual);
    return mismatch(*api::parse_json(arena, expected), &value, names);
  };
  EXPECT_EQ(check(R"({"a":{"b":1}})", R"({"a":{"b":1,"c":2}})"), "");
  EXPECT_EQ(check(R"({"a":{"b":1}})", R"({"a":{"b":2}})"), "a.b: is 2, not 1");
  EXPECT_EQ(check(R"({"a":"<absent>"})", R"({"a":1})"), "a: is 1, not absent");
  EXPECT_EQ(check(R"({"a":"$x"})", R"({"a":"one"})"), "");
  EXPECT_EQ(check(R"({"a":"$x"})", R"({"a":"two"})"), "a: is \"two\", not one");
  EXPECT_EQ(check("[1,2]", "[1,2,3]"), ": has 3 entries, not 2: [1,2,3]");
  EXPECT_EQ(check(R"([1,"..."])", "[1,2,3]"), "");
  EXPECT_EQ(substituted("/a/$x/${x}y$z", names), "/a/one/oney$z");
}

TEST(Script, ReadsStepsWithTheirBlocks) {
  const auto cases = parse_script("f", "# c\ncase One\nPOST /x\n  a: 1\n  b: 2\nexpect 201\n");
  ASSERT_TRUE(cases);
  ASSERT_EQ(cases->size(), 1u);
  EXPECT_EQ((*cases)[0].steps[0].block, "a: 1\nb: 2\n");
  EXPECT_EQ((*cases)[0].steps[1].rest, "201");
  EXPECT_FALSE(parse_script("f", "POST /x\n"));
}

}  // namespace
}  // namespace pinnace::conformance

// Plays the scripts in strategies/cases; their README says how they are written.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "api/schema.h"
#include "apiserver/testing.h"
#include "base/rng.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::TestServer;

struct Case {
  std::string verb;  // "create", "update", "update/status"
  std::vector<std::string> changes;
  std::vector<std::string> causes, warnings;
  std::string place;  // FILE:LINE
};

struct Section {
  std::string path, body, place;
  std::vector<Case> cases;
};

std::vector<std::string> split_changes(std::string_view line) {
  std::vector<std::string> changes;
  while (!line.empty()) {
    const auto end = line.find(" ; ");
    changes.emplace_back(line.substr(0, end));
    line = end == std::string_view::npos ? std::string_view() : line.substr(end + 3);
  }
  return changes;
}

std::vector<Section> read_script(const std::filesystem::path& file) {
  std::vector<Section> sections;
  std::ifstream in(file);
  std::string line;
  bool in_body = false;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string place = file.filename().string() + ":" + std::to_string(number);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("object ")) {
      sections.push_back({line.substr(7), "", place, {}});
      in_body = true;
    } else if (!line.starts_with("  ")) {
      in_body = false;
      const auto space = line.find(' ');
      Case one{line.substr(0, space), {}, {}, {}, place};
      if (space != std::string::npos) one.changes = split_changes(line.substr(space + 1));
      sections.back().cases.push_back(std::move(one));
    } else if (in_body) {
      sections.back().body += line;
    } else if (line.starts_with("  warning: ")) {
      sections.back().cases.back().warnings.push_back(line.substr(11));
    } else {
      sections.back().cases.back().causes.push_back(line.substr(2));
    }
  }
  return sections;
}

// Sets or removes what stands at a path.
class Editor {
 public:
  Editor(api::Arena& arena, api::Value& root) : arena_(arena), root_(root) {}

  void apply(const std::string& change) {
    std::size_t at = 0;
    bool in_key = false;
    while (at < change.size() && (in_key || change[at] != '=')) {
      in_key = change[at] == '[' || (in_key && change[at] != ']');
      ++at;
    }
    ASSERT_LT(at, change.size()) << change;
    const auto value = api::parse_json(arena_, arena_.copy(change.substr(at + 1)));
    ASSERT_TRUE(value) << change;
    set(root_, steps_of(std::string_view(change).substr(0, at)), *value);
  }

 private:
  static std::vector<std::string> steps_of(std::string_view path) {
    std::vector<std::string> steps;
    for (std::size_t at = 0; at < path.size();) {
      const bool bracket = path[at] == '[';
      if (bracket || path[at] == '.') ++at;
      const auto end =
          std::min(bracket ? path.find(']', at) : path.find_first_of(".[", at), path.size());
      steps.emplace_back(path.substr(at, end - at));
      at = bracket ? end + 1 : end;
    }
    return steps;
  }

  void set(api::Value& in, std::span<const std::string> steps, const api::Value& value) {
    const std::string_view step = steps[0];
    const bool is_index = !step.empty() && std::all_of(step.begin(), step.end(),
                                                       [](char c) { return c >= '0' && c <= '9'; });
    if (is_index && !in.is_object()) {
      if (!in.is_array()) in = api::Value::array();
      const auto index = static_cast<std::size_t>(std::stoul(std::string(step)));
      while (in.size() <= index) in.append(arena_, api::Value::object());
      if (steps.size() > 1) return set(in.items()[index], steps.subspan(1), value);
      if (value.is_null()) return in.remove_item(index);
      in.items()[index] = value;
      return;
    }
    if (!in.is_object()) in = api::Value::object();
    if (steps.size() == 1) {
      if (value.is_null())
        in.erase(step);
      else
        in.set(arena_, step, value);
      return;
    }
    if (in.find(step) == nullptr) in.set(arena_, step, api::Value::null());
    set(*in.find(step), steps.subspan(1), value);
  }

  api::Arena& arena_;
  api::Value& root_;
};

class Player {
 public:
  Player() {
    server_.make_service_account("default");
    server_.service_cidr = "10.96.0.0/24";
  }

  void play(const Section& section) {
    made_.clear();
    for (const Case& one : section.cases) {
      SCOPED_TRACE(one.place);
      api::Arena arena;
      const bool creates = one.verb == "create";
      if (!creates && made_.empty()) make(section);
      auto object = api::parse_json(arena, creates ? section.body : made_);
      ASSERT_TRUE(object) << section.place << " is no JSON";
      Editor editor(arena, *object);
      for (const auto& change : one.changes) editor.apply(change);
      if (creates) {
        compare(server_.post(section.path + "?dryRun=All", api::to_json_text(*object)), one);
      } else {
        ASSERT_TRUE(one.verb.starts_with("update")) << one.verb;
        compare(server_.put(section.path + "/" + name_ + one.verb.substr(6) + "?dryRun=All",
                            api::to_json_text(*object)),
                one);
      }
    }
  }

 private:
  void make(const Section& section) {
    const auto answer = server_.post(section.path, section.body);
    ASSERT_EQ(answer->status, 201) << section.place << answer->body;
    name_ = answer->at("metadata", "name");
    made_ = server_.get(section.path + "/" + name_)->body;
  }

  static bool fits(const std::string& wanted, const std::string& text) {
    if (!wanted.ends_with("...")) return wanted == text;
    return text.starts_with(std::string_view(wanted).substr(0, wanted.size() - 3));
  }

  static std::vector<std::string> causes_of(const AnswerRef& answer) {
    std::vector<std::string> out;
    if (answer->status < 300) return out;
    const auto* causes = answer->json().find_path({"details", "causes"});
    if (answer->status != 422 || causes == nullptr) return {answer->message()};
    for (const auto& cause : causes->items()) {
      out.push_back(std::string(cause.string_at("field")) + ": " +
                    std::string(cause.string_at("message")));
    }
    return out;
  }

  static std::vector<std::string> warnings_of(const AnswerRef& answer) {
    std::vector<std::string> out;
    for (const auto header : answer->headers.get_all("warning")) {
      api::Arena arena;
      const auto text = api::parse_json(arena, std::string_view(header).substr(6));
      out.emplace_back(text ? text->as_string() : header);
    }
    return out;
  }

  static void compare(const AnswerRef& answer, const Case& one) {
    expect(causes_of(answer), one.causes, "");
    expect(warnings_of(answer), one.warnings, "warning: ");
  }
  static void expect(const std::vector<std::string>& got, const std::vector<std::string>& wanted,
                     const char* start) {
    const bool same =
        got.size() == wanted.size() && std::equal(wanted.begin(), wanted.end(), got.begin(), fits);
    std::string shown;
    for (const auto& text : got) shown += "\n  " + (start + text);
    EXPECT_TRUE(same) << "the answer was" << (shown.empty() ? " yes" : shown);
  }

  TestServer server_;
  std::string made_, name_;
};

std::vector<std::filesystem::path> scripts() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(PINNACE_VALIDATION_CASES)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class ValidationCases : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ValidationCases, AreAnsweredAsWritten) {
  Player player;
  for (const Section& section : read_script(GetParam())) player.play(section);
}

INSTANTIATE_TEST_SUITE_P(Scripts, ValidationCases, ::testing::ValuesIn(scripts()),
                         [](const auto& script) { return script.param.stem().string(); });

// Changes one place of an object to something that fits its type but hardly its meaning.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : rng_(seeded_rng(seed)) {}

  void mutate(api::Arena& arena, api::Value& value) {
    const bool goes_on = rng_->below(4) != 0;
    if (value.is_object() && !value.empty() && goes_on) {
      return mutate(arena, value.members()[pick(value.size())].value);
    }
    if (value.is_array() && !value.empty() && goes_on) {
      return mutate(arena, value.items()[pick(value.size())]);
    }
    change(arena, value);
  }

 private:
  std::size_t pick(std::size_t count) { return static_cast<std::size_t>(rng_->below(count)); }

  void change(api::Arena& arena, api::Value& value) {
    constexpr const char* kTexts[] = {"",        "x",  "A/b/c", "1.2.3.4",
                                      "::1/129", "-1", "5%%",   "a=b",
                                      "*",       "..", "\\\\",  "metadata.labels['"};
    constexpr std::int64_t kNumbers[] = {0, -1, 1, 65536, INT32_MAX, INT32_MIN};
    if (value.is_string()) {
      value = api::Value::string_ref(kTexts[pick(std::size(kTexts))]);
    } else if (value.is_int()) {
      value = api::Value::integer(kNumbers[pick(std::size(kNumbers))]);
    } else if (value.is_bool()) {
      value = api::Value::boolean(!value.as_bool());
    } else if (value.is_array() && !value.empty()) {
      value.append(arena, value.items()[0]);
    } else if (value.is_object()) {
      value = api::Value::object();
    } else {
      value = api::Value::null();
    }
  }

  std::unique_ptr<Rng> rng_;
};

TEST(ValidationCases, AreAnsweredHoweverOddTheObject) {
  constexpr int kRounds = 40;
  TestServer server;
  server.make_service_account("default");
  Mutator mutator(1);
  for (const auto& file : scripts()) {
    for (const Section& section : read_script(file)) {
      for (int round = 0; round < kRounds; ++round) {
        api::Arena arena;
        auto object = api::parse_json(arena, section.body);
        ASSERT_TRUE(object) << section.place;
        for (int times = 0; times <= round % 4; ++times) mutator.mutate(arena, *object);
        const std::string body = api::to_json_text(*object);
        const auto answer = server.post(section.path + "?dryRun=All", body);
        EXPECT_LT(answer->status, 500) << section.path << body << answer->body;
      }
    }
  }
}

// The stored resources that a path can mean: "/apis/GROUP/VERSION/[namespaces/NS/]NAME".
std::string storage_of_path(const std::string& path) {
  const auto parts = split(path, '/');
  const bool is_core = parts[1] == "api";
  const std::string_view group = is_core ? std::string_view() : parts[2];
  const std::string_view version = parts[is_core ? 2 : 3];
  const auto* resource = api::builtin_schema().find_resource(group, version, parts.back());
  return resource == nullptr ? "" : std::string(resource->storage_resource);
}

TEST(ValidationCases, HaveSomethingThatEachKindRefuses) {
  std::set<std::string> refusing;
  for (const auto& file : scripts()) {
    for (const Section& section : read_script(file)) {
      for (const Case& one : section.cases) {
        if (!one.causes.empty()) refusing.insert(storage_of_path(section.path));
      }
    }
  }
  std::set<std::string> silent;
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    const bool is_kept =
        resource.enabled && !resource.storage_resource.empty() && resource.has_verb("create");
    const std::string name(resource.storage_resource);
    // What makes kinds is tested where they are made.
    if (name == "apiextensions.k8s.io/customresourcedefinitions") continue;
    if (is_kept && !refusing.contains(name)) silent.insert(name);
  }
  EXPECT_THAT(silent, ::testing::IsEmpty()) << "these kinds have no case that is refused";
}

}  // namespace
}  // namespace pinnace::apiserver

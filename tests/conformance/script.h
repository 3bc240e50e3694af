// The stories of cases/: what a line says, before anything is done. README.md describes the format.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::conformance {

struct Step {
  int line = 0;
  std::string verb;                // "POST", "expect", "advance"
  std::vector<std::string> words;  // What stands after it.
  std::string rest;                // The same as it was written.
  std::string block;               // The indented lines below, without their indentation.
};

struct Case {
  std::string file, name;
  std::vector<Step> steps;
  // What a failed test shows of it.
  friend void PrintTo(const Case& story, std::ostream* out) { *out << story.file; }
};

// 400 with file and line for what is no story.
Result<std::vector<Case>> parse_script(const std::string& file, std::string_view text);

}  // namespace pinnace::conformance

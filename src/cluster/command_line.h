// The command line: which commands there are, what they take, and their help and completion.
//
// Why: one table is the truth for parsing, `--help` and shell completion.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::cluster {

struct Option {
  std::string_view name;  // "data-dir", given as --data-dir VALUE or --data-dir=VALUE
  // "DIR"; empty: a switch; "NAME,...": a list, whose option may be repeated instead.
  std::string_view value_name;
  std::string_view help;  // One line, with the default in parentheses.
};

// What a command was called with; every name is one of its Options.
class Arguments {
 public:
  bool has(std::string_view option) const { return options.find(option) != options.end(); }
  std::string get(std::string_view option, std::string_view fallback = "") const;
  // 400 with the option's name if the value is no number in [low, high].
  Result<int> get_int(std::string_view option, int fallback, int low, int high) const;

  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::string> positional;
};

struct Command {
  std::string_view name;       // "up", "image load"
  std::string_view arguments;  // "FILE|DIR": what stands after the options; empty: nothing
  std::size_t min_arguments = 0;
  std::size_t max_arguments = 0;
  std::string_view summary;   // One line.
  std::string_view examples;  // Lines to copy; may be empty.
  std::vector<Option> options;
  std::function<Result<void>(const Arguments&)> run;
};

// Finds the command that the words begin with and parses the rest by its options.
struct Parsed {
  const Command* command = nullptr;  // Null: only help was asked for, or nothing was given.
  Arguments arguments;
  bool help = false;
};
Result<Parsed> parse_command_line(std::span<const std::string_view> words,
                                  std::span<const Command> commands);

// All commands, or one of them.
std::string help_text(std::span<const Command> commands);
std::string help_text(const Command& command);
// A bash completion script for all commands and their options.
std::string bash_completion(std::span<const Command> commands);

}  // namespace pinnace::cluster

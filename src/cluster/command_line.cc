#include "cluster/command_line.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::cluster {

namespace {

const Option* find_option(const Command& command, std::string_view name) {
  const auto found = std::find_if(command.options.begin(), command.options.end(),
                                  [&](const Option& option) { return option.name == name; });
  return found == command.options.end() ? nullptr : &*found;
}

// How many of the words make the command's name; 0 if they do not.
std::size_t name_words(const Command& command, std::span<const std::string_view> words) {
  const auto parts = split(command.name, ' ');
  if (parts.size() > words.size()) return 0;
  return std::equal(parts.begin(), parts.end(), words.begin()) ? parts.size() : 0;
}

Unexpected unknown_command(std::span<const std::string_view> words,
                           std::span<const Command> commands) {
  std::string message = "unknown command \"" + std::string(words.front()) + '"';
  std::vector<std::string> close;
  for (const auto& command : commands) {
    if (command.name.starts_with(words.front())) close.emplace_back(command.name);
  }
  if (!close.empty()) message += "; did you mean: " + join(close, ", ") + '?';
  return errors::bad_request(message + "\nRun 'pinnace --help' for all commands.");
}

// Takes one option from the words, moving `at` past it.
Result<void> take_option(const Command& command, std::span<const std::string_view> words,
                         std::size_t& at, Arguments& arguments) {
  std::string_view name = words[at++].substr(2);
  const auto equals = name.find('=');
  const bool has_value = equals != std::string_view::npos;
  const std::string_view value = has_value ? name.substr(equals + 1) : "";
  name = name.substr(0, equals);
  const Option* option = find_option(command, name);
  if (!option) {
    return errors::bad_request("unknown option --" + std::string(name) + "\nRun 'pinnace " +
                               std::string(command.name) + " --help' for its options.");
  }
  if (option->value_name.empty()) {
    if (has_value) {
      return errors::bad_request("option --" + std::string(name) + " takes no value");
    }
    arguments.options.insert_or_assign(std::string(name), "");
    return {};
  }
  if (!has_value && at == words.size()) {
    return errors::bad_request("option --" + std::string(name) +
                               " needs a value: " + std::string(option->value_name));
  }
  const std::string_view given = has_value ? value : words[at++];
  std::string& kept = arguments.options[std::string(name)];
  const bool goes_on = option->value_name.ends_with(",...") && !kept.empty();
  kept = (goes_on ? kept + ',' : "") + std::string(given);
  return {};
}

}  // namespace

std::string Arguments::get(std::string_view option, std::string_view fallback) const {
  const auto found = options.find(option);
  return found == options.end() ? std::string(fallback) : found->second;
}

Result<int> Arguments::get_int(std::string_view option, int fallback, int low, int high) const {
  const auto found = options.find(option);
  if (found == options.end()) return fallback;
  const auto value = parse_int(found->second);
  if (!value || *value < low || *value > high) {
    return errors::bad_request("--" + std::string(option) + " must be a number from " +
                               std::to_string(low) + " to " + std::to_string(high) + ", not \"" +
                               found->second + '"');
  }
  return static_cast<int>(*value);
}

Result<Parsed> parse_command_line(std::span<const std::string_view> words,
                                  std::span<const Command> commands) {
  Parsed parsed;
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    parsed.help = true;
    if (words.size() < 2) return parsed;
    words = words.subspan(1);
  }
  std::size_t used = 0;
  for (const auto& command : commands) {
    if (const std::size_t length = name_words(command, words); length > used) {
      parsed.command = &command;
      used = length;
    }
  }
  if (!parsed.command) return unknown_command(words, commands);
  bool only_positional = false;
  for (std::size_t at = used; at < words.size();) {
    if (only_positional || !words[at].starts_with('-') || words[at] == "-") {
      parsed.arguments.positional.emplace_back(words[at++]);
    } else if (words[at] == "--") {
      only_positional = true;
      ++at;
    } else if (words[at] == "--help" || words[at] == "-h") {
      parsed.help = true;
      return parsed;
    } else if (words[at].starts_with("--")) {
      auto taken = take_option(*parsed.command, words, at, parsed.arguments);
      if (!taken) return std::unexpected(std::move(taken.error()));
    } else {
      return errors::bad_request("unknown option " + std::string(words[at]) +
                                 "; options begin with two dashes");
    }
  }
  const std::size_t count = parsed.arguments.positional.size();
  if (!parsed.help &&
      (count < parsed.command->min_arguments || count > parsed.command->max_arguments)) {
    return errors::bad_request("usage: pinnace " + std::string(parsed.command->name) +
                               " [OPTION...] " + std::string(parsed.command->arguments));
  }
  return parsed;
}

std::string help_text(std::span<const Command> commands) {
  std::string out =
      "Pinnace runs Kubernetes in one small binary.\n\n"
      "Usage: pinnace COMMAND [OPTION...]\n\n";
  std::size_t width = 0;
  for (const auto& command : commands) width = std::max(width, command.name.size());
  for (const auto& command : commands) {
    out.append("  ").append(command.name).append(width + 2 - command.name.size(), ' ');
    out.append(command.summary).append("\n");
  }
  return out + "\nRun 'pinnace COMMAND --help' for a command's options and examples.\n";
}

std::string help_text(const Command& command) {
  std::string out(command.summary);
  out.append("\n\nUsage: pinnace ").append(command.name);
  if (!command.options.empty()) out += " [OPTION...]";
  if (!command.arguments.empty()) out.append(" ").append(command.arguments);
  out += '\n';
  if (!command.options.empty()) {
    out += "\nOptions:\n";
    std::size_t width = 0;
    const auto left = [](const Option& option) {
      std::string text = "--" + std::string(option.name);
      if (!option.value_name.empty()) text.append(" ").append(option.value_name);
      return text;
    };
    for (const auto& option : command.options) width = std::max(width, left(option).size());
    for (const auto& option : command.options) {
      std::string text = left(option);
      text.resize(width + 2, ' ');
      out.append("  ").append(text).append(option.help).append("\n");
    }
  }
  if (!command.examples.empty()) out.append("\nExamples:\n").append(command.examples);
  return out;
}

std::string bash_completion(std::span<const Command> commands) {
  std::string out =
      "# bash completion for pinnace; use it with: source <(pinnace completion bash)\n"
      "_pinnace() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" words\n"
      "  case \"$line\" in\n";
  std::vector<std::string> first_words, two_words;
  for (const auto& command : commands) {
    const auto parts = split(command.name, ' ');
    const std::string first(parts.front());
    if (std::find(first_words.begin(), first_words.end(), first) == first_words.end()) {
      first_words.push_back(first);
    }
    std::vector<std::string> options;
    for (const auto& option : command.options) options.push_back("--" + std::string(option.name));
    options.emplace_back("--help");
    out.append("    \"").append(command.name).append("\"*) words=\"");
    out.append(join(options, " ")).append("\" ;;\n");
  }
  for (const auto& first : first_words) {
    std::vector<std::string> seconds;
    for (const auto& command : commands) {
      const auto parts = split(command.name, ' ');
      if (parts.size() > 1 && parts.front() == first) seconds.emplace_back(parts[1]);
    }
    if (!seconds.empty()) out += "    " + first + ") words=\"" + join(seconds, " ") + "\" ;;\n";
  }
  out += "    *) words=\"" + join(first_words, " ") + "\" ;;\n  esac\n";
  return out +
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "}\n"
         "complete -F _pinnace pinnace\n";
}

}  // namespace pinnace::cluster

#include "cluster/commands.h"

#include "cluster/progress.h"

namespace pinnace::cluster {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      command::up(),           command::status(),
      command::down(),         command::remove(),
      command::demo(),         command::image_load(),
      command::image_tag(),    command::image_list(),
      command::image_remove(), command::server(),
      command::agent(),        command::backup(),
      command::restore(),      command::rotate_encryption_key(),
      command::completion(),   command::version(),
  };
  return table;
}

int run_commands(std::span<const std::string_view> words) {
  auto parsed = parse_command_line(words, commands());
  if (!parsed) {
    warn(parsed.error().message);
    return 2;
  }
  if (!parsed->command || parsed->help) {
    show(parsed->command ? help_text(*parsed->command) : help_text(commands()));
    return 0;
  }
  auto done = parsed->command->run(parsed->arguments);
  if (!done) {
    warn(done.error().message);
    return 1;
  }
  return 0;
}

}  // namespace pinnace::cluster

// The verbs of the `pinnace` program.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cluster/command_line.h"

namespace pinnace::cluster {

// Every command, in the order in which help lists them. Each is defined in its file of commands/.
const std::vector<Command>& commands();

// Runs what the words (without the program's name) ask for; the process's exit status. Errors go to
// standard error as one line that says what was wrong and what to do.
int run_commands(std::span<const std::string_view> words);

namespace command {
Command up();
Command down();
Command remove();
Command status();
Command demo();
Command server();
Command rotate_encryption_key();
Command agent();
Command image_load();
Command image_tag();
Command image_list();
Command image_remove();
Command backup();
Command restore();
Command completion();
Command version();
}  // namespace command

}  // namespace pinnace::cluster

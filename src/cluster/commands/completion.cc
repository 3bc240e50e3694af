#include "cluster/commands.h"
#include "cluster/progress.h"

namespace pinnace::cluster::command {

namespace {

Result<void> run(const Arguments& arguments) {
  if (arguments.positional[0] != "bash") {
    return errors::bad_request("there is completion for bash only, not for \"" +
                               arguments.positional[0] + '"');
  }
  show(bash_completion(commands()));
  return {};
}

}  // namespace

Command completion() {
  return {.name = "completion",
          .arguments = "bash",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = "Print a script that completes commands and options in a shell",
          .examples = "  source <(pinnace completion bash)\n",
          .options = {},
          .run = run};
}

}  // namespace pinnace::cluster::command

#include "apiserver/server.h"
#include "cluster/commands.h"
#include "cluster/progress.h"

namespace pinnace::cluster::command {

Command version() {
  return {.name = "version",
          .summary = "Print the version of Pinnace and of the Kubernetes API that it serves",
          .options = {},
          .run = [](const Arguments&) -> Result<void> {
            show(std::string("pinnace ") + PINNACE_VERSION + " (Kubernetes " +
                 apiserver::kGitVersion + ")");
            return {};
          }};
}

}  // namespace pinnace::cluster::command

// Reads the verb and runs it.
#include <string_view>
#include <vector>

#include "cluster/commands.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  return pinnace::cluster::run_commands(words);
}

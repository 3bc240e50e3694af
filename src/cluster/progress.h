// What commands show people: steps with their outcome, and the end of a log.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::cluster {

// A line on standard output, as it happens: "  node is Ready (1.2 s)".
void show(std::string_view text);
// A line on standard error for what a person should know but need not act on.
void warn(std::string_view text);

// The last lines of a file, indented, "" if there are none.
std::string last_lines(const std::string& path, int count);

}  // namespace pinnace::cluster

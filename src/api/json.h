// JSON text to and from Value trees.
//
// Errors: `parse_json` gives 400 BadRequest with the line and column of the first mistake. Invalid
//   UTF-8 is a mistake. Of members with the same key the last one wins, as in Go.
// Bounds: nesting deeper than `max_depth` is an error; the size of the text is the caller's
// business. Threads: any; each thread keeps a small parser of its own. Source: RFC 8259; the
// escapes of Go's encoding/json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

struct ParseOptions {
  // Gets the path of every member that came twice ("spec.containers[0].image"), at most 100.
  std::vector<std::string>* duplicate_fields = nullptr;
  int max_depth = 512;
};

// The tree owns its strings through the arena; `text` need not outlive the call. Whole numbers
// that fit an int64 become kInt, all other numbers kDouble.
Result<Value> parse_json(Arena& arena, std::string_view text, ParseOptions options = {});

// What `parse_json` says is wrong, without the place: as Go says it.
std::string_view without_place(std::string_view problem);

// Members of a text by their paths, as they are met when it is read: those of `first` when they
// come for the first time, what is below them passed over; those of `again` when they come once
// more.
struct MetMember {
  std::string path;
  bool is_again = false;
};
std::vector<MetMember> in_reading_order(std::string_view text,
                                        const std::vector<std::string>& first,
                                        const std::vector<std::string>& again);

// Appends the compact JSON text, members in their order; no newline at the end. `<`, `>`, `&`,
// U+2028 and U+2029 are escaped as Go does it. Numbers that JSON cannot hold become null.
void write_json(std::string& out, const Value& value);
std::string to_json_text(const Value& value);
// As `write_json`, indented by `indent` spaces a level.
std::string to_indented_json(const Value& value, int indent = 2);

// Pieces for those who write JSON without a tree.
void write_json_string(std::string& out, std::string_view text);
void write_json_double(std::string& out, double number);
void write_json_int(std::string& out, std::int64_t number);

}  // namespace pinnace::api

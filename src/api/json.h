// JSON text to and from Value trees.
//
// Errors: `parse_json` gives 400 BadRequest with the line and column of the first mistake, in the
//   words of Go's encoding/json. What is no character, in bytes or as half of a surrogate pair,
//   becomes U+FFFD, and of members with the same key the last one wins, as there.
// Bounds: nesting deeper than `max_depth` is an error, and so is a text of 2 GiB; a smaller size is
//   the caller's business.
// Threads: any. Source: RFC 8259; the escapes of Go's encoding/json.
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

// The arena gets one copy of the text, in which the strings lie; `text` need not outlive the call.
// Whole numbers that fit an int64 become kInt, all other numbers kDouble.
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
// A member's name with its colon; `before` is the brace or comma that stands before it.
void write_json_key(std::string& out, char before, std::string_view key);
void write_json_double(std::string& out, double number);
void write_json_int(std::string& out, std::int64_t number);

}  // namespace pinnace::api

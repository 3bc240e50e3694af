// Cuts the parts of a JSON text that a list or a watch needs, without making a tree of the rest.
//
// Why: a list of 10,000 objects is decoded object by object; parsing it as a whole first would read
//   and copy everything twice.
// Errors: false if the text is not JSON as far as it was looked at. Its parts are checked by who
//   decodes them.
#pragma once

#include <functional>
#include <string_view>

namespace pinnace::client {

// Calls `visit(key, raw value)` for each member of an object; the key as it stands, not unescaped.
bool for_each_member(std::string_view object,
                     const std::function<void(std::string_view key, std::string_view raw)>& visit);
// Calls `visit(raw value)` for each element of an array.
bool for_each_element(std::string_view array,
                      const std::function<void(std::string_view raw)>& visit);
// The raw value of the first member of that name, "" if there is none.
std::string_view raw_member(std::string_view object, std::string_view key);
// The same with all that stands behind the value: for who does not need its end, which costs a walk
// through it. The functions above take such a text for the value alone.
std::string_view from_member(std::string_view object, std::string_view key);

// An event of a watch: `{"type":TYPE,"object":OBJECT}`; empty where a line is none. An object is
// what stands behind its key up to the line's last brace, unread.
struct EventSlices {
  std::string_view type, object;
};
EventSlices event_slices(std::string_view line);
// The content of a string value that has no escapes (types, resource versions); "" otherwise.
std::string_view plain_string(std::string_view raw);

}  // namespace pinnace::client

// format_text is string.format(): "%s has %d of %.2f" with a list of arguments.
//
// Source: cel-go's ext.Strings, version 2, "Format".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace pinnace::cel::internal {

// What is wrong, or "" and the text.
std::string format_text(Workspace& space, std::string_view format, const Value& arguments,
                        std::string* out);

// `%.2f` of a format.
struct FormatClause {
  char letter;
  int precision;
  std::size_t argument;  // Which it is for.
};

// A format's clauses, one after the other.
class FormatReader {
 public:
  FormatReader(std::string_view format, std::size_t arguments)
      : rest_(format), arguments_(arguments) {}

  // Appends what stands before the next clause; nothing after the last one, or on an error.
  std::optional<FormatClause> next(std::string& text);
  const std::string& error() const { return error_; }
  std::size_t clauses() const { return next_; }

 private:
  int read_precision();

  std::string_view rest_;
  std::size_t arguments_;
  std::size_t next_ = 0;
  std::string error_;
};

// Whether a clause takes values of a kind of type; what may be anything is tried.
bool takes_kind(char letter, TypeKind kind);
std::string wrong_argument(char letter, std::string_view type_name);

// In double quotes, with what does not print escaped.
std::string quoted(std::string_view text);

}  // namespace pinnace::cel::internal

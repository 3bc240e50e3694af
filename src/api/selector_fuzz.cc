// Query parameters of clients: a selector's text form means the selector.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/selector.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto labels = parse_label_selector(text)) {
    (void)labels->matches(LabelMap{{"a", "b"}, {"tier", "web"}});
    auto again = parse_label_selector(labels->text());
    if (!again || again->text() != labels->text()) std::abort();
  }
  if (auto fields = parse_field_selector(text)) {
    auto again = parse_field_selector(fields->text());
    if (!again || again->text() != fields->text()) std::abort();
  }
  return 0;
}

// Query parameters of clients: a selector's text form means the selector.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <tuple>

#include "api/selector.h"

namespace {

// In any order: terms are sorted by how they were written.
auto requirements_of(const pinnace::api::FieldSelector& selector) {
  std::multiset<std::tuple<std::string, std::string, bool>> out;
  for (const auto& [field, value, negated] : selector.requirements()) {
    out.emplace(field, value, negated);
  }
  return out;
}

}  // namespace

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
    if (!again || requirements_of(*again) != requirements_of(*fields)) std::abort();
  }
  return 0;
}

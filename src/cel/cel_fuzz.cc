// Expressions of anyone: what compiles is evaluated within its limits, and its text compiles again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/json.h"
#include "cel/environment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  using namespace pinnace::cel;
  static const Environment environment(
      {{"object", &kDynType}, {"n", &kIntType}, {"s", &kStringType}, {"l", &kDynListType}},
      {.patches = true});
  static constexpr std::string_view kObject =
      R"({"a": {"b": [1, 2.5, "x", null, true]}, "text": "some text", "list": [1, 2, 3]})";
  static constexpr std::uint64_t kCostLimit = 20'000;

  const auto program = environment.compile({reinterpret_cast<const char*>(data), size});
  if (!program) return 0;
  Workspace space;
  const auto object = api::parse_json(space.arena(), kObject);
  const Value numbers[] = {Value::integer(1), Value::integer(2)};
  const Value variables[] = {Value::json(space, *object), Value::integer(3), Value::string("text"),
                             Value::list(numbers)};
  const Outcome outcome = program->evaluate(space, variables, kCostLimit);
  if (!outcome.cancelled && outcome.cost > kCostLimit) std::abort();
  if (!outcome.value.is_error()) (void)to_json(space, outcome.value);
  return 0;
}

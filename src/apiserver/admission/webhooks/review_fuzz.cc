// No answer of a webhook, and no patch in one, may do more than be refused.
#include <cstddef>
#include <cstdint>

#include "api/json.h"
#include "api/json_patch.h"
#include "api/testing_mutator.h"
#include "apiserver/admission/webhooks/review.h"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool is_v1 : {false, true}) {
    const auto answer = apiserver::parse_review(text, is_v1, "uid", true);
    if (!answer || answer->patch.empty()) continue;
    api::Arena arena;
    const auto patch = api::parse_json(arena, answer->patch);
    auto document = api::parse_json(arena, R"({"metadata":{"name":"a"},"data":{"b":"c"}})");
    if (patch) (void)api::apply_json_patch(arena, *document, *patch);
  }
  return 0;
}

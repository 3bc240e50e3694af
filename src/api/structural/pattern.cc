#include "api/structural/pattern.h"

#include <re2/re2.h>

namespace pinnace::api::structural {
namespace {

constexpr std::int64_t kMaxBytes = 1 << 20;

}  // namespace

struct Pattern::Program {
  Program(std::string_view text, const RE2::Options& options)
      : expression({text.data(), text.size()}, options) {}
  RE2 expression;
};

Pattern::Pattern(std::unique_ptr<Program> program) : program_(std::move(program)) {}
Pattern::~Pattern() = default;

Result<std::unique_ptr<const Pattern>> Pattern::compile(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxBytes);
  auto program = std::make_unique<Program>(text, options);
  if (!program->expression.ok()) return errors::bad_request(program->expression.error());
  return std::unique_ptr<const Pattern>(new Pattern(std::move(program)));
}

bool Pattern::matches(std::string_view text) const {
  return RE2::PartialMatch({text.data(), text.size()}, program_->expression);
}

}  // namespace pinnace::api::structural

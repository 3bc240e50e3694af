#include "cel/environment.h"

#include <algorithm>
#include <utility>

#include "cel/internal/checker.h"
#include "cel/internal/estimator.h"
#include "cel/internal/functions.h"
#include "cel/internal/literal_checks.h"
#include "cel/internal/parser.h"
#include "cel/internal/planner.h"
#include "cel/internal/program_data.h"

namespace pinnace::cel {
namespace {

using internal::Function;
using internal::FunctionRegistry;

const Type& json_patch_type() {
  static const Type type = [] {
    static TypePool types;
    Type* patch = types.object("JSONPatch");
    types.define(patch, {{"op", "op", &kStringType},
                         {"path", "path", &kStringType},
                         {"from", "from", &kStringType},
                         {"value", "value", &kDynType}});
    return *patch;
  }();
  return type;
}

class EnvironmentScope : public internal::Scope {
 public:
  EnvironmentScope(const std::vector<Environment::Variable>& variables, bool patches)
      : variables_(variables), patches_(patches) {}

  bool find_variable(std::string_view name, Variable* out) const override {
    const auto found = std::ranges::find(variables_, name, &Environment::Variable::name);
    if (found == variables_.end()) return false;
    *out = {static_cast<std::uint32_t>(found - variables_.begin()), found->type};
    return true;
  }

  const Function* find_function(std::string_view name) const override {
    if (!patches_ && name.starts_with("jsonpatch.")) return nullptr;
    return FunctionRegistry::instance().find(name);
  }

  const Type* find_type(std::string_view name, TypePool& types) const override {
    if (patches_ && name == "JSONPatch") return &json_patch_type();
    if (patches_ && (name == "Object" || name.starts_with("Object."))) {
      return types.open_object(name);
    }
    return FunctionRegistry::instance().find_type(name);
  }

 private:
  const std::vector<Environment::Variable>& variables_;
  bool patches_;
};

// Lists and maps between objects have no names of their own.
std::string check_names(Workspace& space, const Value& value, const std::string& path) {
  if (!space.spend_step()) return "the object is too large";
  std::string wrong;
  if (value.is(Kind::kList)) {
    for (std::size_t i = 0; i < value.list_size() && wrong.empty(); ++i) {
      wrong = check_names(space, value.item(space, i), path);
    }
  }
  const bool is_object = value.is(Kind::kObject);
  if (is_object && value.runtime_type().name != path) {
    return "unexpected type name \"" + std::string(value.runtime_type().name) + "\", expected \"" +
           path + "\", which matches field name path from root Object type";
  }
  if (is_object || value.is(Kind::kMap)) {
    for (std::size_t i = 0; i < value.map_size() && wrong.empty(); ++i) {
      const std::string below = is_object ? path + "." + std::string(value.key(i).as_text()) : path;
      wrong = check_names(space, value.value(space, i), below);
    }
  }
  return wrong;
}

}  // namespace

std::string check_object_names(Workspace& space, const Value& object) {
  return check_names(space, object, "Object");
}

Environment::Environment(std::vector<Variable> variables, Options options)
    : variables_(std::move(variables)), options_(options) {}

std::string compile_failure(const Error& error) {
  return (error.code == kNoProgram ? "program instantiation failed: " : "compilation failed: ") +
         error.message;
}

Result<Program> Environment::compile(std::string_view expression) const {
  auto data = std::make_shared<internal::ProgramData>();
  data->text = expression;
  internal::Source source(data->text);
  internal::Expr* root = internal::parse(data->constants.arena(), source, options_.bindings);
  if (root == nullptr) return errors::bad_request(source.errors());
  const EnvironmentScope scope(variables_, options_.patches);
  data->local_count = internal::check(root, scope, data->types, source);
  if (!source.failed()) {
    internal::check_literals(*root, source);
    internal::plan(root, *data, source);
  }
  if (source.failed()) return errors::bad_request(source.errors());
  if (!data->fault.empty()) {
    return std::unexpected(Error(kNoProgram, "", std::move(data->fault)));
  }
  const Type* first = variables_.empty() ? nullptr : variables_[0].type;
  data->estimate = internal::estimate_cost(*root, first, data->local_count);
  data->root = root;
  return Program(std::move(data));
}

}  // namespace pinnace::cel

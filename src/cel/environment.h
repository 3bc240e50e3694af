// Environment is what an expression may name: variables with their types, and the functions and
// types that Kubernetes 1.35 gives to every expression.
//
//   TypePool types;
//   const Environment rules({{"self", schema_type(types, schema)}, {"oldSelf", ...}});
//   Result<Program> rule = rules.compile("self.minReplicas <= self.maxReplicas");
//   if (rule && rule->result_type().kind != TypeKind::kBool) ...
//   const Value variables[] = {Value::json(space, *object, *self_type), ...};
//   rule->evaluate(space, variables).is_true();
//
// Errors: `compile` gives 400 with a message in the wording of cel-go: one "ERROR: <input>:1:5:
//   ..." with the line and a caret for each thing that is wrong. kNoProgram where the expression
//   is in order and no program can be made of it, for a pattern that is none.
// Bounds: 100,000 characters of text, 250 levels of nesting.
// Threads: immutable.
// Source: k8s.io/apiserver/pkg/cel/environment/base.go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cel/program.h"
#include "cel/types.h"

namespace pinnace::cel {

inline constexpr int kNoProgram = 422;

// What `compile` found wrong, as Kubernetes begins to say it.
std::string compile_failure(const Error& error);

class Environment {
 public:
  struct Variable {
    std::string name;
    const Type* type = &kDynType;
  };
  struct Options {
    // Mutating admission policies make patches: `Object{spec: Object.spec{...}}`,
    // `JSONPatch{op: "add", path: "/a", value: 1}` and jsonpatch.escapeKey().
    bool patches = false;
    // cel.bind(x, value, result)
    bool bindings = false;
  };

  explicit Environment(std::vector<Variable> variables) : Environment(std::move(variables), {}) {}
  Environment(std::vector<Variable> variables, Options options);

  Result<Program> compile(std::string_view expression) const;
  const std::vector<Variable>& variables() const { return variables_; }

 private:
  std::vector<Variable> variables_;
  Options options_;
};

// In a patch, an object that is the value of field `spec` of an `Object` must be an `Object.spec`.
// What is wrong with one that an expression made, or "".
std::string check_object_names(Workspace& space, const Value& object);

}  // namespace pinnace::cel

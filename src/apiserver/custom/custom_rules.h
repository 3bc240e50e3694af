// CustomRules are the x-kubernetes-validations of one version of a custom kind, compiled.
//
// Lifetime: refers to the structural schema that it was made of, which must outlive it.
// Threads: immutable; any number may ask at once.
// Bounds: a rule's estimated cost, all of a schema, and what one request may spend are limited by
//   cel/cost.h.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Validation rules".
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/structural/schema.h"
#include "api/value.h"
#include "base/error.h"
#include "cel/program.h"
#include "cel/types.h"

namespace pinnace::apiserver {

// Where to say what is wrong with rules.
struct RuleComplaints {
  std::vector<Cause>* causes;
  std::string path;                // Of the schema.
  bool is_each_affordable = true;  // Whether each rule must be; all of them together always must.
  // Where else the schema is wrong: of rules around these places nothing is said.
  std::set<std::string> faulty = {};
};

class CustomRules {
 public:
  // `schema` and `root` are the same schema, that of a resource unless it is only of a part. A rule
  // that something is wrong with is not asked.
  static std::shared_ptr<const CustomRules> create(const api::Value& schema,
                                                   const api::structural::Node& root,
                                                   const RuleComplaints* complaints = nullptr,
                                                   bool is_resource = true);

  // Adds what the rules say of `value`, which stands at `place`. `old`: what it was before, or
  // null. With `tolerated`, what is said of what did not change goes there, as text.
  void validate(std::vector<Cause>& causes, const api::Value& value, const api::Value* old,
                std::vector<std::string>* tolerated, const std::string& place = "") const;

 private:
  friend class RuleCompiler;
  friend class RuleAsker;
  struct Compiled {
    const api::structural::Rule* rule;
    cel::Program program;
    std::optional<cel::Program> message;
    bool uses_old = false;
    std::string field_path;  // As complaints write it.
  };
  // A place of the schema that has rules, there or below.
  struct Place {
    const api::structural::Node* node = nullptr;
    const cel::Type* type = nullptr;
    std::vector<Compiled> rules;
    // It has rules, but is about the items of what is no list.
    bool is_mistyped = false;
    std::map<std::string, std::unique_ptr<Place>, std::less<>> properties;
    std::unique_ptr<Place> items, additional;
  };

  cel::TypePool types_;
  std::unique_ptr<Place> root_;
};

}  // namespace pinnace::apiserver

#include "controllers/policy_type_checking/plan.h"

#include "api/json.h"
#include "api/schema.h"
#include "cel/schema_types.h"
#include "controllers/support/testing.h"

namespace pinnace::controllers::policy_type_checking {
namespace {

using testing::from;

class PolicyTypeChecking : public ::testing::Test {
 protected:
  KnownType builtin(const std::string& group, const std::string& kind) {
    return {{group, "v1", kind},
            cel::kind_type(types_, *api::builtin_schema().find_type(group, "v1", kind))};
  }
  static Policy policy(const std::string& spec) {
    return from<Policy>(R"({"metadata":{"name":"p"},"spec":{)" + spec + "}}");
  }
  api::Arena arena_;
  cel::TypePool types_;
};

TEST_F(PolicyTypeChecking, LooksUpWhatRulesNameOutright) {
  const auto rules = policy(R"("matchConstraints":{"resourceRules":[
      {"apiGroups":["b","a"],"apiVersions":["v2","v1"],"resources":["y/status","x","*"]},
      {"apiGroups":["*"],"apiVersions":["v1"],"resources":["x"]},
      {"apiGroups":["a"],"apiVersions":["*"],"resources":["x"]}]})")
                         .spec.match_constraints->resource_rules;
  std::vector<std::string> found;
  for (const auto& one : resources_of(rules[0])) {
    found.push_back(one.group + "/" + one.version + "/" + one.resource);
  }
  EXPECT_EQ(found, (std::vector<std::string>{"a/v1/x", "a/v2/x", "b/v1/x", "b/v2/x"}));
  EXPECT_TRUE(resources_of(rules[1]).empty());
  EXPECT_TRUE(resources_of(rules[2]).empty());
}

TEST_F(PolicyTypeChecking, SaysWhichTypeAnExpressionGetsWrong) {
  const auto warnings = check(policy(R"x("validations":[{"expression":"object.spec.replicas > 1"},
          {"expression":"object.spec.replicas > '1'",
           "messageExpression":"'has ' + object.spec.replicas"},
          {"expression":"object.metadata.name == request.name"}])x"),
                              {builtin("apps", "Deployment"), builtin("batch", "Job")}, nullptr);
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_EQ(warnings[0].field_ref, "spec.validations[0].expression");
  EXPECT_EQ(warnings[0].warning,
            "batch/v1, Kind=Job: ERROR: <input>:1:12: undefined field 'replicas'\n"
            " | object.spec.replicas > 1\n"
            " | ...........^\n");
  EXPECT_EQ(warnings[1].field_ref, "spec.validations[1].expression");
  EXPECT_EQ(warnings[1].warning,
            "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' "
            "applied to '(int, string)'\n"
            " | object.spec.replicas > '1'\n"
            " | .....................^\n\n"
            "batch/v1, Kind=Job: ERROR: <input>:1:12: undefined field 'replicas'\n"
            " | object.spec.replicas > '1'\n"
            " | ...........^\n");
  EXPECT_EQ(warnings[2].field_ref, "spec.validations[1].messageExpression");
}

TEST_F(PolicyTypeChecking, KnowsWhatVariablesAndParamsAre) {
  const auto map = builtin("", "ConfigMap");
  const auto warnings =
      check(policy(R"x("variables":[{"name":"size","expression":"object.spec.replicas"},
          {"name":"odd","expression":"object.spec.nothing"}],
          "validations":[{"expression":"variables.size == 'a'"},{"expression":"variables.odd == 1"},
          {"expression":"params.data['a'] == 1"},
          {"expression":"authorizer.requestResource.check('x').allowed()"}])x"),
            {builtin("apps", "Deployment")}, map.type);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0].field_ref, "spec.validations[0].expression");
  EXPECT_EQ(warnings[1].field_ref, "spec.validations[2].expression");
}

TEST_F(PolicyTypeChecking, ReadsDefinitionsOfCustomKinds) {
  const auto definition = *api::parse_json(arena_, R"({"spec":{"group":"example.com",
      "names":{"kind":"Foo"},"versions":[{"name":"v1","served":true,"schema":{"openAPIV3Schema":{
      "type":"object","properties":{"metadata":{"type":"object"},
      "spec":{"type":"object","properties":{"replicas":{"type":"integer"}}}}}}},
      {"name":"v2","served":false}]}})");
  EXPECT_EQ(served_kind(definition, "v1"), "Foo");
  EXPECT_EQ(served_kind(definition, "v2"), "");
  EXPECT_EQ(custom_type(types_, definition, "v2"), nullptr);
  const cel::Type* type = custom_type(types_, definition, "v1");
  ASSERT_NE(type, nullptr);
  const auto warnings = check(policy(R"x("validations":[
      {"expression":"object.spec.replicas > 1 && object.metadata.labels['a'] == object.kind"},
      {"expression":"object.spec.replicas > '1'"}])x"),
                              {{{"example.com", "v1", "Foo"}, type}}, nullptr);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].field_ref, "spec.validations[1].expression");
  EXPECT_TRUE(warnings[0].warning.starts_with("example.com/v1, Kind=Foo: ERROR: <input>:1:22: "));
}

TEST_F(PolicyTypeChecking, SplitsTheKindOfParams) {
  EXPECT_EQ(param_kind_of(policy(R"("validations":[])")), Kind());
  EXPECT_EQ(param_kind_of(policy(R"("paramKind":{"apiVersion":"v1","kind":"ConfigMap"})")),
            (Kind{"", "v1", "ConfigMap"}));
  EXPECT_EQ(param_kind_of(policy(R"("paramKind":{"apiVersion":"a.b/v1","kind":"C"})")),
            (Kind{"a.b", "v1", "C"}));
}

}  // namespace
}  // namespace pinnace::controllers::policy_type_checking

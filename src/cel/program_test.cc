#include "cel/program.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "api/json.h"
#include "cel/authorizer.h"
#include "cel/environment.h"
#include "cel/schema_types.h"

namespace pinnace::cel {
namespace {

Program compile(const Environment& environment, std::string_view expression) {
  auto program = environment.compile(expression);
  EXPECT_TRUE(program) << program.error().message;
  return std::move(program).value();
}

TEST(Program, EndsWhenTheCostExceedsTheLimit) {
  const Environment environment({{"l", &kDynListType}});
  const Program program =
      compile(environment, "l.all(a, l.all(b, l.all(c, a + b + c >= 0))) || true");
  Workspace space;
  const std::vector<Value> items(100, Value::integer(1));
  const Value variables[] = {Value::list(items)};
  const Outcome outcome = program.evaluate(space, variables);
  EXPECT_TRUE(outcome.cancelled);
  EXPECT_EQ(outcome.value.error_message(), "operation cancelled: actual cost limit exceeded");
  EXPECT_GT(outcome.cost, kPerCallCostLimit);
  EXPECT_TRUE(program.evaluate(space, variables, UINT64_MAX).is_true());
}

TEST(Program, EndsWhenValuesBecomeTooLarge) {
  const Environment environment({});
  std::string expression = "optional.of([1])";
  for (int i = 0; i < 40; ++i) expression += ".optFlatMap(x, optional.of(x + x))";
  auto doubling = environment.compile(expression);
  if (doubling) {
    Workspace space;
    EXPECT_TRUE(doubling->evaluate(space, {}).value.is_error());
  }
  std::string growing = "'aaaaaaaaaa'";
  for (int i = 0; i < 10; ++i) growing += ".replace('', 'bbbbbbbbbb')";
  const Program text = compile(environment, growing);
  Workspace space;
  EXPECT_TRUE(text.evaluate(space, {}).value.is_error());
}

TEST(Program, LooksUpManyKeysOfALargeObject) {
  const Environment environment({{"o", &kDynType}});
  const Program program = compile(environment, "o.all(k, o[k] == 1)");
  Workspace space;
  api::Value object = api::Value::object();
  for (int i = 0; i < 50'000; ++i) {
    const std::string_view key = space.copy("key" + std::to_string(i));
    object.add_ref(space.arena(), key, api::Value::integer(1));
  }
  const Value variables[] = {Value::json(space, object)};
  EXPECT_TRUE(program.evaluate(space, variables).is_true());
}

TEST(Program, TellsWhichVariablesItNames) {
  const Environment environment({{"self", &kDynType}, {"oldSelf", &kDynType}});
  const Program program = compile(environment, "self.a.all(oldSelf, oldSelf == 1)");
  EXPECT_TRUE(program.references("self"));
  EXPECT_FALSE(program.references("oldSelf"));  // A variable of its own hides it.
  EXPECT_TRUE(compile(environment, "self == oldSelf").references("oldSelf"));
}

TEST(Program, TellsTheTypeOfItsResult) {
  const Environment environment({{"self", &kDynType}});
  EXPECT_EQ(to_text(compile(environment, "1 + 1").result_type()), "int");
  EXPECT_EQ(to_text(compile(environment, "self.a").result_type()), "dyn");
  EXPECT_EQ(to_text(compile(environment, "[1].map(x, string(x))").result_type()), "list(string)");
  EXPECT_EQ(to_text(compile(environment, "{'a': [1.5]}").result_type()),
            "map(string, list(double))");
  EXPECT_EQ(to_text(compile(environment, "optional.none()").result_type()), "optional_type(dyn)");
}

TEST(Program, IsEvaluatedByManyThreadsAtOnce) {
  const Environment environment({{"x", &kIntType}});
  const Program program =
      compile(environment,
              "[x, x + 1].map(i, string(i)).join(',').matches('^[0-9,]+$') && x in [1, 2, 3, 4]");
  std::vector<std::thread> threads;
  for (int t = 1; t <= 4; ++t) {
    threads.emplace_back([&program, t] {
      for (int i = 0; i < 200; ++i) {
        Workspace space;
        const Value variables[] = {Value::integer(t)};
        EXPECT_TRUE(program.evaluate(space, variables).is_true());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Program, ReadsKindsAsTheirSchemaSays) {
  TypePool types;
  const api::TypeInfo& pod = *api::builtin_schema().find_type("", "v1", "Pod");
  const Type* type = kind_type(types, pod);
  const Environment environment({{"object", type}});
  Workspace space;
  const auto json = api::parse_json(space.arena(), R"({
      "apiVersion": "v1", "kind": "Pod",
      "metadata": {"name": "a", "namespace": "default",
                   "creationTimestamp": "2024-01-02T03:04:05Z", "labels": {"app": "x"}},
      "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}],
                               "livenessProbe": {"httpGet": {"port": "http"}}}]}})");
  ASSERT_TRUE(json);
  const Value variables[] = {Value::json(space, *json, *type)};
  for (const char* expression :
       {"object.metadata.creationTimestamp < timestamp('2025-01-01T00:00:00Z')",
        "object.metadata.__namespace__ == 'default' || object.metadata.namespace == 'default'",
        "object.metadata.labels['app'] == 'x'", "object.kind == 'Pod'",
        "object.spec.containers.all(c, c.ports.exists(p, p.containerPort == 80))",
        "object.spec.containers[0].livenessProbe.httpGet.port == 'http'",
        "!has(object.spec.nodeName)"}) {
    auto program = environment.compile(expression);
    if (!program) {
      EXPECT_NE(program.error().message.find("undefined field 'namespace'"), std::string::npos)
          << program.error().message;
      continue;
    }
    const Outcome outcome = program->evaluate(space, variables);
    EXPECT_TRUE(outcome.is_true()) << expression << ": " << outcome.value.error_message();
  }
  EXPECT_FALSE(environment.compile("object.spec.nope"));
  EXPECT_FALSE(environment.compile("object.spec.nodeName == 1"));
}

class Variables : public LazyObject {
 public:
  bool has(std::string_view field) const override { return field == "a"; }
  Value get(std::string_view) override {
    ++calls;
    return Value::integer(7);
  }
  int calls = 0;
};

TEST(Program, AsksForLazyFieldsWhenItNeedsThem) {
  TypePool types;
  Type* type = types.object("variables");
  types.define(type, {{"a", "a", &kIntType}, {"b", "b", &kIntType}});
  const Environment environment({{"variables", type}});
  Variables lazy;
  Workspace space;
  const Value variables[] = {Value::lazy(*type, lazy)};
  EXPECT_TRUE(
      compile(environment, "true || variables.a == 7").evaluate(space, variables).is_true());
  EXPECT_EQ(lazy.calls, 0);
  EXPECT_TRUE(compile(environment, "variables.a == 7").evaluate(space, variables).is_true());
  EXPECT_EQ(lazy.calls, 1);
  EXPECT_EQ(compile(environment, "variables.b").evaluate(space, variables).value.error_message(),
            "no such key: b");
}

class OnlyGetsPods : public Authorizer {
 public:
  AuthorizationDecision authorize(const AuthorizationQuery& query) override {
    if (query.verb == "fail") return {false, "", "out of order"};
    if (!query.is_resource) return {query.path == "/healthz", "", ""};
    const bool allowed = query.resource == "pods" && query.verb == "get" &&
                         query.namespace_name == "default" &&
                         query.service_account_name != "nobody";
    return {allowed, allowed ? "may get pods" : "", ""};
  }
};

TEST(Program, AsksAnAuthorizer) {
  const Environment environment({{"authorizer", &authorizer_type()}});
  OnlyGetsPods rules;
  Workspace space;
  const Value variables[] = {authorizer_value(space, rules)};
  for (const char* expression :
       {"authorizer.group('').resource('pods').namespace('default').check('get').allowed()",
        "!authorizer.group('').resource('pods').namespace('other').check('get').allowed()",
        "authorizer.group('').resource('pods').namespace('default').check('get').reason() == "
        "'may get pods'",
        "authorizer.path('/healthz').check('get').allowed()",
        "!authorizer.serviceAccount('default', 'nobody').group('').resource('pods')"
        ".namespace('default').check('get').allowed()",
        "authorizer.path('/x').check('fail').errored()",
        "authorizer.path('/x').check('fail').error() == 'out of order'"}) {
    const Outcome outcome = compile(environment, expression).evaluate(space, variables);
    EXPECT_TRUE(outcome.is_true()) << expression << ": " << outcome.value.error_message();
    EXPECT_GE(outcome.cost, 350'000U) << expression;
  }
  const Program wrong = compile(environment, "authorizer.path(' ').check('get').allowed()");
  EXPECT_EQ(wrong.evaluate(space, variables).value.error_message(), "path must not be empty");
}

TEST(Program, GivesItsResultAsJson) {
  const Environment environment({}, {.patches = true});
  const Program program = compile(environment,
                                  "[JSONPatch{op: 'add', path: '/a', value: Object.spec{replicas: "
                                  "2, list: [dyn(1.5), dyn(null)]}}]");
  Workspace space;
  const auto json = to_json(space, program.evaluate(space, {}).value);
  ASSERT_TRUE(json);
  EXPECT_EQ(api::to_json_text(*json),
            R"([{"op":"add","path":"/a","value":{"replicas":2,"list":[1.5,null]}}])");
  EXPECT_FALSE(to_json(space, compile(environment, "{1: 2}").evaluate(space, {}).value));
}

TEST(Environment, ChecksTheNamesOfObjectsInPatches) {
  const Environment environment({}, {.patches = true});
  Workspace space;
  const auto check = [&](std::string_view expression) {
    const Program program = compile(environment, expression);
    return check_object_names(space, program.evaluate(space, {}).value);
  };
  EXPECT_EQ(check("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'a'}]}}"),
            "");
  EXPECT_EQ(check("Object{metadata: Object.spec{}}"),
            "unexpected type name \"Object.spec\", expected \"Object.metadata\", which matches "
            "field name path from root Object type");
}

TEST(Environment, RefusesTypesThatGrowWithoutBound) {
  const Environment environment({});
  // map(int, int), map(map(int, int), map(int, int)), ...
  std::string expression = "optional.of(1)";
  for (int i = 0; i < 40; ++i) expression += ".optMap(a, {a: a})";
  const auto program = environment.compile(expression);
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("the types of the expression are too complex"),
            std::string::npos)
      << program.error().message.substr(0, 1000);
}

TEST(Environment, RefusesWhatIsTooDeepOrTooLong) {
  const Environment environment({});
  EXPECT_FALSE(environment.compile(std::string(300, '(') + "1" + std::string(300, ')')));
  EXPECT_FALSE(environment.compile(std::string(200'000, ' ')));
  std::string sum = "1";
  for (int i = 0; i < 400; ++i) sum += " + 1";
  const auto program = environment.compile(sum);
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("expression recursion limit exceeded: 250"),
            std::string::npos);
}

TEST(Types, EscapesFieldNames) {
  EXPECT_EQ(escape_field("a-b.c/d__e"), "a__dash__b__dot__c__slash__d__underscores__e");
  EXPECT_EQ(escape_field("namespace"), "__namespace__");
  EXPECT_EQ(escape_field("$ref"), "");
  EXPECT_EQ(escape_field("9a"), "");
  EXPECT_EQ(unescape_field("a__dash__b"), "a-b");
  EXPECT_EQ(unescape_field("__namespace__"), "namespace");
  EXPECT_EQ(unescape_field("a__nope__b"), "");
}

TEST(SchemaTypes, GiveTheRootItsMetadata) {
  TypePool types;
  Workspace space;
  const auto schema =
      api::parse_json(space.arena(), R"({"type": "object", "properties": {"spec": {"type": "object",
         "x-kubernetes-preserve-unknown-fields": true}, "any": {}}})");
  ASSERT_TRUE(schema);
  const Environment environment({{"self", schema_type(types, *schema, "self", true)}});
  EXPECT_TRUE(environment.compile("self.metadata.name.startsWith('a') && self.kind != ''"));
  EXPECT_FALSE(environment.compile("self.metadata.labels"));
  EXPECT_FALSE(environment.compile("self.any"));
  EXPECT_FALSE(environment.compile("self.spec.a"));
}

}  // namespace
}  // namespace pinnace::cel

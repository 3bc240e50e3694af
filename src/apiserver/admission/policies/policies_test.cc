// Policies that are written as expressions.
#include <gmock/gmock.h>

#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using ::testing::HasSubstr;
using testing::TestServer;

const std::string kGroup = "/apis/admissionregistration.k8s.io/v1/";
const std::string kMaps = "/api/v1/namespaces/default/configmaps";
const std::string kRules =
    R"("matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],)"
    R"("resources":["configmaps"],"operations":["CREATE","UPDATE"]}]})";

class PoliciesTest : public ::testing::Test {
 protected:
  void make(const std::string& path, const std::string& body) {
    const auto made = server_.post(path, body);
    ASSERT_EQ(made->status, 201) << made->body;
  }
  void policy(const std::string& spec) {
    make(kGroup + "validatingadmissionpolicies",
         R"({"metadata":{"name":"p"},"spec":{)" + kRules + "," + spec + "}}");
  }
  void binding(const std::string& rest = R"("validationActions":["Deny"])") {
    make(kGroup + "validatingadmissionpolicybindings",
         R"({"metadata":{"name":"b"},"spec":{"policyName":"p",)" + rest + "}}");
  }
  AnswerRef map(const std::string& name, const std::string& data = "{}") {
    return server_.post(kMaps, R"({"metadata":{"name":")" + name + R"("},"data":)" + data + "}");
  }
  TestServer server_;
};

TEST_F(PoliciesTest, DenyWhatTheirExpressionsRefuse) {
  policy(R"x("variables":[{"name":"size","expression":"size(object.data)"}],)x"
         R"("validations":[{"expression":"variables.size < 2","reason":"Forbidden",)"
         R"x("messageExpression":"'there are ' + string(variables.size)"}])x");
  EXPECT_EQ(map("unbound", R"({"a":"1","b":"2"})")->status, 201);
  binding();
  EXPECT_EQ(map("small", R"({"a":"1"})")->status, 201);
  const auto refused = map("large", R"({"a":"1","b":"2"})");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->reason(), "Forbidden");
  EXPECT_EQ(refused->message(),
            "configmaps \"large\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' "
            "denied request: there are 2");
}

TEST_F(PoliciesTest, SayWhichExpressionFailed) {
  policy(R"("validations":[{"expression":"object.metadata.name == 'x'"}])");
  binding();
  const auto refused = map("y");
  EXPECT_EQ(refused->status, 422);
  EXPECT_EQ(refused->reason(), "Invalid");
  EXPECT_THAT(refused->message(), HasSubstr("failed expression: object.metadata.name == 'x'"));
}

TEST_F(PoliciesTest, MayOnlyWarn) {
  policy(R"("validations":[{"expression":"false","message":"never"}])");
  binding(R"("validationActions":["Warn"])");
  const auto made = map("m");
  EXPECT_EQ(made->status, 201);
  EXPECT_THAT(std::string(made->headers.get("warning")),
              HasSubstr("Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': "
                        "never"));
}

TEST_F(PoliciesTest, TakeParametersFromObjects) {
  policy(R"("paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"validations":[{"expression":)"
         R"("object.metadata.name.startsWith('limit') || size(object.data) <= )"
         R"x(int(params.data.most)"}])x");
  binding(R"("validationActions":["Deny"],"paramRef":{"name":"limit","namespace":"default",)"
          R"("parameterNotFoundAction":"Deny"})");
  const auto without = map("m");
  EXPECT_EQ(without->status, 422);
  EXPECT_THAT(without->message(), HasSubstr("no params found for policy binding with `Deny` "
                                            "parameterNotFoundAction"));
}

TEST_F(PoliciesTest, FailClosedOrOpen) {
  policy(R"("validations":[{"expression":"object.data.missing == 'x'"}])");
  binding();
  EXPECT_THAT(map("m", R"({"own":"1"})")->message(),
              HasSubstr("resulted in error: no such key: missing"));
  server_.merge(kGroup + "validatingadmissionpolicies/p", R"({"spec":{"failurePolicy":"Ignore"}})");
  EXPECT_EQ(map("m")->status, 201);
}

TEST_F(PoliciesTest, OneThatCostsTooMuchLeavesOthersTheirBudget) {
  const std::string check = "authorizer.path('/a').check('get').allowed()";
  policy(R"("failurePolicy":"Ignore","validations":[{"expression":")" + check + " && " + check +
         " && " + check +
         R"("},{"expression":"object.metadata.name == 'nope'","message":"not this name"}])");
  binding();
  EXPECT_THAT(map("m")->message(), HasSubstr("denied request: not this name"));
}

TEST_F(PoliciesTest, EndWithTheirBudget) {
  const std::string check = "authorizer.path('/a').check('get').allowed()";
  std::string validations;
  for (int i = 0; i < 15; ++i) {
    validations += R"({"expression":")" + check + " && " + check + R"("},)";
  }
  policy(R"("validations":[)" + validations + R"({"expression":"false"}])");
  binding();
  EXPECT_EQ(map("m")->message(),
            "configmaps \"m\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied "
            "request: validation failed due to running out of cost budget, no further validation "
            "rules will be run");
}

TEST_F(PoliciesTest, SayWhichConditionsFailed) {
  policy(R"("matchConditions":[{"name":"a","expression":"object.x == 1"},)"
         R"({"name":"b","expression":"object.y == 1"}],"validations":[{"expression":"true"}])");
  binding();
  EXPECT_EQ(map("m")->message(),
            "configmaps \"m\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied "
            "request: [expression 'object.x == 1' resulted in error: no such key: x, expression "
            "'object.y == 1' resulted in error: no such key: y]");
}

TEST_F(PoliciesTest, KnowWhoAsks) {
  policy(
      R"("validations":[{"expression":"request.userInfo.username == 'admin' && )"
      R"(request.operation == 'CREATE' && namespaceObject.metadata.name == 'default' && )"
      R"x(authorizer.group('').resource('pods').namespace('default').check('get').allowed()"}])x");
  binding();
  const auto made = map("m");
  EXPECT_EQ(made->status, 201) << made->body;
}

TEST_F(PoliciesTest, MayChangeObjects) {
  const auto mutating = [&](const std::string& name, const std::string& mutation) {
    make(kGroup + "mutatingadmissionpolicies",
         R"({"metadata":{"name":")" + name + R"("},"spec":{)" + kRules +
             R"(,"reinvocationPolicy":"Never","mutations":[)" + mutation + "]}}");
    make(kGroup + "mutatingadmissionpolicybindings",
         R"({"metadata":{"name":")" + name + R"("},"spec":{"policyName":")" + name + "\"}}");
  };
  mutating("apply", R"({"patchType":"ApplyConfiguration","applyConfiguration":{"expression":)"
                    R"("Object{data: {'applied': object.metadata.name}}"}})");
  mutating("patch", R"({"patchType":"JSONPatch","jsonPatch":{"expression":)"
                    R"("[JSONPatch{op: 'add', path: '/data/patched', value: 'yes'}]"}})");
  mutating("test", R"({"patchType":"JSONPatch","jsonPatch":{"expression":)"
                   R"("[JSONPatch{op: 'test', path: '/data/own', value: '2'}, )"
                   R"(JSONPatch{op: 'remove', path: '/data/own'}]"}})");
  const auto made = map("m", R"({"own":"1"})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("data"), R"({"applied":"m","own":"1","patched":"yes"})");
}

}  // namespace
}  // namespace pinnace::apiserver

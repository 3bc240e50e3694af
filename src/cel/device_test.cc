#include "cel/device.h"

#include <gtest/gtest.h>

#include <string>

namespace pinnace::cel {
namespace {

struct Selection {
  const char* expression;
  std::uint64_t cost;
};

// The numbers are Kubernetes'.
constexpr Selection kSelections[] = {
    {"true", 0},
    {R"(device.attributes["no-such-domain"].noSuchAttr.isGreaterThan(quantity("0")))", 6},
    {R"("no-such-domain" in device.attributes)", 3},
    {R"(device.driver == "")", 2},
    {R"(device.driver == "dra.example.com")", 4},
    {R"(device.attributes["dra.example.com"].name)", 4},
    {R"(device.attributes["dra.example.com"]["name"])", 4},
    {R"(cel.bind(dra, device.attributes["dra.example.com"], dra.name))", 15},
    {R"(device.attributes["dra.example.com"].name > 0)", 5},
    {R"(device.attributes["dra.example.com"].name == "fish")", 5},
    {R"(device.attributes["dra.example.com"].name.isGreaterThan(semver("0.0.1")))", 6},
    {R"(device.attributes["dra.example.com"].name.isGreaterThan(semver("v0.0.1", true)) &&
        isSemver("v1.0.0", true))",
     7},
    {R"(device.capacity["dra.example.com"].name.isGreaterThan(quantity("1Ki")))", 6},
    {R"("name" in device.capacity["dra.example.com"] &&
        device.capacity["dra.example.com"].name.isGreaterThan(quantity("1Ki")))",
     10},
    {R"(!("name" in device.capacity["dra.example.com"]) ||
        device.capacity["dra.example.com"].name.isGreaterThan(quantity("1Ki")))",
     11},
    {R"(device.attributes.exists_one(x, x == "dra.example.com"))", 164},
    {R"(device.attributes["dra.example.com"].exists_one(x, x == "services"))", 133},
    {R"(device.attributes["dra.example.com"].services.split("example").size() >= 2)", 19},
    {R"(device.attributes["dra.example.com"].services.matches("[^a]?sym"))", 18},
    {R"(device.capacity.exists_one(x, x == "dra.example.com"))", 164},
    {R"(device.capacity["dra.example.com"].exists_one(x, x == "memory"))", 133},
    {R"(device.allowMultipleAllocations == true)", 3},
};

TEST(DeviceEnvironment, EstimatesSelectionsAsKubernetesDoes) {
  for (const Selection& selection : kSelections) {
    const auto program = device_environment().compile(selection.expression);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_EQ(program->cost_estimate().max, selection.cost) << selection.expression;
    EXPECT_TRUE(selects_devices(program->result_type())) << selection.expression;
  }
}

TEST(DeviceEnvironment, FindsWhatIsTooCostly) {
  std::string expression = "int('1'.find('[0-9]*')) < 100";
  for (const char* name : {"z5", "z4", "z3", "z2", "z", "y", "x"}) {
    expression =
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(" + std::string(name) + ", " + expression + ")";
  }
  const auto program = device_environment().compile(expression);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->cost_estimate().max, 85'555'551U);
}

TEST(DeviceEnvironment, TakesABoolOrAnAttribute) {
  for (const char* expression : {"1", "dyn(true)", "device.driver"}) {
    const auto program = device_environment().compile(expression);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_FALSE(selects_devices(program->result_type())) << expression;
  }
}

TEST(DeviceEnvironment, SaysWhatIsWrong) {
  const auto complaint = [](const char* expression) {
    const auto program = device_environment().compile(expression);
    return program ? std::string() : program.error().message;
  };
  EXPECT_NE(complaint("device.model").find("undefined field 'model'"), std::string::npos);
  EXPECT_NE(
      complaint("device.attributes + 1").find("applied to '(map(string, map(string, any)), int)'"),
      std::string::npos);
  EXPECT_NE(complaint(R"(device.attributes["d"].list.exists(x, x == 1))")
                .find("expression of type 'any' cannot be range of a comprehension"),
            std::string::npos);
  EXPECT_NE(
      complaint("cel.bind(1, 2, 3)").find("cel.bind() variable names must be simple identifiers"),
      std::string::npos);
  EXPECT_NE(complaint("?!").find("Syntax error"), std::string::npos);
}

TEST(Environment, HasNoBindingsUnlessAskedFor) {
  const auto program = Environment({}).compile("cel.bind(x, 1, x)");
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("undeclared reference to 'cel'"), std::string::npos);
}

}  // namespace
}  // namespace pinnace::cel

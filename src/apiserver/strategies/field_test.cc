#include "apiserver/strategies/field.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {
namespace {

// A pod that mounts each of its volumes, spreads over as many topologies and has as many of all
// else that a rule compares with one another.
std::string pod_spec(int count) {
  std::string volumes, mounts, spreads, keys;
  for (int i = 0; i < count; ++i) {
    const std::string comma = i == 0 ? "" : ",", name = std::to_string(i);
    volumes += comma + R"({"name":"v)" + name + R"(","emptyDir":{}})";
    mounts += comma + R"({"name":"v)" + name + R"(","mountPath":"/)" + name + R"("})";
    spreads += comma + R"({"maxSkew":1,"topologyKey":"k)" + name +
               R"(","whenUnsatisfiable":"DoNotSchedule"})";
    keys += comma + "\"k" + name + "\"";
  }
  return R"({"volumes":[)" + volumes + R"(],"topologySpreadConstraints":[)" + spreads +
         R"(],"containers":[{"name":"c","image":"i","volumeMounts":[)" + mounts +
         R"(]}],"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[)" +
         R"({"topologyKey":"t","labelSelector":{},"matchLabelKeys":[)" + keys +
         R"(],"mismatchLabelKeys":["other"]}]}}})";
}

std::size_t bytes_to_validate(int count) {
  api::Arena tree, arena;
  const std::string text = pod_spec(count);
  const auto spec = api::parse_json(tree, text);
  EXPECT_TRUE(spec.has_value());
  std::vector<Cause> causes;
  validate_pod_spec(Field(causes, arena, &*spec), "p");
  EXPECT_LT(causes.size(), 10u);
  return arena.bytes_used();
}

TEST(Field, APodOfManyPartsTakesMemoryInProportion) {
  EXPECT_LT(bytes_to_validate(2000), 6 * bytes_to_validate(500));
}

TEST(Field, LeavesOutComplaintsThatWouldFillTheMemory) {
  api::Arena arena;
  const api::Value nothing = api::Value::null();
  std::vector<Cause> causes;
  const Field field(causes, arena, &nothing);
  const std::string detail(10'000, 'x');
  for (int i = 0; i < 5000; ++i) field.invalid(detail);
  EXPECT_GT(causes.size(), 100u);
  EXPECT_LT(causes.size(), 1000u);
}

TEST(Field, AMapGivesTheEntriesThatTheFieldGives) {
  api::Arena arena;
  std::string text = "{\"m\":{";
  for (int i = 0; i < 100; ++i) text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += "\"last\":null}}";
  const auto object = api::parse_json(arena, text);
  ASSERT_TRUE(object.has_value());
  std::vector<Cause> causes;
  const Field field = Field(causes, arena, &*object)["m"];
  FieldMap map(field);
  for (const char* key : {"k0", "k99", "last", "none"}) {
    EXPECT_EQ(map.at_key(key).value(), field.at_key(key).value()) << key;
    EXPECT_EQ(map.at_key(key).path(), field.at_key(key).path());
  }
  EXPECT_EQ(FieldMap(field["k0"]).at_key("a").value(), nullptr);
}

}  // namespace
}  // namespace pinnace::apiserver

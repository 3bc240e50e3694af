#include "apiserver/table/table_output.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "apiserver/handler_testing.h"
#include "apiserver/registry/registry.h"
#include "apiserver/table/table_columns.h"

namespace pinnace::apiserver {
namespace {

class TableOutputTest : public testing::HandlerTest {
 protected:
  TableOutputTest() {
    output_.shape = Shape::kTable;
    output_.clock = &executor_;
  }
  static store::ObjectRef namespace_named(const std::string& name, store::Revision revision) {
    auto object = std::make_shared<store::Object>();
    object->revision = revision;
    object->json = R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":")" + name +
                   R"(","creationTimestamp":"2025-12-31T23:59:00Z"},"status":{"phase":"Active"}})";
    return object;
  }
  // A list call that is ready for answer_table.
  CallRef list_call(std::string_view query = "") {
    CallRef made = call("/api/v1/namespaces", "", query);
    made->resource = made->storage = &namespaces_;
    made->output = output_;
    EXPECT_TRUE(read_table_options(*made, executor_));
    return made;
  }
  api::Value parsed(std::string_view json) { return api::parse_json(arena_, json).value(); }

  const api::ResourceInfo& namespaces_ =
      *api::builtin_schema().find_resource("", "v1", "namespaces");
  Output output_;
  api::Arena arena_;
};

TEST_F(TableOutputTest, WritesARowForEachObject) {
  answer_table(list_call(), {namespace_named("a", 1), namespace_named("b", 2)}, 9, "token", 4);
  const api::Value table = parsed(answer().body);
  EXPECT_EQ(table.string_at("kind"), "Table");
  EXPECT_EQ(table.string_at("apiVersion"), "meta.k8s.io/v1");
  EXPECT_EQ(api::to_json_text(*table.find("metadata")),
            R"({"resourceVersion":"9","continue":"token","remainingItemCount":4})");
  EXPECT_EQ(api::to_json_text(table.find("columnDefinitions")->items()[0]),
            R"({"name":"Name","type":"string","format":"name","description":"","priority":0})");
  ASSERT_EQ(table.find("rows")->size(), 2U);
  EXPECT_EQ(api::to_json_text(table.find("rows")->items()[1]),
            R"({"cells":["b","Active","60s"],"object":{"kind":"PartialObjectMetadata",)"
            R"("apiVersion":"meta.k8s.io/v1","metadata":{"name":"b",)"
            R"("creationTimestamp":"2025-12-31T23:59:00Z"}}})");
}

TEST_F(TableOutputTest, WritesAnEmptyTable) {
  answer_table(list_call(), {}, 9, "", 0);
  const api::Value table = parsed(answer().body);
  EXPECT_EQ(table.find("rows")->size(), 0U);
  EXPECT_EQ(table.find("columnDefinitions")->size(), 3U);
}

TEST_F(TableOutputTest, PutsIntoRowsWhatIsAskedFor) {
  answer_table(list_call("includeObject=None"), {namespace_named("a", 1)}, 9, "", 0);
  EXPECT_TRUE(parsed(answer().body).find("rows")->items()[0].find("object")->is_null());
  answer_table(list_call("includeObject=Object"), {namespace_named("a", 1)}, 9, "", 0);
  const api::Value object = *parsed(answer().body).find("rows")->items()[0].find("object");
  EXPECT_EQ(object.string_at("kind"), "Namespace");
  EXPECT_EQ(object.find("status")->string_at("phase"), "Active");
}

TEST_F(TableOutputTest, RefusesOtherContents) {
  CallRef made = call("/api/v1/namespaces", "", "includeObject=All");
  made->output = output_;
  const auto read = read_table_options(*made, executor_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, 400);
  EXPECT_EQ(read.error().message,
            "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must "
            "be 'Metadata', 'Object', 'None', or empty");
}

TEST_F(TableOutputTest, IndentsWhenAsked) {
  output_.pretty = true;
  answer_table(list_call(), {namespace_named("a", 1)}, 9, "", 0);
  EXPECT_NE(answer().body.find("\n  \"rows\": ["), std::string::npos);
}

TEST_F(TableOutputTest, SendsColumnsWithTheFirstEventOnly) {
  const auto object = namespace_named("a", 3);
  const auto first = table_json(*object, namespaces_, namespaces_, output_, true);
  const auto next = table_json(*object, namespaces_, namespaces_, output_, false);
  ASSERT_TRUE(first && next);
  EXPECT_EQ(parsed(*first).find("columnDefinitions")->size(), 3U);
  EXPECT_TRUE(parsed(*next).find("columnDefinitions")->is_null());
  EXPECT_EQ(parsed(*next).find("metadata")->string_at("resourceVersion"), "3");
}

TEST_F(TableOutputTest, ReckonsAgesByTheClockAtTheTime) {
  const auto object = namespace_named("a", 3);
  executor_.advance(std::chrono::minutes(9));
  const auto later = table_json(*object, namespaces_, namespaces_, output_, false);
  EXPECT_NE(later->find("\"10m\""), std::string::npos);
}

TEST_F(TableOutputTest, UsesTheVersionThatWasAskedFor) {
  output_.shape_version = "v1beta1";
  const auto table = table_json(*namespace_named("a", 3), namespaces_, namespaces_, output_, true);
  EXPECT_EQ(parsed(*table).string_at("apiVersion"), "meta.k8s.io/v1beta1");
}

TEST_F(TableOutputTest, ShowsObjectsThatAreNotStored) {
  const auto& resource = *api::builtin_schema().find_resource("", "v1", "componentstatuses");
  const api::Value objects[] = {parsed(
      R"({"metadata":{"name":"scheduler"},"conditions":[{"type":"Healthy","status":"True"}]})")};
  const auto table = table_json(objects, resource, output_);
  ASSERT_TRUE(table);
  EXPECT_EQ(api::to_json_text(*parsed(*table).find("rows")->items()[0].find("cells")),
            R"(["scheduler","Healthy","",""])");
}

TEST_F(TableOutputTest, ANumberThatNoIntegerHoldsIsTheLeastOne) {
  const auto columns =
      TableColumns::custom({{"Size", "integer", "", "", 0, api::JsonPath::parse(".size").value()}});
  const auto cells = [&](std::string_view size) {
    std::string out;
    columns->write_cells(out, arena_, parsed(R"({"size":)" + std::string(size) + "}"), {});
    return out;
  };
  EXPECT_EQ(cells("4"), "[null,4]");
  EXPECT_EQ(cells("4.9"), "[null,4]");
  EXPECT_EQ(cells("2e76"), "[null,-9223372036854775808]");
  EXPECT_EQ(cells("-2e76"), "[null,-9223372036854775808]");
}

}  // namespace
}  // namespace pinnace::apiserver

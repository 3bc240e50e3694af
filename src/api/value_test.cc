#include "api/value.h"

#include <gtest/gtest.h>

#include "api/json.h"

namespace pinnace::api {
namespace {

Value parse(Arena& arena, std::string_view text) { return parse_json(arena, text).value(); }

TEST(Arena, GivesDistinctAlignedMemoryAcrossBlocks) {
  Arena arena(64);
  char* previous = nullptr;
  for (std::size_t bytes : {1, 7, 64, 500, 300000, 3, 9}) {
    auto* memory = static_cast<char*>(arena.allocate(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 8, 0U);
    EXPECT_NE(memory, previous);
    std::fill(memory, memory + bytes, 'x');
    previous = memory;
  }
  EXPECT_EQ(arena.bytes_used(), 1U + 7 + 64 + 500 + 300000 + 3 + 9);
  arena.reset();
  EXPECT_EQ(arena.bytes_used(), 0U);
  EXPECT_EQ(arena.copy("again"), "again");
}

TEST(Value, ArraysGrowInsertAndRemove) {
  Arena arena;
  Value list = Value::array();
  for (int i = 0; i < 100; ++i) list.append(arena, Value::integer(i));
  list.insert_item(arena, 0, Value::integer(-1));
  list.remove_item(50);
  ASSERT_EQ(list.size(), 100U);
  EXPECT_EQ(list.items()[0].as_int(), -1);
  EXPECT_EQ(list.items()[49].as_int(), 48);
  EXPECT_EQ(list.items()[50].as_int(), 50);
}

TEST(Value, ObjectsKeepOrderAndReplaceInPlace) {
  Arena arena;
  Value object;
  object.set(arena, "b", Value::integer(1));
  object.set(arena, "a", Value::integer(2));
  object.set(arena, "b", Value::string(arena, "x"));
  EXPECT_EQ(to_json_text(object), R"({"b":"x","a":2})");
  EXPECT_TRUE(object.erase("b"));
  EXPECT_FALSE(object.erase("b"));
  EXPECT_EQ(to_json_text(object), R"({"a":2})");
}

TEST(Value, CopiesCanBeChangedWithoutTheOriginal) {
  Arena arena;
  const std::string text = R"({"a":{"b":[1,{"c":"x"}]},"d":null})";
  for (const auto copy : {deep_copy, copy_nodes}) {
    const Value original = parse(arena, text);
    Value copied = copy(arena, original);
    EXPECT_EQ(to_json_text(copied), text);
    copied.find("a")->find("b")->items()[1].set(arena, "c", Value::integer(2));
    copied.find("a")->find("b")->append(arena, Value::null());
    copied.erase("d");
    EXPECT_EQ(to_json_text(copied), R"({"a":{"b":[1,{"c":2},null]}})");
    EXPECT_EQ(to_json_text(original), text);
  }
}

TEST(Value, EnsureObjectReplacesNull) {
  Arena arena;
  Value object = parse(arena, R"({"metadata":null})");
  object.ensure_object(arena, "metadata").set(arena, "name", Value::string_ref("x"));
  EXPECT_EQ(to_json_text(object), R"({"metadata":{"name":"x"}})");
}

TEST(Value, FindPathEndsEarlyAtMissingMembersAndScalars) {
  Arena arena;
  Value object = parse(arena, R"({"spec":{"replicas":3}})");
  EXPECT_EQ(object.find_path({"spec", "replicas"})->as_int(), 3);
  EXPECT_EQ(object.find_path({"spec", "replicas", "x"}), nullptr);
  EXPECT_EQ(object.find_path({"status"}), nullptr);
}

TEST(Value, DeepCopySharesNothing) {
  Arena copies;
  Value copy;
  {
    Arena arena;
    copy = deep_copy(copies, parse(arena, R"({"a":["text",{"k":1.5}],"b":null})"));
  }
  EXPECT_EQ(to_json_text(copy), R"({"a":["text",{"k":1.5}],"b":null})");
}

TEST(Value, EqualIgnoresMemberOrderAndNumberForm) {
  Arena arena;
  EXPECT_TRUE(
      equal(parse(arena, R"({"a":1,"b":[true]})"), parse(arena, R"({"b":[true],"a":1.0})")));
  EXPECT_FALSE(equal(parse(arena, R"({"a":1})"), parse(arena, R"({"b":1})")));
  EXPECT_FALSE(equal(parse(arena, "[1,2]"), parse(arena, "[2,1]")));
  EXPECT_FALSE(equal(parse(arena, "null"), parse(arena, "false")));
}

TEST(Value, EqualOfLargeShuffledObjectsIsNotQuadratic) {
  Arena arena;
  Value forward = Value::object();
  Value backward = Value::object();
  constexpr int kMembers = 200'000;
  for (int i = 0; i < kMembers; ++i) {
    forward.add_ref(arena, arena.copy(std::to_string(i)), Value::integer(i));
    const int j = kMembers - 1 - i;
    backward.add_ref(arena, arena.copy(std::to_string(j)), Value::integer(j));
  }
  EXPECT_TRUE(equal(forward, backward));
}

}  // namespace
}  // namespace pinnace::api

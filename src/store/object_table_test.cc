#include "store/object_table.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace pinnace::store {
namespace {

ObjectRef make(std::string ns, std::string name, Revision revision = 1) {
  auto object = std::make_shared<Object>();
  object->key = {"pods", std::move(ns), std::move(name)};
  object->revision = revision;
  return object;
}

TEST(ObjectTable, BehavesAsAnOrderedMapUnderRandomWork) {
  const auto rng = seeded_rng(7);
  ObjectTable table;
  std::map<std::pair<std::string, std::string>, Revision> model;
  for (Revision step = 1; step < 20000; ++step) {
    const std::string ns = "n" + std::to_string(rng->below(7));
    const std::string name = std::to_string(rng->below(900));
    // Mostly grows, then mostly shrinks.
    if (rng->below(10) < (step < 10000 ? 7u : 3u)) {
      table.put(make(ns, name, step));
      model[{ns, name}] = step;
    } else {
      table.erase(ns, name);
      model.erase({ns, name});
    }
    ASSERT_EQ(table.size(), model.size());
  }
  auto at = table.begin();
  std::size_t rank = 0;
  for (const auto& [key, revision] : model) {
    ASSERT_EQ(table.at(at)->key.ns, key.first);
    ASSERT_EQ(table.at(at)->key.name, key.second);
    ASSERT_EQ(table.at(at)->revision, revision);
    ASSERT_EQ(table.lower_bound(key.first, key.second), at);
    ASSERT_EQ(table.rank(at), rank++);
    at = table.next(at);
    ASSERT_EQ(table.upper_bound(key.first, key.second), at);
  }
  EXPECT_EQ(at, table.end());
}

TEST(ObjectTable, FindsTheBoundsOfANamespace) {
  ObjectTable table;
  for (const char* ns : {"a", "a-b", "b"}) {
    for (int i = 0; i < 300; ++i) table.put(make(ns, std::to_string(i)));
  }
  EXPECT_EQ(table.rank(table.lower_bound("a-b", "")), 300u);
  EXPECT_EQ(table.rank(table.namespace_end("a-b")), 600u);
  EXPECT_EQ(table.find("a", "none"), nullptr);
  EXPECT_EQ(table.namespace_end("zz"), table.end());
}

TEST(ObjectTable, AnEmptyTableHasNoPositions) {
  const ObjectTable table;
  EXPECT_EQ(table.begin(), table.end());
  EXPECT_EQ(table.lower_bound("", ""), table.end());
  EXPECT_EQ(table.rank(table.end()), 0u);
}

}  // namespace
}  // namespace pinnace::store

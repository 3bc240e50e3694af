// Content from store to store: nothing is lost, and revisions never go back.
#include "store/transfer.h"

#include <gtest/gtest.h>

#include "store/splice.h"
#include "store/test_support.h"

namespace pinnace::store {
namespace {

using namespace testing;

std::unique_ptr<EmbeddedStore> open(const std::string& directory) {
  return std::move(EmbeddedStore::create({.directory = directory}).value());
}

// What is under the keys, without revisions.
std::map<Key, std::string> state_of(const Store& store) {
  std::map<Key, std::string> out;
  for (const char* resource : {"pods", "nodes", "apps/deployments"}) {
    const auto found = store.list(resource, "").value();
    for (const auto& object : found.objects) {
      std::string room;
      const auto parts = parts_of(*object, room);
      out[object->key] = object->uid + std::string(parts.head) + std::string(parts.tail);
    }
  }
  return out;
}

void fill(Store& store) {
  const auto first = store.commit_and_wait(create("x", "changed", "1")).value();
  store.commit_and_wait(create("a", "b", "1", "apps/deployments")).value();
  store.commit_and_wait(create("a-b", "c", "1", "apps/deployments")).value();
  const auto gone = store.commit_and_wait(create("x", "gone")).value();
  store.commit_and_wait(remove(gone)).value();
  store.commit_and_wait(create("", "n1", "1", "nodes")).value();
  store.commit_and_wait(update(first, "2")).value();
}

void expect_no_way_back(Store& store, Revision before) {
  EXPECT_GT(store.revision(), before + kRevisionJump);
  const auto found = store.list("pods", "").value();
  for (const auto& object : found.objects) {
    EXPECT_GT(object->revision, before + kRevisionJump);
    EXPECT_TRUE(is_spliced(*object));
  }
  const auto watch = store.watch("pods", "", before, [] {});
  ASSERT_FALSE(watch.has_value());
  EXPECT_TRUE(watch.error().is("Expired"));
  EXPECT_FALSE(store.watch("never-used", "", before, [] {}).has_value());
}

TEST(Transfer, ARunningStoreIsReadAndAnotherOneHasItsObjects) {
  const ScratchDirectory scratch;
  const auto from = open(scratch.path() + "/from");
  fill(*from);
  const auto content = read_embedded(scratch.path() + "/from").value();
  EXPECT_GE(content.revision, from->revision());  // Some may be given out already.
  EXPECT_EQ(content.objects.size(), 4u);
  ASSERT_TRUE(write_embedded(scratch.path() + "/to", content, false).has_value());
  const auto to = open(scratch.path() + "/to");
  EXPECT_EQ(state_of(*to), state_of(*from));
  expect_no_way_back(*to, from->revision());
  const auto next = to->commit_and_wait(create("x", "next")).value();
  EXPECT_GT(next->revision, to->get({"pods", "x", "changed"}).value()->revision);
  const auto watcher = to->watch("pods", "", next->revision - 1, [] {}).value();
  std::vector<Event> events;
  ASSERT_TRUE(watcher->next(events, 10).has_value());
  EXPECT_EQ(events.size(), 1u);
}

TEST(Transfer, WhatIsThereIsReplacedOnlyByForce) {
  const ScratchDirectory scratch;
  const std::string from = scratch.path() + "/from", to = scratch.path() + "/to";
  fill(*open(from));
  Revision given_out = 0;
  {
    const auto target = open(to);
    target->commit_and_wait(create("x", "mine")).value();
    given_out = target->revision();
  }
  const auto content = read_embedded(from).value();
  const auto refused = write_embedded(to, content, false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, 409);
  EXPECT_TRUE(open(to)->get({"pods", "x", "mine"}).has_value());
  ASSERT_TRUE(write_embedded(to, content, true).has_value());
  const auto target = open(to);
  EXPECT_FALSE(target->get({"pods", "x", "mine"}).has_value());
  EXPECT_EQ(target->count("pods"), 1u);
  expect_no_way_back(*target, given_out);
}

TEST(Transfer, AStoreInUseIsNotWrittenTo) {
  const ScratchDirectory scratch;
  const auto used = open(scratch.path() + "/used");
  EXPECT_FALSE(write_embedded(scratch.path() + "/used", {}, true).has_value());
}

TEST(Transfer, NothingToReadIsNotFound) {
  const ScratchDirectory scratch;
  const auto content = read_embedded(scratch.path() + "/none");
  ASSERT_FALSE(content.has_value());
  EXPECT_EQ(content.error().code, 404);
}

TEST(Transfer, AnEmptyStoreMayBeRestored) {
  const ScratchDirectory scratch;
  ASSERT_TRUE(write_embedded(scratch.path() + "/to", {.revision = 7}, false).has_value());
  EXPECT_GT(open(scratch.path() + "/to")->revision(), kRevisionJump);
}

TEST(EtcdTransfer, AClusterMovesToEtcdAndBack) {
  const ScratchDirectory scratch;
  const std::string from = scratch.path() + "/from", back = scratch.path() + "/back";
  fill(*open(from));
  const auto before = state_of(*open(from));
  const auto content = read_embedded(from).value();
  const EtcdAccess access{.endpoints = shared_etcd().endpoints(), .prefix = "/moved"};
  ASSERT_TRUE(write_etcd(access, content, false).has_value());
  EXPECT_EQ(write_etcd(access, content, false).error().code, 409);

  io::LoopThread timers("timers");
  Revision in_etcd = 0;
  for (int round = 0; round < 2; ++round) {
    const auto store =
        EtcdStore::create({.etcd = access, .compaction_interval = {}, .executor = timers.loop()})
            .value();
    EXPECT_EQ(state_of(*store), before);
    expect_no_way_back(*store, std::max(content.revision, in_etcd));
    in_etcd = store->commit_and_wait(create("x", "in-etcd")).value()->revision;
    if (round == 0) {
      ASSERT_TRUE(
          store->commit_and_wait(remove(store->get({"pods", "x", "in-etcd"}).value())).has_value());
      ASSERT_TRUE(write_etcd(access, content, true).has_value());
    }
  }
  const auto moved = read_etcd(access).value();
  EXPECT_GE(moved.revision, in_etcd);
  ASSERT_TRUE(write_embedded(back, moved, false).has_value());
  const auto store = open(back);
  EXPECT_TRUE(store->get({"pods", "x", "in-etcd"}).has_value());
  EXPECT_EQ(state_of(*store).size(), before.size() + 1);
  expect_no_way_back(*store, moved.revision);
}

}  // namespace
}  // namespace pinnace::store

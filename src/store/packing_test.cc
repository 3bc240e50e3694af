// What is kept as a difference reads as before, whoever reads it and whatever happened since.
#include "store/packing.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"
#include "store/history.h"
#include "store/splice.h"

namespace pinnace::store {
namespace {

std::string padding(std::uint64_t seed, std::size_t size = 4000) {
  const auto rng = seeded_rng(seed);
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>('A' + rng->below(50));
  return text;
}

class Packing : public testing::Test {
 protected:
  static ObjectRef make(std::string name, Revision revision, const std::string& pad) {
    auto object = std::make_shared<Object>();
    object->key = {"pods", "x", std::move(name)};
    object->uid = "uid-" + object->key.name;
    object->revision = object->created_revision = revision;
    splice(*object, "{\"metadata\":{\"name\":\"" + object->key.name + "\",",
           ",\"p\":\"" + pad + "\"}}");
    return object;
  }
  ObjectRef live(const std::string& name) const { return history_->find({"pods", "x", name}); }
  void add(const std::string& name, const std::string& pad) {
    write(name, pad, live(name) ? Event::Type::kModified : Event::Type::kAdded);
  }
  void write(const std::string& name, const std::string& pad, Event::Type type) {
    const Revision revision = history_->revision() + 1;
    history_->publish({{type, revision, make(name, revision, pad), live(name)}});
  }
  // Enough events for what was before to be looked at.
  void go_on(int events = kUnpackedEvents + kPackedAtOnce) {
    for (int i = 0; i < events; ++i) add("zz", "small");
  }
  std::shared_ptr<History> history_ =
      std::make_shared<History>(History::Limits{.max_events = 1000, .max_bytes = 32 << 20});
};

TEST_F(Packing, SiblingsShareOneBase) {
  const std::string pad = padding(1);
  std::map<std::string, std::string> before;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "web-" + std::to_string(i * 7919 % 1000);
    add(name, pad);
    before[name] = live(name)->json.text();
  }
  go_on();
  std::map<SharedText, int> bases;
  for (const auto& [name, text] : before) {
    const ObjectRef object = live(name);
    EXPECT_EQ(object->json.text(), text);
    EXPECT_EQ(object->json.size(), text.size());
    EXPECT_TRUE(is_spliced(*object));
    EXPECT_EQ(object->uid, "uid-" + name);
    ++bases[object->json.base()];
  }
  EXPECT_FALSE(bases.contains(nullptr));
  EXPECT_EQ(bases.size(), 1u);
}

TEST_F(Packing, WhatIsUnlikeItsNeighboursOrSmallStaysWhole) {
  for (std::uint64_t i = 0; i < 5; ++i) add("a" + std::to_string(i), padding(i + 10));
  add("b1", padding(1, 500));
  add("b2", padding(1, 500));
  add("c1", padding(1, kMostPacked));
  add("c2", padding(1, kMostPacked));
  go_on();
  const auto all = history_->list("pods", "x", "", 0, 0).value();
  for (const auto& object : all.objects) {
    EXPECT_NE(object->json.whole(), nullptr) << object->key.name;
  }
}

TEST_F(Packing, ASmallObjectKeepsNoLargeBaseAlive) {
  const std::string large = padding(1, 40'000);
  for (const char* name : {"a", "c"}) add(name, large);
  add("b", large.substr(0, 3000));
  go_on();
  EXPECT_NE(live("b")->json.whole(), nullptr);
}

TEST_F(Packing, WhatChangedALittleWhileAgoIsWhole) {
  const std::string pad = padding(1);
  for (const char* name : {"a", "b", "c"}) add(name, pad);
  go_on();
  ASSERT_EQ(live("b")->json.whole(), nullptr);
  add("b", pad);
  EXPECT_NE(live("b")->json.whole(), nullptr);
  go_on();
  EXPECT_EQ(live("b")->json.whole(), nullptr);
}

TEST_F(Packing, ABaseOutlivesWhoeverItWas) {
  const std::string pad = padding(1);
  for (const char* name : {"a", "b", "c", "d"}) add(name, pad);
  go_on();
  const std::string text = live("d")->json.text();
  for (const char* name : {"a", "b", "c"}) write(name, pad, Event::Type::kDeleted);
  go_on();
  EXPECT_EQ(live("d")->json.text(), text);
}

TEST_F(Packing, WatchersAndListsOfThePastSeeTheSameTexts) {
  const std::string pad = padding(1);
  const auto watcher = history_->watch("pods", "x", 1, [] {}).value();
  std::map<Revision, std::string> written;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40; ++i) {
      add("web-" + std::to_string(i), pad);
      written[history_->revision()] = live("web-" + std::to_string(i))->json.text();
    }
  }
  const Revision then = history_->revision() - 40;
  go_on();
  std::vector<Event> events;
  ASSERT_TRUE(watcher->next(events, 1000).has_value());
  std::size_t seen = 0;
  for (const Event& event : events) {
    if (!written.contains(event.revision)) continue;
    ++seen;
    EXPECT_EQ(event.object->json.text(), written[event.revision]);
    if (event.previous) {
      EXPECT_EQ(event.previous->json.text(), written[event.previous->revision]);
    }
  }
  EXPECT_EQ(seen, written.size());
  const auto past = history_->list("pods", "x", "", 0, then).value();
  ASSERT_EQ(past.objects.size(), 40u);
  for (const auto& object : past.objects) {
    EXPECT_EQ(object->json.text(), written[object->revision]);
  }
}

TEST_F(Packing, WhatIsLoadedIsPackedAtOnce) {
  History::Loaded loaded;
  auto& pods = loaded.resources["pods"];
  std::vector<std::string> texts;
  const std::string pad = padding(1);
  for (Revision revision = 2; revision < 102; ++revision) {
    const ObjectRef object = make("web-" + std::to_string(revision + 100), revision, pad);
    texts.push_back(object->json.text());
    pods.live.push_back(object);
    pods.events.push_back({Event::Type::kAdded, revision, object, nullptr});
  }
  loaded.revision = 101;
  history_->load(std::move(loaded));
  const auto objects = history_->list("pods", "", "", 0, 0).value().objects;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(objects.at(i)->json.whole(), nullptr);
    EXPECT_EQ(objects.at(i)->json.text(), texts[i]);
    EXPECT_EQ(history_->find_event("pods", objects[i]->revision), objects[i]);
  }
}

}  // namespace
}  // namespace pinnace::store

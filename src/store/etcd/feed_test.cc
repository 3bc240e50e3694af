// The cache against an etcd that is played by the test.
#include "store/etcd/feed.h"

#include <gtest/gtest.h>

#include "io/sim_executor.h"
#include "store/etcd/freshness.h"

namespace pinnace::store::etcd {
namespace {

// Holds what it is asked until the test answers.
class PlayedClient final : public Client {
 public:
  struct Stream {
    Revision first;
    std::function<void(WatchEvents)> on_events;
    std::function<void(Error)> ended;
  };
  void range(RangeQuery query, Done<RangeAnswer> done) override {
    ranges.emplace_back(std::move(query), std::move(done));
  }
  void commit(Transaction transaction, Done<TransactionAnswer> done) override {
    commits.emplace_back(std::move(transaction), std::move(done));
  }
  void compact(Revision, Done<void>) override {}
  std::unique_ptr<Watch> watch(KeyRange, Revision first, std::function<void(WatchEvents)> on_events,
                               std::function<void(Error)> ended) override {
    streams.push_back({first, std::move(on_events), std::move(ended)});
    return std::make_unique<Watch>();
  }
  void try_another_member() override { ++changes_of_member; }
  void stop() override {}

  std::vector<std::pair<RangeQuery, Done<RangeAnswer>>> ranges;
  std::vector<std::pair<Transaction, Done<TransactionAnswer>>> commits;
  std::vector<Stream> streams;
  int changes_of_member = 0;
};

class PlayedEtcd : public ::testing::Test {
 protected:
  PlayedEtcd() {
    history_->load({.lost = {{0, 10}}, .revision = 10});
    freshness_ =
        std::make_shared<Freshness>(Freshness::Options{.client = client_,
                                                       .layout = layout_,
                                                       .history = history_,
                                                       .executor = executor_,
                                                       .timeout = std::chrono::seconds(5),
                                                       .max_waiting = 3,
                                                       .on_stall = [this] { feed_->restart(); }});
    feed_ = std::make_shared<Feed>(Feed::Options{.client = client_,
                                                 .layout = layout_,
                                                 .history = history_,
                                                 .executor = executor_,
                                                 .on_advance = [this] { freshness_->advanced(); }});
    feed_->start();
  }
  // What was asked holds who asked, who holds the client.
  ~PlayedEtcd() override {
    client_->ranges.clear();
    client_->commits.clear();
    client_->streams.clear();
  }
  WatchEvent put(const std::string& name, Revision revision, Revision created) {
    return {
        false,
        {layout_.key_of({"pods", "x", name}), encode_value("uid", "{", "}"), created, revision, 1}};
  }
  void ask(std::vector<std::string>& answers, const std::string& name) {
    freshness_->when_current([&answers, name](const Result<void>& ready) {
      answers.push_back(name + (ready ? "" : " " + std::to_string(ready.error().code)));
    });
  }
  void answer_question(std::size_t number, Revision revision) {
    client_->ranges.at(number).second(RangeAnswer{revision, {}, false, 0});
  }

  const Layout layout_{"/registry", 0};
  io::SimExecutor executor_;
  const std::shared_ptr<PlayedClient> client_ = std::make_shared<PlayedClient>();
  const std::shared_ptr<History> history_ =
      std::make_shared<History>(History::Limits{.max_events = 100, .max_bytes = 1 << 20});
  std::shared_ptr<Freshness> freshness_;
  std::shared_ptr<Feed> feed_;
};

TEST_F(PlayedEtcd, ABrokenWatchGoesOnWhereItWas) {
  ASSERT_EQ(client_->streams.at(0).first, 11u);
  client_->streams[0].on_events({put("a", 11, 11), put("b", 12, 12)});
  client_->streams[0].ended(errors::unavailable("gone").error());
  executor_.advance(std::chrono::seconds(1));
  ASSERT_EQ(client_->streams.size(), 2u);
  EXPECT_EQ(client_->streams[1].first, 13u);
  EXPECT_EQ(client_->changes_of_member, 1);
  client_->streams[0].on_events({put("late", 13, 13)});  // What the old stream still says.
  EXPECT_EQ(history_->revision(), 12u);
  client_->streams[1].on_events({put("b", 12, 12), put("c", 13, 13)});  // And what comes twice.
  EXPECT_EQ(history_->count("pods"), 3u);
  EXPECT_EQ(history_->revision(), 13u);
}

TEST_F(PlayedEtcd, AfterACompactionAllIsReadAnewAndWatchersAreExpired) {
  client_->streams[0].on_events({put("a", 11, 11)});
  int woken = 0;
  const auto watcher = history_->watch("pods", "", 11, [&] { ++woken; }).value();
  client_->streams[0].ended(errors::expired("compacted").error());
  client_->ranges.at(0).second(RangeAnswer{50, {}, false, 0});  // The present revision...
  EXPECT_EQ(client_->ranges.at(1).first.at, 50u);
  client_->ranges[1].second(RangeAnswer{50, {put("b", 40, 30).pair}, true, 2});  // ...two pages.
  EXPECT_EQ(client_->ranges.at(2).first.keys.key, layout_.key_of({"pods", "x", "b"}) + '\0');
  client_->ranges[2].second(RangeAnswer{50, {put("c", 41, 41).pair}, false, 1});
  EXPECT_EQ(client_->streams.at(1).first, 51u);
  EXPECT_EQ(history_->find({"pods", "x", "a"}), nullptr);
  EXPECT_EQ(history_->find({"pods", "x", "b"})->created_revision, 30u);
  EXPECT_EQ(woken, 1);
  std::vector<Event> events;
  const auto next = watcher->next(events, 10);
  ASSERT_FALSE(next.has_value());
  EXPECT_TRUE(next.error().is("Expired"));
  EXPECT_FALSE(history_->watch("pods", "", 49, [] {}).has_value());
  const auto again = history_->watch("pods", "", 50, [] {}).value();
  client_->streams[1].on_events({put("d", 51, 51)});
  ASSERT_TRUE(again->next(events, 10).has_value());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].object->key.name, "d");
}

TEST_F(PlayedEtcd, ReadersShareAQuestionThatWasAskedAfterTheyCame) {
  std::vector<std::string> answers;
  ask(answers, "first");
  ask(answers, "second");  // Comes too late for the question that is open.
  ask(answers, "third");
  ASSERT_EQ(client_->ranges.size(), 1u);
  answer_question(0, 10);
  EXPECT_EQ(answers, std::vector<std::string>{"first"});
  ASSERT_EQ(client_->ranges.size(), 2u);
  answer_question(1, 12);
  EXPECT_EQ(answers.size(), 1u);
  client_->streams[0].on_events({put("a", 11, 11)});
  EXPECT_EQ(answers.size(), 1u);
  client_->streams[0].on_events({put("b", 12, 12)});
  EXPECT_EQ(answers, (std::vector<std::string>{"first", "second", "third"}));
}

TEST_F(PlayedEtcd, TooManyReadersAreTurnedAway) {
  std::vector<std::string> answers;
  for (const char* name : {"1", "2", "3", "4"}) ask(answers, name);
  EXPECT_EQ(answers, std::vector<std::string>{"4 503"});
}

TEST_F(PlayedEtcd, ARevisionOfSomebodyElseIsMetByATick) {
  std::vector<std::string> answers;
  ask(answers, "reader");
  answer_question(0, 20);
  executor_.advance(std::chrono::milliseconds(200));
  ASSERT_EQ(client_->commits.size(), 1u);
  EXPECT_EQ(client_->commits[0].first.puts.at(0).first, layout_.own_key(kTick));
  client_->commits[0].second(TransactionAnswer{true, 21, {}});
  client_->streams[0].on_events({{false, {layout_.own_key(kTick), "", 21, 21, 1}}});
  EXPECT_EQ(answers, std::vector<std::string>{"reader"});
  EXPECT_EQ(history_->revision(), 21u);
}

TEST_F(PlayedEtcd, AWatchThatHangsIsReplacedAndReadersGiveUpInTheEnd) {
  std::vector<std::string> answers;
  ask(answers, "reader");
  answer_question(0, 20);
  executor_.advance(std::chrono::seconds(2));
  EXPECT_EQ(client_->streams.size(), 2u);
  EXPECT_TRUE(answers.empty());
  executor_.advance(std::chrono::seconds(10));
  EXPECT_EQ(answers, std::vector<std::string>{"reader 504"});
}

TEST_F(PlayedEtcd, AFailedQuestionFailsItsReaders) {
  std::vector<std::string> answers;
  ask(answers, "reader");
  client_->ranges.at(0).second(errors::unavailable("no leader"));
  EXPECT_EQ(answers, std::vector<std::string>{"reader 503"});
  freshness_->stop();
  ask(answers, "late");
  EXPECT_EQ(answers.back(), "late 503");
}

}  // namespace
}  // namespace pinnace::store::etcd

// Loading from an etcd that somebody compacts.
#include "store/etcd/loader.h"

#include <gtest/gtest.h>

#include <optional>

namespace pinnace::store::etcd {
namespace {

// An etcd without objects; `compacts_on` moves what is compacted, and time, at every question.
class CompactedClient final : public Client {
 public:
  void range(RangeQuery query, Done<RangeAnswer> done) override {
    ++questions;
    if (compacts_on) compacted = ++present;
    if (query.at != 0 && query.at < compacted) return done(errors::expired("compacted"));
    done(RangeAnswer{present, {}, false, 0});
  }
  void commit(Transaction, Done<TransactionAnswer>) override {}
  void compact(Revision, Done<void>) override {}
  std::unique_ptr<Watch> watch(KeyRange, Revision, std::function<void(WatchEvents)>,
                               std::function<void(Error)>) override {
    return std::make_unique<Watch>();
  }
  void try_another_member() override {}
  void stop() override {}

  Revision present = 0, compacted = 0;
  bool compacts_on = false;
  int questions = 0;
};

Result<History::Loaded> loaded(const std::shared_ptr<CompactedClient>& client, Revision replay) {
  std::optional<Result<History::Loaded>> outcome;
  load(client, Layout{"/registry"}, replay,
       [&](Result<History::Loaded> found) { outcome.emplace(std::move(found)); });
  return std::move(outcome.value());
}

TEST(Loader, BeginsSoFarBackAsIsWanted) {
  const auto client = std::make_shared<CompactedClient>();
  client->present = 10'000;
  EXPECT_EQ(loaded(client, 4'096)->revision, 5'904u);
  EXPECT_EQ(loaded(client, 0)->revision, 10'000u);
  client->present = 7;
  EXPECT_EQ(loaded(client, 4'096)->revision, 1u);
}

TEST(Loader, BeginsAtTheOldestThatIsKnown) {
  for (const Revision compacted : {5'905, 5'906, 8'000, 9'999, 10'000}) {
    const auto client = std::make_shared<CompactedClient>();
    client->present = 10'000;
    client->compacted = compacted;
    const auto found = loaded(client, 4'096);
    EXPECT_EQ(found->revision, compacted);
    EXPECT_EQ(found->lost.at(0).through, compacted);
    EXPECT_LE(client->questions, 20);
  }
}

TEST(Loader, GivesUpOnAnEtcdThatForgetsFasterThanItReads) {
  const auto client = std::make_shared<CompactedClient>();
  client->present = 10'000;
  client->compacts_on = true;
  const auto found = loaded(client, 4'096);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, 503);
}

}  // namespace
}  // namespace pinnace::store::etcd

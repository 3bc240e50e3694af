#include "store/etcd/etcd_store.h"

#include <utility>

#include "base/log.h"
#include "store/etcd/compactor.h"
#include "store/etcd/feed.h"
#include "store/etcd/freshness.h"
#include "store/etcd/loader.h"
#include "store/etcd/wait.h"
#include "store/etcd/writer.h"
#include "store/history.h"
#include "store/splice.h"

namespace pinnace::store {

namespace {

using namespace etcd;

constexpr std::size_t kResealPage = 500;

class Etcd final : public EtcdStore {
 public:
  explicit Etcd(Options options)
      : options_(std::move(options)),
        history_(
            std::make_shared<History>(History::Limits{options_.ring_events, options_.ring_bytes})) {
  }
  ~Etcd() override {
    compactor_.reset();
    if (feed_) feed_->stop();
    if (freshness_) freshness_->stop();
    if (client_) client_->stop();
  }

  Result<void> start();

  bool is_always_current() const override { return false; }
  void when_current(Ready ready) override { freshness_->when_current(std::move(ready)); }
  Result<ObjectRef> get(const Key& key) const override {
    if (auto found = history_->find(key)) return found;
    return refusal(Write::Type::kDelete, key, false);
  }
  Result<Snapshot> list(std::string_view resource, std::string_view ns,
                        std::string_view start_after, std::size_t limit,
                        Revision at) const override {
    return history_->list(resource, ns, start_after, limit, at);
  }
  std::size_t count(std::string_view resource) const override { return history_->count(resource); }
  Revision revision() const override { return history_->revision(); }
  void commit(Write write, Done done) override {
    writer_->commit(std::move(write), std::move(done));
  }
  Result<void> reseal() override;
  Result<std::unique_ptr<Watcher>> watch(std::string_view resource, std::string_view ns,
                                         Revision after, std::function<void()> wake) override {
    return history_->watch(resource, ns, after, std::move(wake));
  }

 private:
  Result<void> reseal_pair(const KeyValue& pair);

  const Options options_;
  const std::shared_ptr<History> history_;
  std::shared_ptr<Client> client_;
  Layout layout_;
  std::shared_ptr<Freshness> freshness_;
  std::shared_ptr<Feed> feed_;
  std::shared_ptr<Writer> writer_;
  std::shared_ptr<Compactor> compactor_;
};

Result<void> Etcd::start() {
  auto opened = open_etcd(options_.etcd);
  if (!opened) return std::unexpected(std::move(opened.error()));
  client_ = std::move(opened->client);
  const Layout& layout = opened->layout;
  auto loaded = wait_for<History::Loaded>(
      [&](auto done) { load(client_, layout, options_.ring_events, std::move(done)); });
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  layout_ = layout;
  history_->load(std::move(*loaded));
  // The feed tells of progress, and is told when there is none; each is there when the other calls.
  auto feed = std::make_shared<std::weak_ptr<Feed>>();
  freshness_ =
      std::make_shared<Freshness>(Freshness::Options{.client = client_,
                                                     .layout = layout,
                                                     .history = history_,
                                                     .executor = options_.executor,
                                                     .timeout = options_.etcd.request_timeout,
                                                     .on_stall = [feed] {
                                                       if (const auto open = feed->lock())
                                                         open->restart();
                                                     }});
  feed_ = std::make_shared<Feed>(
      Feed::Options{.client = client_,
                    .layout = layout,
                    .history = history_,
                    .executor = options_.executor,
                    .replay = options_.ring_events,
                    .on_advance = [freshness = freshness_] { freshness->advanced(); }});
  *feed = feed_;
  writer_ =
      std::make_shared<Writer>(Writer::Options{.client = client_,
                                               .layout = layout,
                                               .history = history_,
                                               .freshness = freshness_,
                                               .max_waiting_writes = options_.max_waiting_writes,
                                               .max_waiting_bytes = options_.max_waiting_bytes});
  feed_->start();
  auto filled = wait_for<void>([&](auto done) { freshness_->when_current(std::move(done)); });
  if (!filled) return filled;
  if (options_.compaction_interval > Duration::zero()) {
    compactor_ = std::make_shared<Compactor>(client_, layout, options_.executor,
                                             options_.compaction_interval);
    compactor_->start();
  }
  if (auto resealed = reseal(); !resealed) {
    log::warning("old values are not encrypted anew", {{"error", resealed.error().message}});
  }
  return {};
}

Result<void> Etcd::reseal() {
  if (options_.etcd.transformer == nullptr) return {};
  KeyRange range = layout_.everything();
  while (true) {
    auto page = wait_for<RangeAnswer>(
        [&](auto done) { client_->range({.keys = range, .limit = kResealPage}, std::move(done)); });
    if (!page) return std::unexpected(std::move(page.error()));
    for (const KeyValue& pair : page->pairs) {
      if (auto done = reseal_pair(pair); !done) return done;
    }
    if (!page->more) return {};
    range.key = page->pairs.back().key + '\0';
  }
}

// Whoever writes the object meanwhile has sealed it as it is to be: then there is nothing to do.
Result<void> Etcd::reseal_pair(const KeyValue& pair) {
  const auto key = layout_.parse_key(pair.key);
  if (layout_.is_own_key(pair.key) || !key) return {};
  auto opened = layout_.open(*key, pair.value);
  if (!opened) return std::unexpected(std::move(opened.error()));
  if (!opened->is_stale) return {};
  auto sealed = layout_.seal(*key, std::move(opened->plain));
  if (!sealed) return std::unexpected(std::move(sealed.error()));
  Transaction transaction;
  transaction.key = pair.key;
  transaction.guard = Transaction::Guard::kModified;
  transaction.expected = pair.modified;
  transaction.puts = {{pair.key, std::move(*sealed)}};
  auto written = wait_for<TransactionAnswer>(
      [&](auto done) { client_->commit(std::move(transaction), std::move(done)); });
  if (!written) return std::unexpected(std::move(written.error()));
  return {};
}

}  // namespace

Result<std::unique_ptr<EtcdStore>> EtcdStore::create(Options options) {
  auto store = std::make_unique<Etcd>(std::move(options));
  if (auto started = store->start(); !started) return std::unexpected(std::move(started.error()));
  return store;
}

}  // namespace pinnace::store

#include "store/embedded.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "io/wake_batch.h"
#include "store/batch.h"
#include "store/history.h"
#include "store/memory_journal.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/rocks_journal.h"
#include "store/splice.h"

namespace pinnace::store {

namespace {

// One batch takes at most this much, so that the first in it do not wait long.
constexpr std::size_t kMaxBatchWrites = 2048;
constexpr std::size_t kMaxBatchBytes = 8 << 20;
// When so many wait a batch is worth its sync, and the writer gathers no more.
constexpr std::size_t kEnoughWaiting = 16;
// As long as so many syncs take the writer waits for them.
constexpr int kGatherSyncs = 4;

struct Waiting {
  Write write;
  Store::Done done;
};

std::size_t weight(const Write& write) { return write.head.size() + write.tail.size() + 256; }

class Embedded final : public EmbeddedStore {
 public:
  Embedded(Options options, std::unique_ptr<Journal> journal)
      : options_(std::move(options)),
        journal_(std::move(journal)),
        history_(
            std::make_shared<History>(History::Limits{options_.ring_events, options_.ring_bytes})) {
  }
  ~Embedded() override;

  Result<void> start();

  Result<ObjectRef> get(const Key& key) const override;
  Result<Snapshot> list(std::string_view resource, std::string_view ns,
                        std::string_view start_after, std::size_t limit,
                        Revision at) const override {
    return history_->list(resource, ns, start_after, limit, at);
  }
  std::size_t count(std::string_view resource) const override { return history_->count(resource); }
  Revision revision() const override { return history_->revision(); }
  void commit(Write write, Done done) override;
  Result<void> reseal() override;
  Result<std::unique_ptr<Watcher>> watch(std::string_view resource, std::string_view ns,
                                         Revision after, std::function<void()> wake) override {
    return history_->watch(resource, ns, after, std::move(wake));
  }
  Counts counts() const override {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  void run();
  Result<void> reseal_all();
  std::vector<Waiting> take_waiting();  // Needs the mutex.
  // Until nothing waits.
  void work_off(std::unique_lock<std::mutex>& lock);
  // Those who were answered a moment ago are likely to write again at once, and one sync then does
  // for them and for those who wait. Waits until so many wait or kEnoughWaiting, but no longer than
  // kGatherSyncs. Needs the mutex.
  void gather(std::unique_lock<std::mutex>& lock, std::size_t expected);
  // Gives how many are likely to write next: those whom it answers, and those who wait before that.
  std::size_t write_batch(std::vector<Waiting> waiting);
  void write_journal(const Journal::Batch& batch, bool sync);

  const Options options_;
  const std::unique_ptr<Journal> journal_;
  const std::shared_ptr<History> history_;

  mutable std::mutex mutex_;
  std::condition_variable wake_writer_;
  std::vector<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t wakes_at_ = 1;                        // The writer sleeps until so many wait.
  std::vector<std::packaged_task<void()>> chores_;  // For the writer, between batches.
  bool stopping_ = false;
  bool writing_ = false;  // With an inline writer: some caller is at it.
  Counts counts_;

  // The writer's own.
  Duration last_sync_{};  // How long it took.
  Revision reserved_ = 0;
  History::Dropped dropped_;  // To be removed from the journal with the next batch.
  std::thread writer_;
};

Result<void> Embedded::start() {
  auto recovered = recover(*journal_, options_.transformer.get());
  if (!recovered) return std::unexpected(std::move(recovered.error()));
  reserved_ = recovered->history.revision;
  if (!recovered->renamed.empty()) {
    if (auto written = journal_->write(recovered->renamed, true); !written) return written;
  }
  if (recovered->lost_grew) {
    Journal::Batch batch;
    batch.puts.push_back(lost_put(recovered->history.lost));
    batch.puts.push_back(number_put(std::string(kReservedKey), reserved_));
    if (auto written = journal_->write(batch, true); !written) return written;
  }
  const bool has_stale = recovered->has_stale;
  history_->load(std::move(recovered->history));
  if (has_stale) {
    if (auto resealed = reseal_all(); !resealed) {
      log::warning("old values are not encrypted anew", {{"error", resealed.error().message}});
    }
  }
  if (!options_.inline_writer) writer_ = std::thread([this] { run(); });
  return {};
}

Embedded::~Embedded() {
  if (writer_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_writer_.notify_one();
    writer_.join();
  }
  // An orderly end gives back the revisions that were reserved and not used.
  if (reserved_ == history_->revision()) return;
  Journal::Batch batch;
  batch.puts.push_back(number_put(std::string(kReservedKey), history_->revision()));
  if (auto written = journal_->write(batch, true); !written) {
    log::error("the store did not end in order", {{"error", written.error().message}});
  }
}

Result<ObjectRef> Embedded::get(const Key& key) const {
  if (auto found = history_->find(key)) return found;
  return refusal(Write::Type::kDelete, key, false);
}

void Embedded::commit(Write write, Done done) {
  const std::size_t bytes = weight(write);
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= options_.max_waiting_writes ||
      waiting_bytes_ + bytes > options_.max_waiting_bytes) {
    ++counts_.refused;
    lock.unlock();
    auto error = errors::unavailable("the store is overloaded: too many writes wait");
    error.error().retry_after_seconds = 1;
    return done(std::move(error));
  }
  waiting_bytes_ += bytes;
  waiting_.push_back({std::move(write), std::move(done)});
  if (!options_.inline_writer) {
    const bool wakes = waiting_.size() == wakes_at_;
    lock.unlock();
    if (wakes) wake_writer_.notify_one();
    return;
  }
  if (writing_) return;  // The caller that is writing takes this one too.
  writing_ = true;
  work_off(lock);
  writing_ = false;
}

void Embedded::work_off(std::unique_lock<std::mutex>& lock) {
  while (!waiting_.empty() || !chores_.empty()) {
    auto batch = take_waiting();
    auto chores = std::exchange(chores_, {});
    lock.unlock();
    const std::size_t expected = write_batch(std::move(batch));
    for (auto& chore : chores) chore();
    lock.lock();
    gather(lock, expected);
  }
}

void Embedded::gather(std::unique_lock<std::mutex>& lock, std::size_t expected) {
  if (options_.clock == nullptr || expected <= 1) return;
  wakes_at_ = std::min(expected, kEnoughWaiting);
  wake_writer_.wait_for(lock, kGatherSyncs * last_sync_, [this] {
    return stopping_ || waiting_.size() >= wakes_at_ || !chores_.empty();
  });
  wakes_at_ = 1;
}

void Embedded::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_writer_.wait(lock, [this] { return stopping_ || !waiting_.empty() || !chores_.empty(); });
    work_off(lock);
  }
}

Result<void> Embedded::reseal() {
  Result<void> result;
  std::packaged_task<void()> chore([this, &result] { result = reseal_all(); });
  auto done = chore.get_future();
  {
    std::unique_lock lock(mutex_);
    chores_.push_back(std::move(chore));
    if (options_.inline_writer && !writing_) {
      writing_ = true;
      work_off(lock);
      writing_ = false;
    }
  }
  wake_writer_.notify_one();
  done.wait();
  return result;
}

// Keeps of each stale record what it will be, and writes when all are known: a record whose key
// fails leaves everything as it is.
Result<void> Embedded::reseal_all() {
  Transformer* const transformer = options_.transformer.get();
  if (transformer == nullptr) return {};
  struct Renewed {
    Event event;
    std::string body;
  };
  std::vector<Renewed> renewed;
  auto scanned = journal_->scan([&](std::string_view key, std::string_view value) -> Result<void> {
    if (!key.starts_with('r')) return {};
    auto record = decode_record(key, value, transformer);
    if (!record) return std::unexpected(std::move(record.error()));
    if (!record->is_stale) return {};
    const Object& object = *record->object;
    std::string body = object.json.text();
    if (transformer->seals(object.key.resource)) {
      auto sealed = transformer->seal(object.key, body);
      if (!sealed) return std::unexpected(std::move(sealed.error()));
      body = std::move(*sealed);
    }
    renewed.push_back(
        {{record->type, object.revision, std::move(record->object), nullptr}, std::move(body)});
    return {};
  });
  if (!scanned) return scanned;
  if (renewed.empty()) return {};
  Journal::Batch batch;
  for (const auto& [event, body] : renewed) batch.puts.push_back(record_put(event, body));
  write_journal(batch, true);
  log::info("values are encrypted anew", {{"records", renewed.size()}});
  return journal_->purge();
}

std::vector<Waiting> Embedded::take_waiting() {
  std::size_t count = 0, bytes = 0;
  while (count < waiting_.size() && count < kMaxBatchWrites && bytes < kMaxBatchBytes) {
    bytes += weight(waiting_[count++].write);
  }
  waiting_bytes_ -= bytes;
  if (count == waiting_.size()) return std::exchange(waiting_, {});
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Waiting> taken(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

std::size_t Embedded::write_batch(std::vector<Waiting> waiting) {
  BatchBuilder builder(*history_, options_.transformer.get());
  std::vector<Result<ObjectRef>> results;
  results.reserve(waiting.size());
  bool sync = false;
  std::size_t expected = waiting.size();
  History::Aftermath aftermath;
  for (auto& each : waiting) {
    results.push_back(builder.add(each.write));
    sync = sync || (each.write.durable && results.back());
  }
  if (!builder.events().empty()) {
    Journal::Batch batch = builder.journal_batch(std::exchange(dropped_, {}));
    const Revision last = builder.events().back().revision;
    if (last > reserved_) {
      reserved_ = last + options_.reserved_revisions;
      batch.puts.push_back(number_put(std::string(kReservedKey), reserved_));
      sync = true;
    }
    write_journal(batch, sync);
    {
      const std::lock_guard lock(mutex_);
      counts_.writes += builder.events().size();
      ++counts_.batches;
      counts_.syncs += sync ? 1 : 0;
      expected += waiting_.size();
    }
    dropped_ = history_->show(builder.events(), aftermath);
  }
  {
    const io::WakeBatch together;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].done) waiting[i].done(std::move(results[i]));
    }
  }
  history_->finish(std::move(aftermath));
  return expected;
}

void Embedded::write_journal(const Journal::Batch& batch, bool sync) {
  const Clock* const clock = options_.clock;
  const MonotonicTime begin = clock == nullptr ? MonotonicTime() : clock->monotonic();
  const auto written = journal_->write(batch, sync);
  if (clock != nullptr && sync) last_sync_ = clock->monotonic() - begin;
  if (written) return;
  log::error("the store cannot be written; stopping, because nobody can say what was kept",
             {{"error", written.error().message}});
  std::abort();
}

}  // namespace

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::create(Options options) {
  auto journal = open_rocks_journal(options.directory);
  if (!journal) return std::unexpected(std::move(journal.error()));
  return create(std::move(options), std::move(*journal));
}

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::create(Options options,
                                                             std::unique_ptr<Journal> journal) {
  auto store = std::make_unique<Embedded>(std::move(options), std::move(journal));
  if (auto started = store->start(); !started) return std::unexpected(std::move(started.error()));
  return store;
}

std::unique_ptr<EmbeddedStore> EmbeddedStore::create_in_memory(Options options) {
  auto store =
      create(std::move(options), std::make_unique<MemoryJournal>(std::make_shared<MemoryDisk>()));
  PINNACE_ASSERT(store.has_value());
  return std::move(*store);
}

}  // namespace pinnace::store

#include "store/etcd/writer.h"

#include <algorithm>
#include <utility>

#include "store/splice.h"

namespace pinnace::store::etcd {

namespace {

constexpr std::size_t kMaxSent = 512;

}  // namespace

void Writer::commit(Write write, Store::Done done) {
  const std::size_t bytes = write.head.size() + write.tail.size() + 256;
  auto pending = std::make_shared<Pending>(std::move(write), std::move(done), bytes);
  {
    std::unique_lock lock(mutex_);
    if (writes_ >= options_.max_waiting_writes || bytes_ + bytes > options_.max_waiting_bytes) {
      lock.unlock();
      auto error = errors::unavailable("the store is overloaded: too many writes wait");
      error.error().retry_after_seconds = 1;
      return pending->done(std::move(error));
    }
    ++writes_;
    bytes_ += bytes;
    if (!line_up(pending)) return;
    if (sent_ >= kMaxSent) {
      queue_.push_back(std::move(pending));
      return;
    }
    ++sent_;
  }
  send(pending);
}

// Whether it may go at once. Needs the mutex.
bool Writer::line_up(const PendingRef& pending) {
  if (pending->write.guards.empty()) return true;
  Line& line = lines_[pending->write.guards.front().name];
  if (line.is_busy) line.waiting.push_back(pending);
  return !std::exchange(line.is_busy, true);
}

// The next in line goes; `made` is the revision of the one that leaves, 0 if it was not done.
void Writer::leave_line(const PendingRef& pending, Revision made) {
  if (pending->write.guards.empty()) return;
  PendingRef next;
  {
    const std::lock_guard lock(mutex_);
    const Guard& guard = pending->write.guards.front();
    const auto found = lines_.find(guard.name);
    Line& line = found->second;
    if (made != 0) {
      // It found nobody else's since what it had seen.
      if (guard.seen < line.since || guard.seen > line.through) line.since = guard.seen;
      line.through = made;
    }
    if (line.waiting.empty()) {
      line.is_busy = false;
      if (lines_.size() > kMaxLines) lines_.erase(found);
    } else {
      next = std::move(line.waiting.front());
      line.waiting.pop_front();
      ++sent_;
    }
  }
  if (next) send(next);
}

// Up to which revision nobody else can have written under the guard.
Revision Writer::seen_of(const Guard& guard) {
  const std::lock_guard lock(mutex_);
  const auto found = lines_.find(guard.name);
  if (found == lines_.end()) return guard.seen;
  const Line& line = found->second;
  return guard.seen >= line.since ? std::max(guard.seen, line.through) : guard.seen;
}

void Writer::send(const PendingRef& pending) {
  auto transaction = transaction_of(pending->write);
  if (!transaction) return answered(pending, std::unexpected(std::move(transaction.error())));
  options_.client->commit(std::move(*transaction),
                          [self = shared_from_this(), pending](Result<TransactionAnswer> answer) {
                            self->answered(pending, std::move(answer));
                          });
}

Result<Transaction> Writer::transaction_of(Write& write) {
  const bool creates = write.type == Write::Type::kCreate;
  Transaction transaction;
  transaction.key = options_.layout.key_of(write.key);
  transaction.guard = Transaction::Guard::kModified;
  transaction.expected = creates ? 0 : options_.layout.to_etcd(write.expected_revision);
  for (const Guard& guard : write.guards) {
    const std::string key = options_.layout.own_key(std::string(kGuards) + guard.name);
    transaction.unchanged.emplace_back(key, options_.layout.to_etcd(seen_of(guard)));
    transaction.puts.emplace_back(key, "");
  }
  const auto seal = [&] {
    return options_.layout.seal(write.key, encode_value(write.uid, write.head, write.tail));
  };
  if (write.type == Write::Type::kDelete) {
    if (!write.head.empty()) {
      auto value = seal();
      if (!value) return std::unexpected(std::move(value.error()));
      transaction.puts.emplace_back(options_.layout.own_key(kLastState), std::move(*value));
    }
    transaction.removals = {{transaction.key, ""}};
    return transaction;
  }
  if (write.uid.empty() && !creates) {
    if (const auto before = options_.history->find(write.key)) write.uid = before->uid;
  }
  auto value = seal();
  if (!value) return std::unexpected(std::move(value.error()));
  transaction.puts.emplace_back(transaction.key, std::move(*value));
  return transaction;
}

void Writer::answered(const PendingRef& pending, Result<TransactionAnswer> answer) {
  PendingRef next;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      --sent_;
    } else {
      next = std::move(queue_.front());
      queue_.pop_front();
    }
  }
  if (next) send(next);
  const bool made = answer && answer->succeeded;
  leave_line(pending, made ? options_.layout.from_etcd(answer->revision) : 0);
  if (!answer) return finish(pending, std::unexpected(std::move(answer.error())));
  const Revision revision = options_.layout.from_etcd(answer->revision);
  // Also after a refusal: whoever reads again finds what it was refused for.
  options_.freshness->when_reached(
      revision, [self = shared_from_this(), pending, revision, succeeded = answer->succeeded,
                 refused = refusal_of(pending->write, *answer)](Result<void> reached) {
        if (!succeeded) return self->finish(pending, refused);
        if (!reached) return self->finish(pending, std::unexpected(std::move(reached.error())));
        self->finish(pending, self->made_by(pending->write, revision));
      });
}

// Why a transaction did not succeed: the object is not what it was to be, or a guard was not.
Unexpected Writer::refusal_of(const Write& write, const TransactionAnswer& answer) const {
  const bool creates = write.type == Write::Type::kCreate;
  const bool is_there = answer.found.has_value();
  const Revision modified = is_there ? options_.layout.from_etcd(answer.found->modified) : 0;
  const bool fits = creates ? !is_there : is_there && modified == write.expected_revision;
  return fits ? refusal(Write::Type::kUpdate, write.key, true)
              : refusal(write.type, write.key, is_there);
}

Result<ObjectRef> Writer::made_by(const Write& write, Revision revision) const {
  if (auto made = options_.history->find_event(write.key.resource, revision)) return made;
  return errors::timeout("the write was made, and so many came after it that it cannot be shown",
                         1);
}

void Writer::finish(const PendingRef& pending, Result<ObjectRef> result) {
  {
    const std::lock_guard lock(mutex_);
    --writes_;
    bytes_ -= pending->bytes;
  }
  if (pending->done) pending->done(std::move(result));
}

}  // namespace pinnace::store::etcd

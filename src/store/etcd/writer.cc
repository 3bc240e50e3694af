#include "store/etcd/writer.h"

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
    if (sent_ >= kMaxSent) {
      queue_.push_back(std::move(pending));
      return;
    }
    ++sent_;
  }
  send(pending);
}

void Writer::send(const PendingRef& pending) {
  options_.client->commit(transaction_of(pending->write),
                          [self = shared_from_this(), pending](Result<TransactionAnswer> answer) {
                            self->answered(pending, std::move(answer));
                          });
}

Transaction Writer::transaction_of(Write& write) const {
  const bool creates = write.type == Write::Type::kCreate;
  Transaction transaction;
  transaction.key = options_.layout.key_of(write.key);
  transaction.guard = Transaction::Guard::kModified;
  transaction.expected = creates ? 0 : options_.layout.to_etcd(write.expected_revision);
  if (write.type == Write::Type::kDelete) {
    if (!write.head.empty()) {
      transaction.puts = {
          {options_.layout.own_key(kLastState), encode_value(write.uid, write.head, write.tail)}};
    }
    transaction.removals = {{transaction.key, ""}};
    return transaction;
  }
  if (write.uid.empty() && !creates) {
    if (const auto before = options_.history->find(write.key)) write.uid = before->uid;
  }
  transaction.puts = {{transaction.key, encode_value(write.uid, write.head, write.tail)}};
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
  if (!answer) return finish(pending, std::unexpected(std::move(answer.error())));
  const Revision revision = options_.layout.from_etcd(answer->revision);
  // Also after a refusal: whoever reads again finds what it was refused for.
  options_.freshness->when_reached(
      revision, [self = shared_from_this(), pending, revision, succeeded = answer->succeeded,
                 is_there = answer->found.has_value()](Result<void> reached) {
        const Write& write = pending->write;
        if (!succeeded) return self->finish(pending, refusal(write.type, write.key, is_there));
        if (!reached) return self->finish(pending, std::unexpected(std::move(reached.error())));
        self->finish(pending, self->made_by(write, revision));
      });
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

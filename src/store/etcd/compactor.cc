#include "store/etcd/compactor.h"

#include <utility>

#include "base/log.h"

namespace pinnace::store::etcd {

void Compactor::start() {
  look();
  executor_.schedule_after(interval_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->start();
  });
}

void Compactor::look() {
  Transaction transaction{.key = layout_.own_key(kCompacted),
                          .guard = Transaction::Guard::kVersion};
  {
    const std::lock_guard lock(mutex_);
    transaction.expected = version_;
    transaction.puts = {{transaction.key, encode_revision(revision_)}};
  }
  client_->commit(std::move(transaction),
                  [weak = weak_from_this()](const Result<TransactionAnswer>& answer) {
                    if (const auto self = weak.lock()) self->looked(answer);
                  });
}

void Compactor::looked(const Result<TransactionAnswer>& answer) {
  if (!answer) return;
  Revision through = 0;
  {
    const std::lock_guard lock(mutex_);
    const Revision noted = std::exchange(revision_, answer->revision);
    if (answer->succeeded) {
      ++version_;
      through = noted;
    } else {
      version_ = answer->found ? answer->found->version : 0;
    }
  }
  if (through == 0) return;
  client_->compact(through, [through](const Result<void>& done) {
    if (done || done.error().is("Expired")) return;
    log::warning("etcd was not compacted",
                 {{"revision", through}, {"error", done.error().message}});
  });
}

}  // namespace pinnace::store::etcd

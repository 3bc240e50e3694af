// Content out of etcd and into it.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "store/etcd/loader.h"
#include "store/etcd/wait.h"
#include "store/splice.h"
#include "store/transfer.h"

namespace pinnace::store {

namespace {

using namespace etcd;

// Puts on their way at once, each a revision of its own.
constexpr std::size_t kAtOnce = 128;

// Sends the objects off and waits for all; the first failure ends it.
class Filling : public std::enable_shared_from_this<Filling> {
 public:
  Filling(std::shared_ptr<Client> client, Layout layout)
      : client_(std::move(client)), layout_(std::move(layout)) {}

  Result<void> fill(const std::vector<ObjectRef>& objects) {
    for (const ObjectRef& object : objects) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return open_ < kAtOnce; });
        if (failure_) break;
        ++open_;
      }
      put(*object);
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_ == 0; });
    if (failure_) return std::unexpected(*failure_);
    return {};
  }

 private:
  void put(const Object& object) {
    std::string room;
    const SplicedParts parts = parts_of(object, room);
    const std::string key = layout_.key_of(object.key);
    auto value = layout_.seal(object.key, encode_value(object.uid, parts.head, parts.tail));
    if (!value) {
      const std::lock_guard lock(mutex_);
      failure_ = std::move(value.error());
      --open_;
      return;
    }
    client_->commit(
        {.key = key, .guard = Transaction::Guard::kModified, .puts = {{key, std::move(*value)}}},
        [self = shared_from_this(), key](const Result<TransactionAnswer>& answer) {
          const std::lock_guard lock(self->mutex_);
          if (!answer) {
            self->failure_ = answer.error();
          } else if (!answer->succeeded) {
            self->failure_ = errors::internal("somebody else writes to etcd: " + key).error();
          }
          --self->open_;
          self->changed_.notify_all();
        });
  }

  const std::shared_ptr<Client> client_;
  const Layout layout_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t open_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Result<Content> read_etcd(const EtcdAccess& access) {
  auto opened = open_etcd(access);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto loaded = wait_for<History::Loaded>(
      [&](auto done) { load(opened->client, opened->layout, 0, std::move(done)); });
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  return content_of(*loaded);
}

Result<void> write_etcd(const EtcdAccess& access, const Content& content, bool force) {
  auto opened = open_etcd(access);
  if (!opened) return std::unexpected(std::move(opened.error()));
  Layout layout = opened->layout;
  auto found = wait_for<RangeAnswer>([&](auto done) {
    opened->client->range({.keys = layout.everything(), .count_only = true}, std::move(done));
  });
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->count != 0 && !force) {
    return errors::conflict(
        "stores", layout.prefix,
        "etcd holds " + std::to_string(found->count) + " keys there, which --force would replace");
  }
  const Revision known = std::max(content.revision, layout.from_etcd(found->revision));
  layout.base = known + kRevisionJump;
  // One transaction may not change a key twice: what is removed is all but the base itself.
  const std::string base_key = layout.own_key(kRevisionBase);
  const KeyRange all = layout.everything();
  auto begun = wait_for<TransactionAnswer>([&](auto done) {
    opened->client->commit({.puts = {{base_key, encode_revision(layout.base)}},
                            .removals = {{all.key, base_key}, {base_key + '\0', all.end}}},
                           std::move(done));
  });
  if (!begun) return std::unexpected(std::move(begun.error()));
  return std::make_shared<Filling>(opened->client, layout)->fill(content.objects);
}

}  // namespace pinnace::store

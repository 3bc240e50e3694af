// What the tests of the store share: stores of every kind that can be restarted.
#pragma once

#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "base/assert.h"
#include "io/loop.h"
#include "io/testing_directory.h"
#include "store/embedded.h"
#include "store/etcd/etcd_store.h"
#include "store/etcd/testing_cluster.h"
#include "store/memory_journal.h"

namespace pinnace::store::testing {

using io::testing::ScratchDirectory;

enum class Kind { kMemory, kRocks, kInline, kEtcd };

inline std::string name_of(Kind kind) {
  constexpr const char* kNames[] = {"Memory", "Rocks", "Inline", "Etcd"};
  return kNames[static_cast<int>(kind)];
}

// Three members that all tests of this process share; each store has a prefix of its own.
inline EtcdCluster& shared_etcd() {
  static const ScratchDirectory scratch;
  static EtcdCluster cluster(scratch.path(), 3);
  return cluster;
}

// A store that can be ended in order and started again on the same memory, directory or cluster.
class RestartableStore {
 public:
  explicit RestartableStore(Kind kind, EmbeddedStore::Options options = EmbeddedStore::Options())
      : kind_(kind), options_(std::move(options)), disk_(std::make_shared<MemoryDisk>()) {
    static int stores = 0;
    options_.inline_writer = kind == Kind::kInline;
    if (kind == Kind::kRocks) scratch_ = std::make_unique<ScratchDirectory>();
    if (kind == Kind::kEtcd) {
      prefix_ = "/test-" + std::to_string(++stores);
      timers_ = std::make_unique<io::LoopThread>("timers");
    }
    start();
  }
  void start() {
    auto made = make();
    if (!made) std::fprintf(stderr, "the store does not open: %s\n", made.error().message.c_str());
    PINNACE_ASSERT(made.has_value());
    store_ = std::move(*made);
  }
  void restart() {
    store_.reset();
    start();
  }
  // Waits until reads have all that was acknowledged.
  void catch_up() {
    std::promise<bool> caught_up;
    store_->when_current(
        [&](const Result<void>& ready) { caught_up.set_value(ready.has_value()); });
    PINNACE_ASSERT(caught_up.get_future().get());
  }
  EtcdAccess access() const { return {.endpoints = shared_etcd().endpoints(), .prefix = prefix_}; }
  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }

 private:
  Result<std::unique_ptr<Store>> make() {
    if (kind_ == Kind::kEtcd) {
      return EtcdStore::create({.etcd = access(),
                                .ring_events = options_.ring_events,
                                .ring_bytes = options_.ring_bytes,
                                .max_waiting_writes = options_.max_waiting_writes,
                                .max_waiting_bytes = options_.max_waiting_bytes,
                                .compaction_interval = {},
                                .executor = timers_->loop()});
    }
    if (!scratch_) return EmbeddedStore::create(options_, std::make_unique<MemoryJournal>(disk_));
    options_.directory = scratch_->path() + "/store";
    return EmbeddedStore::create(options_);
  }

  const Kind kind_;
  EmbeddedStore::Options options_;
  std::shared_ptr<MemoryDisk> disk_;
  std::unique_ptr<ScratchDirectory> scratch_;
  std::string prefix_;
  std::unique_ptr<io::LoopThread> timers_;
  std::unique_ptr<Store> store_;
};

// An object whose JSON is {"metadata":{"resourceVersion":"N","x":PAYLOAD}}.
inline Write make_write(Write::Type type, Key key, std::string payload, Revision expected = 0) {
  Write write{};
  write.type = type;
  write.uid = "uid-" + key.name;
  write.key = std::move(key);
  write.head = R"({"metadata":{)";
  write.tail = R"(,"x":")" + std::move(payload) + R"("}})";
  write.expected_revision = expected;
  return write;
}

inline Write create(const std::string& ns, const std::string& name,
                    const std::string& payload = "1", const std::string& resource = "pods") {
  return make_write(Write::Type::kCreate, {resource, ns, name}, payload);
}
inline Write update(const ObjectRef& before, const std::string& payload) {
  return make_write(Write::Type::kUpdate, before->key, payload, before->revision);
}
inline Write remove(const ObjectRef& before) {
  Write write{};
  write.type = Write::Type::kDelete;
  write.key = before->key;
  write.expected_revision = before->revision;
  return write;
}
inline std::string json_of(Revision revision, const std::string& payload) {
  return R"({"metadata":{"resourceVersion":")" + std::to_string(revision) + R"(","x":")" + payload +
         R"("}})";
}

}  // namespace pinnace::store::testing

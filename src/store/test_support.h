// What the tests of the store share: stores over either journal that can be restarted.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/assert.h"
#include "store/embedded.h"
#include "store/memory_journal.h"

namespace pinnace::store::testing {

// A directory that is gone with the object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pinnace-XXXXXX").string();
    PINNACE_ASSERT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A store that can be ended in order and started again on the same memory or directory.
class RestartableStore {
 public:
  RestartableStore(bool on_disk, EmbeddedStore::Options options)
      : options_(std::move(options)), disk_(std::make_shared<MemoryDisk>()) {
    if (on_disk) scratch_ = std::make_unique<ScratchDirectory>();
    start();
  }
  void start() {
    auto made = [this] {
      if (!scratch_) {
        return EmbeddedStore::create(options_, std::make_unique<MemoryJournal>(disk_));
      }
      options_.directory = scratch_->path() + "/store";
      return EmbeddedStore::create(options_);
    }();
    PINNACE_ASSERT(made.has_value());
    store_ = std::move(*made);
  }
  void restart() {
    store_.reset();
    start();
  }
  EmbeddedStore& operator*() { return *store_; }
  EmbeddedStore* operator->() { return store_.get(); }

 private:
  EmbeddedStore::Options options_;
  std::shared_ptr<MemoryDisk> disk_;
  std::unique_ptr<ScratchDirectory> scratch_;
  std::unique_ptr<EmbeddedStore> store_;
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

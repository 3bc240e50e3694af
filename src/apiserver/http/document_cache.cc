#include "apiserver/http/document_cache.h"

#include <chrono>
#include <map>
#include <mutex>

#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kKeep = std::chrono::seconds(60);

std::string hash_text(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::uint64_t hash = fnv1a_64(text);
  std::string out(16, '0');
  for (std::size_t i = out.size(); i-- > 0; hash >>= 4) out[i] = kDigits[hash & 15];
  return out;
}

}  // namespace

struct DocumentCache::State {
  struct Entry {
    Document document;  // Without text once it was dropped.
    MonotonicTime used;
  };
  State(Executor& from_executor, const Clock& from_clock)
      : executor(from_executor), clock(from_clock) {}

  Executor& executor;
  const Clock& clock;
  std::mutex mutex;
  std::map<std::string, Entry> entries;
  bool is_sweeping = false;

  // With the mutex held: sees to it that what is kept now will be dropped.
  static void arm(const std::shared_ptr<State>& state) {
    state->is_sweeping = true;
    state->executor.schedule_after(kKeep, [weak = std::weak_ptr(state)] {
      if (auto alive = weak.lock()) sweep(alive);
    });
  }

  static void sweep(const std::shared_ptr<State>& state) {
    const std::lock_guard lock(state->mutex);
    state->is_sweeping = false;
    bool has_more = false;
    const MonotonicTime now = state->clock.monotonic();
    for (auto& [name, entry] : state->entries) {
      if (now - entry.used >= kKeep) entry.document.text.reset();
      has_more = has_more || entry.document.text != nullptr;
    }
    if (has_more) arm(state);
  }
};

DocumentCache::DocumentCache(Executor& executor, const Clock& clock)
    : state_(std::make_shared<State>(executor, clock)) {}

Document DocumentCache::get(const std::string& name, const Make& make) {
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->entries.find(name);
    if (found != state_->entries.end() && found->second.document.text != nullptr) {
      found->second.used = state_->clock.monotonic();
      return found->second.document;
    }
  }
  Document made{std::make_shared<const std::string>(make()), ""};
  made.etag = hash_text(*made.text);
  const std::lock_guard lock(state_->mutex);
  state_->entries[name] = {made, state_->clock.monotonic()};
  if (!state_->is_sweeping) State::arm(state_);
  return made;
}

std::string DocumentCache::etag(const std::string& name, const Make& make) {
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->entries.find(name);
    if (found != state_->entries.end()) return found->second.document.etag;
  }
  const std::string etag = hash_text(make());
  const std::lock_guard lock(state_->mutex);
  state_->entries.try_emplace(name, State::Entry{{nullptr, etag}, {}});
  return etag;
}

}  // namespace pinnace::apiserver

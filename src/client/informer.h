// Informer keeps a local copy of one kind, by list and watch, and says which keys changed.
//
//   client::Informer<core_v1::Pod> pods(api, executor, {});
//   pods.on_change([&](const std::string& key) { queue.add(key); });
//   pods.start();
//
// Why: control loops read from memory, and are woken with a key, never with an event's content.
//   The copies are shared and without metadata.managedFields (shared_objects.h).
// Lifetime: everything it needs must outlive it. `stop` (or the destructor) ends the watch.
// Threads: belongs to the executor's thread; callbacks run there. Construct and register handlers
//   before `start`, which may be called on any thread.
// Errors: a broken watch is resumed from the last revision; 410 Gone lists anew. Waits between
//   tries double from 50 ms to 10 s.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/shared_objects.h"

namespace pinnace::client {

// The untyped engine under every Informer: lists, watches, resumes.
class Reflector {
 public:
  struct Sink {
    // One object's JSON. `deleted`: it is gone (`json` is its last state). An Error means that it
    // is not understood; it is logged, once for each Reflector.
    std::function<Result<void>(std::string_view json, bool deleted)> on_object;
    // A list begins: what is not given again before `on_synced` no longer exists.
    std::function<void()> on_replace;
    std::function<void()> on_synced;
  };
  // What is asked of each object: all of it, or a PartialObjectMetadata.
  enum class Content { kObject, kMetadata };
  Reflector(Transport& transport, Executor& executor, api::ResourceName resource,
            ListOptions options, Sink sink, Content content = Content::kObject);
  ~Reflector();
  void start();
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

template <typename T>
class Informer {
 public:
  using Ref = std::shared_ptr<const T>;
  // `trim`: what of an object is not kept.
  Informer(const Client& client, Executor& executor, ListOptions options = {},
           Trim<T> trim = nullptr)
      : trim_(trim),
        reflector_(client.transport(), executor, T::kResource, std::move(options),
                   {[this](std::string_view json, bool deleted) { return accept(json, deleted); },
                    [this] { begin_replace(); }, [this] { end_replace(); }}) {}

  void on_change(std::function<void(const std::string& key)> handler) {
    handlers_.push_back(std::move(handler));
  }
  // Like `on_change`, with both states; `before` or `after` is null at creation or deletion.
  void on_transition(std::function<void(const Ref& before, const Ref& after)> handler) {
    transitions_.push_back(std::move(handler));
  }
  // Called once, when the first list is complete.
  void on_synced(std::function<void()> handler) { synced_handlers_.push_back(std::move(handler)); }
  void start() { reflector_.start(); }
  void stop() { reflector_.stop(); }
  bool synced() const { return synced_; }

  // Keys are "ns/name", or "name" for cluster scope.
  Ref get(std::string_view key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  const std::map<std::string, Ref, std::less<>>& all() const { return objects_; }
  // All of one namespace, in name order.
  std::vector<Ref> in_namespace(std::string_view ns) const;

  static std::string key_of(const T& object) {
    const auto& meta = object.metadata;
    return meta.namespace_.empty() ? meta.name : meta.namespace_ + '/' + meta.name;
  }

 private:
  Result<void> accept(std::string_view json, bool deleted);
  void begin_replace();
  void end_replace();
  void apply(const std::string& key, Ref after);

  const Trim<T> trim_;
  std::map<std::string, Ref, std::less<>> objects_;
  std::map<std::string, Ref, std::less<>> unseen_;  // During a list: what it has not named yet.
  bool replacing_ = false;
  bool synced_ = false;
  std::vector<std::function<void(const std::string&)>> handlers_;
  std::vector<std::function<void(const Ref&, const Ref&)>> transitions_;
  std::vector<std::function<void()>> synced_handlers_;
  Reflector reflector_;  // Last: its callbacks use the members above.
};

template <typename T>
std::vector<typename Informer<T>::Ref> Informer<T>::in_namespace(std::string_view ns) const {
  std::vector<Ref> found;
  std::string prefix(ns);
  prefix += '/';
  for (auto it = objects_.lower_bound(prefix);
       it != objects_.end() && it->first.starts_with(prefix); ++it) {
    found.push_back(it->second);
  }
  return found;
}

template <typename T>
Result<void> Informer<T>::accept(std::string_view json, bool deleted) {
  auto object = decode_shared<T>(json, trim_);
  if (!object) return std::unexpected(std::move(object.error()));
  const std::string key = key_of(**object);
  if (replacing_) unseen_.erase(key);
  apply(key, deleted ? nullptr : std::move(*object));
  return {};
}

template <typename T>
void Informer<T>::begin_replace() {
  replacing_ = true;
  unseen_ = objects_;
}

template <typename T>
void Informer<T>::end_replace() {
  replacing_ = false;
  for (const auto& [key, object] : std::exchange(unseen_, {})) apply(key, nullptr);
  if (synced_) return;
  synced_ = true;
  for (const auto& handler : synced_handlers_) handler();
}

template <typename T>
void Informer<T>::apply(const std::string& key, Ref after) {
  Ref before = get(key);
  if (!before && !after) return;
  if (before && after && before->metadata.resource_version == after->metadata.resource_version) {
    return;
  }
  if (after)
    objects_[key] = after;
  else
    objects_.erase(key);
  for (const auto& handler : transitions_) handler(before, after);
  for (const auto& handler : handlers_) handler(key);
}

}  // namespace pinnace::client

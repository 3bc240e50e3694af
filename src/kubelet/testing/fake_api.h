// An API server in memory for tests of the agent: objects by path, merge patches, watches, tokens.
// It checks nothing and has no rules but those that the agent lives by.
//
// Threads: any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/json.h"
#include "api/merge_patch.h"
#include "api/typed.h"
#include "api/types/core_v1.h"
#include "base/strings.h"
#include "client/client.h"
#include "client/transport.h"

namespace pinnace::kubelet::testing {

namespace fake_api {

inline client::Response answer(int status, std::string body) {
  return {status, std::make_shared<const std::string>(std::move(body))};
}
inline client::Response failure(int code, const std::string& reason) {
  return answer(code, R"({"kind":"Status","status":"Failure","code":)" + std::to_string(code) +
                          R"(,"reason":")" + reason + R"(","message":")" + reason + "\"}");
}

inline std::pair<std::string, std::string> split_target(const std::string& target) {
  const auto cut = target.find('?');
  if (cut == std::string::npos) return {target, ""};
  return {target.substr(0, cut), target.substr(cut + 1)};
}

// "metadata.name=x", or "".
inline std::string field_selector(const std::string& query) {
  for (const auto part : split(query, '&')) {
    if (part.starts_with("fieldSelector=")) return query_decode(part.substr(14)).value_or("");
  }
  return "";
}

inline bool selected(const std::string& selector, const std::string& json) {
  if (selector.empty()) return true;
  api::Arena arena;
  const auto object = api::parse_json(arena, json);
  const auto equals = selector.find('=');
  const api::Value* at = &*object;
  for (const auto part : split(std::string_view(selector).substr(0, equals), '.')) {
    at = at ? at->find(part) : nullptr;
  }
  return at && at->is_string() && at->as_string() == selector.substr(equals + 1);
}

inline bool is_in(const std::string& collection, const std::string& path) {
  if (path.starts_with(collection + '/'))
    return path.find('/', collection.size() + 1) == std::string::npos;
  // All namespaces: ".../pods" has ".../namespaces/NS/pods/NAME".
  const auto cut = collection.rfind('/');
  const std::string all = collection.substr(0, cut) + "/namespaces/";
  const std::string kind = collection.substr(cut) + '/';
  if (!path.starts_with(all)) return false;
  const auto slash = path.find('/', all.size());
  return slash != std::string::npos && path.compare(slash, kind.size(), kind) == 0;
}

inline bool is_item(const std::string& path) {
  const auto parts = split(path, '/');
  // "", "api", "v1", "namespaces", NS, KIND, NAME, or "", "api", "v1", KIND, NAME.
  const std::size_t begin = parts[1] == "apis" ? 4 : 3;
  const bool namespaced = parts.size() > begin + 2 && parts[begin] == "namespaces";
  return parts.size() == begin + (namespaced ? 4u : 2u);
}

}  // namespace fake_api

class FakeApi final : public client::Transport {
 public:
  Result<client::Response> round_trip(const client::Request& request) override;
  std::unique_ptr<client::WatchStream> watch(const client::Request& request, Executor& executor,
                                             std::function<void(std::string_view)> on_line,
                                             std::function<void(Result<void>)> on_end) override;

  // As a user's write. Gives the object a uid if it has none.
  template <typename T>
  void put(const T& object) {
    const auto& meta = object.metadata;
    write(client::Client::path(T::kResource, meta.namespace_, meta.name), api::to_json(object));
  }
  template <typename T>
  std::optional<T> get(const std::string& ns, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(client::Client::path(T::kResource, ns, name));
    if (found == objects_.end()) return std::nullopt;
    return *api::from_json<T>(found->second);
  }
  template <typename T>
  void remove(const std::string& ns, const std::string& name) {
    erase(client::Client::path(T::kResource, ns, name));
  }
  // "PATCH /api/v1/..." in order.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int tokens_issued = 0;

 private:
  struct Watcher {
    std::string collection, selector;
    Executor* executor;
    std::function<void(std::string_view)> on_line;
    std::shared_ptr<bool> open;
  };
  class Stream final : public client::WatchStream {
   public:
    explicit Stream(std::shared_ptr<bool> open) : open_(std::move(open)) {}
    ~Stream() override { *open_ = false; }

   private:
    std::shared_ptr<bool> open_;
  };

  std::string write(const std::string& path, std::string json);
  void erase(const std::string& path);
  void tell(const std::string& path, const char* type, const std::string& json);
  client::Response list(const std::string& collection, const std::string& selector);
  client::Response change(const client::Request& request, const std::string& path);

  std::mutex mutex_;
  std::map<std::string, std::string> objects_;  // By path.
  std::vector<Watcher> watchers_;
  std::vector<std::string> requests_;
  int version_ = 0;
};

inline std::string FakeApi::write(const std::string& path, std::string json) {
  const std::lock_guard lock(mutex_);
  api::Arena arena;
  auto object = api::parse_json(arena, json);
  auto& meta = object->ensure_object(arena, "metadata");
  meta.set(arena, "resourceVersion", api::Value::string(arena, std::to_string(++version_)));
  if (meta.string_at("uid").empty()) {
    meta.set(arena, "uid", api::Value::string(arena, "uid-" + std::to_string(version_)));
  }
  const bool is_new = !objects_.contains(path);
  std::string text = api::to_json_text(*object);
  objects_[path] = text;
  tell(path, is_new ? "ADDED" : "MODIFIED", text);
  return text;
}

inline void FakeApi::erase(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(path);
  if (found == objects_.end()) return;
  const std::string json = found->second;
  objects_.erase(found);
  ++version_;
  tell(path, "DELETED", json);
}

inline void FakeApi::tell(const std::string& path, const char* type, const std::string& json) {
  const std::string line = std::string(R"({"type":")") + type + R"(","object":)" + json + '}';
  for (const auto& watcher : watchers_) {
    if (!fake_api::is_in(watcher.collection, path) || !fake_api::selected(watcher.selector, json))
      continue;
    watcher.executor->post([line, open = watcher.open, on_line = watcher.on_line] {
      if (*open) on_line(line);
    });
  }
}

inline std::unique_ptr<client::WatchStream> FakeApi::watch(
    const client::Request& request, Executor& executor,
    std::function<void(std::string_view)> on_line, std::function<void(Result<void>)>) {
  const auto [path, query] = fake_api::split_target(request.target);
  const std::lock_guard lock(mutex_);
  auto open = std::make_shared<bool>(true);
  watchers_.push_back({path, fake_api::field_selector(query), &executor, std::move(on_line), open});
  return std::make_unique<Stream>(open);
}

inline client::Response FakeApi::list(const std::string& collection, const std::string& selector) {
  std::string items;
  for (const auto& [path, json] : objects_) {
    if (!fake_api::is_in(collection, path) || !fake_api::selected(selector, json)) continue;
    items += (items.empty() ? "" : ",") + json;
  }
  return fake_api::answer(200, R"({"kind":"List","metadata":{"resourceVersion":")" +
                                   std::to_string(version_) + R"("},"items":[)" + items + "]}");
}

inline client::Response FakeApi::change(const client::Request& request, const std::string& path) {
  std::string item = path;
  if (item.ends_with("/status")) item.resize(item.size() - 7);
  if (request.method == "POST" && path.ends_with("/token")) {
    ++tokens_issued;
    return fake_api::answer(
        201, R"({"kind":"TokenRequest","spec":{"audiences":[]},"status":{"token":"token-)" +
                 std::to_string(tokens_issued) +
                 R"(","expirationTimestamp":"2026-01-01T01:00:00Z"}})");
  }
  api::Arena arena;
  if (request.method == "POST") {
    const auto object = api::parse_json(arena, request.body);
    item = path + '/' + std::string(object->find("metadata")->string_at("name"));
    {
      const std::lock_guard lock(mutex_);
      if (objects_.contains(item)) return fake_api::failure(409, "AlreadyExists");
    }
    return fake_api::answer(201, write(item, request.body));
  }
  std::string old;
  {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(item);
    if (found == objects_.end()) return fake_api::failure(404, "NotFound");
    old = found->second;
  }
  if (request.method == "DELETE") {
    erase(item);
    return fake_api::answer(200, old);
  }
  if (request.method == "PUT") return fake_api::answer(200, write(item, request.body));
  auto document = api::parse_json(arena, old);
  const auto patch = api::parse_json(arena, request.body);
  api::apply_merge_patch(arena, *document, *patch);
  return fake_api::answer(200, write(item, api::to_json_text(*document)));
}

inline Result<client::Response> FakeApi::round_trip(const client::Request& request) {
  const auto [path, query] = fake_api::split_target(request.target);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request.method + ' ' + path);
    if (request.method == "GET") {
      if (!fake_api::is_item(path)) return list(path, fake_api::field_selector(query));
      const auto found = objects_.find(path);
      return found == objects_.end() ? fake_api::failure(404, "NotFound")
                                     : fake_api::answer(200, found->second);
    }
  }
  return change(request, path);
}

}  // namespace pinnace::kubelet::testing

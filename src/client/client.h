// Client reads and writes typed API objects through a Transport.
//
//   client::Client api(transport);
//   auto pod = api.get<core_v1::Pod>("default", "web");
//   pod->metadata.labels["a"] = "b";
//   auto updated = api.update(*pod);
//
// Errors: what the server's Status said, as Error; 503 when there was no answer.
// Threads: any. Calls block (see Transport), but in a fiber they let others run (see Fibers).
// Source: Kubernetes API concepts (verbs, list options, patch types).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/typed.h"
#include "base/error.h"
#include "client/transport.h"

namespace pinnace::client {

struct ListOptions {
  std::string ns;  // empty: all namespaces
  std::string label_selector;
  std::string field_selector;
};

template <typename T>
struct List {
  std::string resource_version;
  std::vector<T> items;
};

struct DeleteOptions {
  std::optional<std::int64_t> grace_period_seconds;
  std::string propagation_policy;  // "", "Background", "Foreground", "Orphan"
  std::string uid;                 // preconditions; empty: none
  std::string resource_version;
};

enum class PatchType { kJson, kMerge, kStrategicMerge };

class Client {
 public:
  explicit Client(Transport& transport) : transport_(transport) {}
  Transport& transport() const { return transport_; }

  template <typename T>
  Result<T> get(std::string_view ns, std::string_view name) const {
    return decode_as<T>(call("GET", path(T::kResource, ns, name), {}));
  }
  template <typename T>
  Result<List<T>> list(const ListOptions& options = {}) const;
  template <typename T>
  Result<T> create(const T& object) const {
    return decode_as<T>(
        call("POST", path(T::kResource, object.metadata.namespace_, ""), api::to_json(object)));
  }
  template <typename T>
  Result<T> update(const T& object, std::string_view subresource = "") const {
    return decode_as<T>(call(
        "PUT", path(T::kResource, object.metadata.namespace_, object.metadata.name, subresource),
        api::to_json(object)));
  }
  template <typename T>
  Result<T> update_status(const T& object) const {
    return update(object, "status");
  }
  template <typename T>
  Result<T> patch(std::string_view ns, std::string_view name, PatchType type, std::string body,
                  std::string_view subresource = "") const {
    return decode_as<T>(
        call("PATCH", path(T::kResource, ns, name, subresource), std::move(body), type));
  }
  template <typename T>
  Result<void> remove(std::string_view ns, std::string_view name,
                      const DeleteOptions& options = {}) const {
    return remove_path(path(T::kResource, ns, name), options);
  }

  // Untyped: any path below the server's root; `body` is JSON. The answer's body.
  Result<std::shared_ptr<const std::string>> call(
      std::string_view method, std::string target, std::string body,
      std::optional<PatchType> patch_type = std::nullopt) const;
  Result<void> remove_path(const std::string& target, const DeleteOptions& options) const;
  // As `call` and `remove_path`, but nobody waits: `done` runs on `executor`. The Transport must
  // outlive that.
  using Done = std::function<void(Result<std::shared_ptr<const std::string>>)>;
  void send(Executor& executor, std::string_view method, std::string target, std::string body,
            std::optional<PatchType> patch_type, Done done) const;
  void send_remove(Executor& executor, std::string target, const DeleteOptions& options,
                   Done done) const;

  // "/apis/apps/v1/namespaces/NS/deployments/NAME/SUBRESOURCE"; empty parts are left out.
  static std::string path(const api::ResourceName& resource, std::string_view ns,
                          std::string_view name, std::string_view subresource = "");
  static std::string list_query(const ListOptions& options);

 private:
  template <typename T>
  static Result<T> decode_as(Result<std::shared_ptr<const std::string>> body) {
    if (!body) return std::unexpected(std::move(body.error()));
    return api::from_json<T>(**body);
  }
  // The items of a List body as JSON texts, and its resourceVersion.
  struct RawList {
    std::string resource_version;
    std::vector<std::string> items;
  };
  static Result<RawList> split_list(std::string_view body);

  Transport& transport_;
};

template <typename T>
Result<List<T>> Client::list(const ListOptions& options) const {
  auto body = call("GET", path(T::kResource, options.ns, "") + list_query(options), {});
  if (!body) return std::unexpected(std::move(body.error()));
  auto raw = split_list(**body);
  if (!raw) return std::unexpected(std::move(raw.error()));
  List<T> list{std::move(raw->resource_version), {}};
  list.items.reserve(raw->items.size());
  for (const auto& item : raw->items) {
    auto object = api::from_json<T>(item);
    if (!object) return std::unexpected(std::move(object.error()));
    list.items.push_back(std::move(*object));
  }
  return list;
}

}  // namespace pinnace::client

// What the files of ConfigMap, Secret, downward API and projected volumes hold.
#include <algorithm>

#include "api/types/authentication_v1.h"
#include "kubelet/volumes/volumes.h"

namespace pinnace::kubelet {
namespace {

constexpr std::uint32_t kDefaultMode = 0644;
constexpr std::int64_t kDefaultTokenSeconds = 3600;
constexpr std::chrono::hours kLongestTokenUse{24};

using Data = std::map<std::string, std::string, std::less<>>;

Data data_of(const core::ConfigMap& object) {
  Data data = object.data;
  for (const auto& [key, value] : object.binary_data) data[key] = value;
  return data;
}
Data data_of(const core::Secret& object) { return object.data; }

// Puts the chosen keys, or all of them, into the payload.
Result<void> add_items(const Data& data, const std::vector<core::KeyToPath>& items, bool optional,
                       std::uint32_t mode, Payload& out) {
  if (items.empty()) {
    for (const auto& [key, value] : data) out[key] = {value, mode};
    return {};
  }
  for (const auto& item : items) {
    const auto found = data.find(item.key);
    if (found == data.end()) {
      if (optional) continue;
      return errors::bad_request("references non-existent config key: " + item.key);
    }
    out[item.path] = {found->second, static_cast<std::uint32_t>(
                                         item.mode.value_or(static_cast<std::int32_t>(mode)))};
  }
  return {};
}

template <typename T>
Result<void> add_object(ObjectCache<T>& cache, const std::string& ns, const std::string& name,
                        const std::vector<core::KeyToPath>& items, bool optional,
                        std::uint32_t mode, Payload& out) {
  auto object = cache.get(ns, name);
  if (!object) {
    if (object.error().code == 404 && optional) return {};
    return std::unexpected(std::move(object.error()));
  }
  return add_items(data_of(**object), items, optional, mode, out);
}

Result<void> add_downward(const core::Pod& pod, const PodFacts& facts,
                          const std::vector<core::DownwardAPIVolumeFile>& items, std::uint32_t mode,
                          Payload& out) {
  for (const auto& item : items) {
    Result<std::string> value = std::string();
    if (item.field_ref) {
      value = field_value(pod, facts, item.field_ref->field_path);
    } else if (item.resource_field_ref) {
      const auto& ref = *item.resource_field_ref;
      const auto owner =
          std::ranges::find(pod.spec.containers, ref.container_name, &core::Container::name);
      if (owner == pod.spec.containers.end()) {
        return errors::bad_request("container " + ref.container_name + " not found");
      }
      value = resource_value(*owner, facts, ref.resource, ref.divisor);
    }
    if (!value) return std::unexpected(std::move(value.error()));
    out[item.path] = {std::move(*value), static_cast<std::uint32_t>(
                                             item.mode.value_or(static_cast<std::int32_t>(mode)))};
  }
  return {};
}

std::uint32_t mode_of(const std::optional<std::int32_t>& mode) {
  return mode ? static_cast<std::uint32_t>(*mode) : kDefaultMode;
}

}  // namespace

Result<Payload> Volumes::payload(const core::Pod& pod, const core::Volume& volume,
                                 const PodFacts& facts) {
  const std::string& ns = pod.metadata.namespace_;
  Payload out;
  Result<void> done;
  if (const auto* source = volume.config_map.get()) {
    done = add_object(config_maps_, ns, source->name, source->items,
                      source->optional.value_or(false), mode_of(source->default_mode), out);
  } else if (const auto* secret = volume.secret.get()) {
    done = add_object(secrets_, ns, secret->secret_name, secret->items,
                      secret->optional.value_or(false), mode_of(secret->default_mode), out);
  } else if (const auto* downward = volume.downward_api.get()) {
    done = add_downward(pod, facts, downward->items, mode_of(downward->default_mode), out);
  } else if (const auto* projected = volume.projected.get()) {
    for (const auto& part : projected->sources) {
      done = project(pod, part, facts, mode_of(projected->default_mode), out);
      if (!done) break;
    }
  } else {
    done = errors::bad_request("volume \"" + volume.name +
                               "\" has a type that this node does not support");
  }
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}

Result<void> Volumes::project(const core::Pod& pod, const core::VolumeProjection& source,
                              const PodFacts& facts, std::uint32_t mode, Payload& out) {
  const std::string& ns = pod.metadata.namespace_;
  if (const auto* part = source.config_map.get()) {
    return add_object(config_maps_, ns, part->name, part->items, part->optional.value_or(false),
                      mode, out);
  }
  if (const auto* part = source.secret.get()) {
    return add_object(secrets_, ns, part->name, part->items, part->optional.value_or(false), mode,
                      out);
  }
  if (const auto* part = source.downward_api.get()) {
    return add_downward(pod, facts, part->items, mode, out);
  }
  if (const auto* part = source.service_account_token.get()) {
    auto text = token(pod, *part);
    if (!text) return std::unexpected(std::move(text.error()));
    out[part->path] = {std::move(*text), mode};
    return {};
  }
  return errors::bad_request("a projected source has a type that this node does not support");
}

Result<std::string> Volumes::token(const core::Pod& pod,
                                   const core::ServiceAccountTokenProjection& source) {
  const std::int64_t seconds = source.expiration_seconds.value_or(kDefaultTokenSeconds);
  const std::string key = pod.metadata.uid + '/' + source.audience + '/' + std::to_string(seconds);
  const WallTime now = clock_.wall();
  {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(key);
    if (found != tokens_.end() && now < found->second.refresh_at) return found->second.text;
  }
  namespace auth = api::authentication_v1;
  auth::TokenRequest request;
  if (!source.audience.empty()) request.spec.audiences = {source.audience};
  request.spec.expiration_seconds = seconds;
  auth::BoundObjectReference bound;
  bound.api_version = "v1";
  bound.kind = "Pod";
  bound.name = pod.metadata.name;
  bound.uid = pod.metadata.uid;
  request.spec.bound_object_ref = bound;
  const std::string account =
      pod.spec.service_account_name.empty() ? "default" : pod.spec.service_account_name;
  const std::string target = client::Client::path(core::ServiceAccount::kResource,
                                                  pod.metadata.namespace_, account, "token");
  auto answer = api_.call("POST", target, api::to_json(request));
  if (!answer) return std::unexpected(std::move(answer.error()));
  auto issued = api::from_json<auth::TokenRequest>(**answer);
  if (!issued) return std::unexpected(std::move(issued.error()));
  // Renewed at four fifths of its life, or daily.
  const Duration life = issued->status.expiration_timestamp.value - now;
  const WallTime refresh = now + std::min<Duration>(life * 4 / 5, kLongestTokenUse);
  const std::lock_guard lock(mutex_);
  tokens_[key] = {issued->status.token, refresh};
  return issued->status.token;
}

}  // namespace pinnace::kubelet

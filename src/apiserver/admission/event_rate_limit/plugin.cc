// EventRateLimit: whoever floods the server with Events is told to wait.
//
// Bounds: for each limit the buckets of as many keys as its cacheSize says; the one that was not
//   asked for longest goes first.
// Source: eventratelimit.admission.k8s.io/v1alpha1.
#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kDefaultCacheSize = 4096;

// Tokens that come at a steady rate, up to so many.
class Buckets {
 public:
  Buckets(std::string type, double per_second, double burst, std::size_t size)
      : type_(std::move(type)), per_second_(per_second), burst_(burst), size_(size) {}

  const std::string& type() const { return type_; }

  bool take(const std::string& key, MonotonicTime now) {
    const std::lock_guard lock(mutex_);
    Bucket& bucket = find(key, now);
    const double passed = std::chrono::duration<double>(now - bucket.at).count();
    bucket.tokens = std::min(burst_, bucket.tokens + passed * per_second_);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  struct Bucket {
    std::string key;
    double tokens;
    MonotonicTime at;
  };

  Bucket& find(const std::string& key, MonotonicTime now) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return recent_.front();
    }
    if (recent_.size() >= size_) {
      by_key_.erase(recent_.back().key);
      recent_.pop_back();
    }
    recent_.push_front({key, burst_, now});
    by_key_[key] = recent_.begin();
    return recent_.front();
  }

  const std::string type_;
  const double per_second_, burst_;
  const std::size_t size_;
  std::mutex mutex_;
  std::list<Bucket> recent_;
  std::unordered_map<std::string, std::list<Bucket>::iterator> by_key_;
};

struct Limits final : PluginState {
  std::list<Buckets> all;
};

Result<std::unique_ptr<PluginState>> configure(Backend&, const api::Value* configuration) {
  constexpr std::string_view kTypes[] = {"Server", "Namespace", "User", "SourceAndObject"};
  auto state = std::make_unique<Limits>();
  constexpr char kEmpty[] = "limits: Invalid value: null: must not be empty";
  if (configuration == nullptr) return errors::bad_request(kEmpty);
  if (auto ok = check_configuration_kind(*configuration, "eventratelimit.admission.k8s.io",
                                         "v1alpha1", "Configuration");
      !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  for (const auto& limit : items_at(configuration, "limits")) {
    const std::string type(limit.string_at("type"));
    const std::int64_t qps = limit.int_at("qps"), burst = limit.int_at("burst");
    const std::int64_t cache = limit.int_at("cacheSize");
    const std::string field = "limits[" + std::to_string(state->all.size()) + "].";
    const auto wrong = [&](const std::string& name, std::int64_t value, const char* why) {
      const Cause cause = cause::invalid(field + name, std::to_string(value), why);
      return errors::bad_request(cause.field + ": " + cause.message);
    };
    if (std::ranges::find(kTypes, type) == std::end(kTypes)) {
      const Cause cause = cause::not_supported(field + "type", quoted(type),
                                               {"Namespace", "Server", "SourceAndObject", "User"});
      return errors::bad_request(cause.field + ": " + cause.message);
    }
    if (burst <= 0) return wrong("burst", burst, "must be positive");
    if (qps <= 0) return wrong("qps", qps, "must be positive");
    if (type != "Server" && cache < 0) return wrong("cacheSize", cache, "must not be negative");
    const std::int64_t size = type == "Server" ? 1 : cache;
    state->all.emplace_back(type, static_cast<double>(qps), static_cast<double>(burst),
                            size > 0 ? static_cast<std::size_t>(size) : kDefaultCacheSize);
  }
  if (state->all.empty()) return errors::bad_request(kEmpty);
  return state;
}

std::string source_and_object(const api::Value& event) {
  std::string key;
  const auto add = [&](const api::Value* part, std::initializer_list<std::string_view> names) {
    for (const auto name : names) {
      if (part != nullptr) key.append(part->string_at(name));
    }
  };
  add(event.find("source"), {"component", "host"});
  add(event.find("involvedObject"), {"kind", "namespace", "name", "uid", "apiVersion"});
  return key;
}

std::string key_of(const std::string& type, const AdmissionRequest& request) {
  if (type == "Namespace") return request.change.ns;
  if (type == "User") return request.change.call.user.name;
  if (type == "SourceAndObject") return source_and_object(*request.object);
  return {};
}

// Every limit counts the event, whether another refuses it or not; the last that does is told.
Result<void> limit_rate(AdmissionRequest& request) {
  // Those of events.k8s.io are another kind, which is not limited.
  if (request.change.dry_run || !request.change.call.resource->group.empty()) return {};
  const MonotonicTime now = request.change.backend.options.clock.monotonic();
  std::string refusal;
  for (Buckets& buckets : static_cast<Limits&>(*request.state).all) {
    const std::string key = key_of(buckets.type(), request);
    if (buckets.take(key, now)) continue;
    refusal = "Too many requests: limit reached on type " + buckets.type() + " for key " + key;
  }
  if (refusal.empty()) return {};
  return std::unexpected(Error(429, "TooManyRequests", std::move(refusal)));
}

}  // namespace

constinit const AdmissionPlugin kEventRateLimit{.name = "EventRateLimit",
                                                .resources = "events",
                                                .subresources = "",
                                                .operations = kWrites,
                                                .validate = limit_rate,
                                                .configure = configure};

}  // namespace pinnace::apiserver

#include "apiserver/aggregation/aggregator.h"

#include <map>
#include <set>
#include <shared_mutex>

#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "apiserver/aggregation/remote_proxy.h"
#include "apiserver/backend.h"
#include "apiserver/proxy/service_proxy.h"
#include "apiserver/registry/conditions.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/webhook/webhook_client.h"
#include "apiserver/webhook/webhook_refusal.h"
#include "base/assert.h"
#include "store/follower.h"

namespace pinnace::apiserver {
namespace {

// Changes come in bursts: one look for all of them.
constexpr Duration kSettle = std::chrono::milliseconds(20);
constexpr Duration kCheckEvery = std::chrono::seconds(30);
constexpr Duration kCheckTimeout = std::chrono::seconds(5);

// What an APIService is told to be, and why.
struct Availability {
  bool is_available = false;
  std::string reason, message;
};

// Of a server's documents, what is asked for where.
constexpr std::string_view kOpenApiV2 = "/openapi/v2", kOpenApiV3 = "/openapi/v3";

// What is known of the server behind one APIService.
struct Remote {
  RemoteApiRef api;
  WebhookTargetRef target, openapi_v2, openapi_v3;
  RemoteVersionRef version;  // As it said last, in these words:
  std::string discovery;
  RemoteOpenApiRef openapi;       // The same of its documents;
  std::size_t openapi_texts = 0;  // a hash of them.
  bool is_checking = false, is_reading = false, is_due = true;
};

// Documents on their way.
struct Reading {
  std::string name;
  RemoteApiRef api;
  std::string v2, v3;
  int open = 2;
  bool has_failed = false;  // That a server has none is no failure.
};

class AggregatorImpl final : public Aggregator,
                             public std::enable_shared_from_this<AggregatorImpl> {
 public:
  explicit AggregatorImpl(std::weak_ptr<Backend> backend) : backend_(std::move(backend)) {}

  void start() override {
    const auto backend = backend_.lock();
    executor_ = &backend->options.executor;
    for (const char* resource :
         {"apiregistration.k8s.io/apiservices", "services", "discovery.k8s.io/endpointslices"}) {
      feeds_.push_back(
          std::make_unique<store::Follower>(backend->store(), resource, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->wake();
          }));
    }
    wake();
    arm();
  }

  void stop() override { stopped_ = true; }

  void wake() override {
    if (stopped_ || woken_.exchange(true)) return;
    executor_->schedule_after(kSettle, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      self->woken_ = false;
      self->look();
    });
  }

  RemoteApiRef find(std::string_view group, std::string_view version) const override {
    if (!has_remotes_.load(std::memory_order_relaxed)) return nullptr;
    const std::shared_lock lock(mutex_);
    const auto found = routes_.find(api_service_name(group, version));
    return found == routes_.end() ? nullptr : found->second;
  }

  RemoteOpenApisRef documents() const override {
    const std::shared_lock lock(mutex_);
    return documents_;
  }

 private:
  void arm() {
    executor_->schedule_after(kCheckEvery, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      for (auto& [name, remote] : self->remotes_) remote.is_due = true;
      self->wake();
      self->arm();
    });
  }

  void look() {
    const auto backend = backend_.lock();
    if (!backend || backend->is_shutting_down) return;
    const bool services_changed = feeds_[0]->take_changes();
    bool endpoints_changed = feeds_[1]->take_changes();
    endpoints_changed = feeds_[2]->take_changes() || endpoints_changed;
    const CatalogRef catalog = backend->catalog.current();
    if (services_changed || catalog != seen_catalog_) {
      seen_catalog_ = catalog;
      read_services(*backend, *catalog);
    }
    for (auto& [name, remote] : remotes_) {
      remote.is_due = remote.is_due || endpoints_changed;
      if (std::exchange(remote.is_due, false) && !remote.is_checking) check(*backend, remote);
    }
  }

  // Takes in all APIServices, and makes and removes those of what is served here.
  void read_services(Backend& backend, const Catalog& catalog) {
    auto stored = backend.store().list(kApiServices, "");
    if (!stored) return feeds_[0]->forget();
    std::set<std::string> there, remote_names;
    for (const auto& object : stored->objects) {
      auto service = read_api_service(*object);
      if (!service) continue;
      there.insert(service->name);
      if (!service->is_local()) {
        remote_names.insert(service->name);
        take_remote(std::move(*service));
      } else if (service->is_auto_managed &&
                 !has_api_service(catalog, service->group, service->version)) {
        remove(backend, *object);
      } else {
        write_condition(backend, service->name,
                        {true, "Local", "Local APIServices are always available"});
      }
    }
    std::erase_if(remotes_, [&](const auto& entry) { return !remote_names.contains(entry.first); });
    unavailable(backend).keep_only([&](const auto& labels) { return there.contains(labels[0]); });
    for (const std::string_view group : catalog.groups()) {
      for (const std::string_view version : catalog.versions(group)) {
        const bool is_ours = has_api_service(catalog, group, version);
        if (is_ours && !there.contains(api_service_name(group, version))) {
          make_local(backend, catalog, group, version);
        }
      }
    }
    publish(backend);
  }

  // Of what is served here; what makes groups known needs none.
  static bool has_api_service(const Catalog& catalog, std::string_view group,
                              std::string_view version) {
    return group != kApiRegistration && !catalog.resources(group, version).empty();
  }

  void make_local(Backend& backend, const Catalog& catalog, std::string_view group,
                  std::string_view version) {
    api::Arena arena;
    const api::ResourceInfo& info =
        *api::builtin_schema().find_resource(kApiRegistration, "v1", "apiservices");
    auto object = api::parse_json(
        arena, local_api_service_json(group, version, catalog.has_custom(group, version),
                                      rfc3339(backend.now())));
    PINNACE_ASSERT(object.has_value());
    object->set_ref(arena, "apiVersion", api::Value::string_ref("apiregistration.k8s.io/v1"));
    object->set_ref(arena, "kind", api::Value::string_ref(info.kind));
    api::Value& meta = meta_of(arena, *object);
    const std::string uid = make_uuid(backend.options.rng);
    meta.set(arena, "uid", api::Value::string(arena, uid));
    meta.set(arena, "creationTimestamp", api::Value::string(arena, rfc3339(backend.now())));
    const auto whole = api::normalise(arena, *object, *info.type);
    PINNACE_ASSERT(whole.has_value());
    SplitJson parts = split_json(*object);
    backend.store().commit({store::Write::Type::kCreate,
                            {std::string(kApiServices), "", api_service_name(group, version)},
                            uid,
                            std::move(parts.head),
                            std::move(parts.tail),
                            0,
                            true},
                           [](const Result<store::ObjectRef>&) {});  // Or another server did.
  }

  static void remove(Backend& backend, const store::Object& object) {
    backend.store().commit(
        {store::Write::Type::kDelete, object.key, object.uid, "", "", object.revision, true},
        [](const Result<store::ObjectRef>&) {});
  }

  void take_remote(ApiService service) {
    Remote& remote = remotes_[service.name];
    if (remote.api && remote.api->service == service) return;
    if (remotes_.size() > kMaxRemoteVersions) return;
    const bool was_available = remote.api && remote.api->is_available;
    auto api = std::make_shared<RemoteApi>();
    const auto target_of = [&](std::string_view path) {
      auto target = WebhookTarget::create(target_options(service, path));
      return target ? *target : nullptr;
    };
    remote.target = target_of(discovery_path(service));
    remote.openapi_v2 = target_of(kOpenApiV2);
    remote.openapi_v3 = target_of(kOpenApiV3);
    remote.discovery.clear();  // It may have another place now.
    if (remote.version && remote.version->is_stale()) remote.version = nullptr;
    if (remote.target) api->tls = remote.target->tls();
    api->is_available = was_available;
    api->service = std::move(service);
    remote.api = std::move(api);
    remote.is_due = true;
  }

  static std::string discovery_path(const ApiService& service) {
    return "/apis/" + service.group + "/" + service.version;
  }

  WebhookTargetOptions target_options(const ApiService& service, std::string_view path) const {
    const auto backend = backend_.lock();
    const std::string host = service.service + "." + service.ns + ".svc";
    WebhookTargetOptions options;
    options.url = "https://" + host + ":" + std::to_string(service.port) + std::string(path);
    options.ca_pem = service.ca_pem;
    options.server_name = host;
    options.skip_verification = service.skip_verification;
    if (backend) {
      options.certificate_pem = backend->options.front_proxy_certificate_pem;
      options.private_key_pem = backend->options.front_proxy_key_pem;
    }
    return options;
  }

  void check(Backend& backend, Remote& remote) {
    const std::string name = remote.api->service.name;
    if (remote.target == nullptr) {
      return settle(name, remote.api, nullptr,
                    {false, "FailedDiscoveryCheck", "the caBundle holds no certificates"});
    }
    if (backend.options.webhooks == nullptr) return;
    auto endpoint = remote_endpoint(backend, *remote.api);
    if (!endpoint) {
      return settle(name, remote.api, nullptr,
                    {false, endpoint.error().reason, endpoint.error().message});
    }
    remote.is_checking = true;
    ask(backend, remote.target, *endpoint,
        [this, name, api = remote.api](const Result<WebhookAnswer>& answer) {
          take_answer(name, api, answer);
        });
  }

  // Sends a GET; `then` runs on the executor, if the aggregator still lives.
  void ask(Backend& backend, const WebhookTargetRef& target, const net::Endpoint& endpoint,
           std::function<void(const Result<WebhookAnswer>&)> then) {
    WebhookRequest request;
    request.method = "GET";
    request.timeout = kCheckTimeout;
    request.dial_host = endpoint.host;
    request.dial_port = endpoint.port;
    request.headers.add("accept", "application/json");
    add_caller(request.headers, {"system:kube-aggregator", "", {kMasters}, {}});
    backend.options.webhooks->send(
        target, std::move(request),
        [weak = weak_from_this(), then = std::move(then)](Result<WebhookAnswer> answer) {
          const auto self = weak.lock();
          if (!self || self->stopped_) return;
          self->executor_->post([weak, then, answer = std::move(answer)] {
            if (const auto open = weak.lock()) then(answer);
          });
        });
  }

  // What clients are told of it in OpenAPI, whenever it has been found there.
  void read_documents(Backend& backend, const std::string& name, Remote& remote) {
    if (remote.is_reading || remote.openapi_v2 == nullptr || remote.openapi_v3 == nullptr) return;
    const auto endpoint = remote_endpoint(backend, *remote.api);
    if (!endpoint) return;
    remote.is_reading = true;
    const auto reading = std::make_shared<Reading>(Reading{.name = name, .api = remote.api});
    const auto read = [&](const WebhookTargetRef& target, std::string Reading::*text) {
      ask(backend, target, *endpoint, [this, reading, text](const Result<WebhookAnswer>& answer) {
        if (answer && answer->status == 200) (*reading).*text = answer->body;
        reading->has_failed |= !answer || answer->status >= 500;
        if (--reading->open == 0) keep_documents(*reading);
      });
    };
    read(remote.openapi_v2, &Reading::v2);
    read(remote.openapi_v3, &Reading::v3);
  }

  void keep_documents(const Reading& reading) {
    const auto backend = backend_.lock();
    const auto found = remotes_.find(reading.name);
    if (!backend || found == remotes_.end()) return;
    Remote& remote = found->second;
    remote.is_reading = false;
    if (reading.has_failed) return;  // What it said before still counts; the next check reads anew.
    const ApiService& service = remote.api->service;
    const std::size_t texts =
        std::hash<std::string>()(reading.v2) * 31 + std::hash<std::string>()(reading.v3);
    if (service != reading.api->service || (remote.openapi && texts == remote.openapi_texts)) {
      return;
    }
    remote.openapi_texts = texts;
    remote.openapi = RemoteOpenApi::parse(service.group, service.version, reading.v2, reading.v3);
    publish(*backend);
  }

  static RemoteVersion::Place place_of(const ApiService& service) {
    return {service.group, service.version, service.group_priority, service.version_priority};
  }

  void take_answer(const std::string& name, const RemoteApiRef& api,
                   const Result<WebhookAnswer>& answer) {
    const ApiService& service = api->service;
    const std::string url = target_options(service, discovery_path(service)).url;
    const auto failed = [&](const std::string& why) {
      settle(
          name, api, nullptr,
          {false, "FailedDiscoveryCheck", "failing or missing response from " + url + ": " + why});
    };
    if (!answer) return failed(answer.error().message);
    if (!is_success(*answer)) {
      return failed("bad status from " + url + ": " + std::to_string(answer->status));
    }
    const Availability passed{true, "Passed", "all checks passed"};
    const auto found = remotes_.find(name);
    const bool is_current = found != remotes_.end() && found->second.api == api;
    if (is_current && found->second.version && !found->second.version->is_stale() &&
        found->second.discovery == answer->body) {
      return settle(name, api, found->second.version, passed);
    }
    auto version = RemoteVersion::parse(place_of(service), answer->body);
    // It answers, and that is all that is asked of it; what it serves is not known.
    if (!version) return settle(name, api, nullptr, passed);
    if (is_current) found->second.discovery = answer->body;
    settle(name, api, std::move(*version), passed);
  }

  // What a check found out.
  void settle(const std::string& name, const RemoteApiRef& checked, RemoteVersionRef version,
              const Availability& availability) {
    const auto backend = backend_.lock();
    const auto found = remotes_.find(name);
    if (!backend || found == remotes_.end()) return;
    Remote& remote = found->second;
    remote.is_checking = false;
    if (remote.api != checked) {  // It has changed meanwhile.
      remote.is_due = true;
      return wake();
    }
    if (version) {
      remote.version = std::move(version);
    } else if (!remote.version || !remote.version->is_stale()) {
      remote.version = RemoteVersion::stale(place_of(checked->service), remote.discovery);
    }
    if (checked->is_available != availability.is_available) {
      auto changed = std::make_shared<RemoteApi>(*checked);
      changed->is_available = availability.is_available;
      remote.api = std::move(changed);
    }
    write_condition(*backend, name, availability);
    publish(*backend);
    if (availability.is_available) read_documents(*backend, name, remote);
  }

  // Makes what is known now the truth for requests and discovery.
  void publish(Backend& backend) {
    std::map<std::string, RemoteApiRef, std::less<>> routes;
    std::vector<RemoteVersionRef> versions;
    auto documents = std::make_shared<RemoteOpenApis>();
    for (const auto& [name, remote] : remotes_) {
      if (!remote.api) continue;
      routes[name] = remote.api;
      if (remote.version) versions.push_back(remote.version);
      if (remote.version && remote.openapi) documents->push_back(remote.openapi);
    }
    has_remotes_ = !routes.empty();
    const bool are_other_documents = *documents != *documents_;
    {
      const std::unique_lock lock(mutex_);
      routes_.swap(routes);
      if (are_other_documents) documents_ = std::move(documents);
    }
    if (versions == published_ && !are_other_documents) return;
    published_ = versions;
    backend.catalog.replace_remote(std::move(versions));
    seen_catalog_ = backend.catalog.current();
  }

  static metrics::Family<metrics::Series>& unavailable(Backend& backend) {
    return backend.options.metrics.gauge("aggregator_unavailable_apiservice",
                                         "Whether an APIService cannot be reached.", {"name"});
  }

  void write_condition(Backend& backend, const std::string& name, const Availability& wanted) {
    const auto stored = backend.store().get({std::string(kApiServices), "", name});
    if (!stored) return;
    api::Arena arena;
    auto object = parse_stored(arena, **stored);
    if (!object) return;
    unavailable(backend).with({name}).set(wanted.is_available ? 0 : 1);
    const bool was_available = is_condition_true(*object, "Available");
    const Condition condition{"Available", wanted.is_available ? "True" : "False", wanted.reason,
                              wanted.message};
    if (!set_condition(arena, *object, condition, backend.now())) return;
    if (was_available && !wanted.is_available) {
      backend.options.metrics
          .counter("aggregator_unavailable_apiservice_total",
                   "Times that APIServices have become unavailable.", {"name", "reason"})
          .with({name, wanted.reason})
          .add();
    }
    SplitJson parts = split_json(*object);
    // Who was faster wakes us again.
    backend.store().commit(
        {store::Write::Type::kUpdate, (*stored)->key, (*stored)->uid, std::move(parts.head),
         std::move(parts.tail), (*stored)->revision, true},
        [](const Result<store::ObjectRef>&) {});
  }

  const std::weak_ptr<Backend> backend_;
  Executor* executor_ = nullptr;
  std::atomic<bool> woken_{false}, stopped_{false}, has_remotes_{false};
  std::vector<std::unique_ptr<store::Follower>> feeds_;
  std::map<std::string, Remote> remotes_;  // By the APIService's name.
  std::vector<RemoteVersionRef> published_;
  CatalogRef seen_catalog_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, RemoteApiRef, std::less<>> routes_;
  RemoteOpenApisRef documents_ = std::make_shared<RemoteOpenApis>();
};

Unexpected unreachable(const char* reason, std::string message) {
  Error error = errors::unavailable(std::move(message)).error();
  error.reason = reason;
  return Unexpected(std::move(error));
}

}  // namespace

std::shared_ptr<Aggregator> Aggregator::create(const std::weak_ptr<Backend>& backend) {
  return std::make_shared<AggregatorImpl>(backend);
}

Result<net::Endpoint> remote_endpoint(Backend& backend, const RemoteApi& remote) {
  const ApiService& service = remote.service;
  const std::string name = "service/" + service.service + " in \"" + service.ns + "\"";
  const auto stored = backend.store().get({"services", service.ns, service.service});
  if (!stored) return unreachable("ServiceNotFound", name + " is not present");
  api::Arena arena;
  const auto object = parse_stored(arena, **stored);
  const auto* spec = object ? object->find("spec") : nullptr;
  if (spec != nullptr && spec->string_at("type") == "ExternalName") {
    return net::Endpoint{std::string(spec->string_at("externalName")), service.port, "",
                         remote.tls};
  }
  const auto addresses = service_addresses(
      backend.store(), service.ns, {"https", service.service, std::to_string(service.port)});
  if (!addresses) {
    return unreachable("ServicePortError",
                       name + " is not listening on port " + std::to_string(service.port));
  }
  if (addresses->empty()) {
    return unreachable("MissingEndpoints", "endpointslices for " + name +
                                               " have no addresses with port " +
                                               std::to_string(service.port));
  }
  const ServiceAddress& chosen = (*addresses)[backend.options.rng.below(addresses->size())];
  return net::Endpoint{chosen.host, chosen.port, "", remote.tls};
}

}  // namespace pinnace::apiserver

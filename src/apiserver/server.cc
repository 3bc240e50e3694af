#include "apiserver/server.h"

#include "apiserver/aggregation/remote_proxy.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/authorization/gate.h"
#include "apiserver/backend.h"
#include "apiserver/bootstrap/api_service.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/custom/definitions_controller.h"
#include "apiserver/fairness/controller.h"
#include "apiserver/http/call.h"
#include "apiserver/http/document_answer.h"
#include "apiserver/http/status.h"
#include "apiserver/http/strict_transport.h"
#include "apiserver/proxy/kubelet_client.h"
#include "apiserver/registry/go_types.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "apiserver/routes.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/table/table_output.h"
#include "base/log.h"

namespace pinnace::apiserver {
namespace {

// Health and discovery show nothing that was written; a client that gives a resourceVersion of 0,
// or one to watch from, takes what there is.
bool is_content_with_the_past(const Call& call) {
  if (!call.info.is_resource) return true;
  const std::string_view revision = call.query.get("resourceVersion");
  if (call.info.verb == "watch") return !revision.empty();
  return (call.info.verb == "get" || call.info.verb == "list") && revision == "0";
}

// How long what was written down of requests may take on its way, when the server goes.
constexpr Duration kDrainAtMost = std::chrono::seconds(5);

class ServerImpl : public Server {
 public:
  explicit ServerImpl(BackendRef backend) : backend_(std::move(backend)) {}

  ~ServerImpl() override { backend_->turns.close(); }

  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    auto call = std::make_shared<Call>();
    call->request = std::move(request);
    call->exchange = with_strict_transport(
        std::move(exchange), backend_->options.configuration.requests.strict_transport_directives);
    if (backend_->is_shutting_down) {
      return answer_error(*call, errors::unavailable("the server is shutting down").error());
    }
    call->audit_id = audit::id_of(call->request, backend_->options.rng);
    if (backend_->auditor) backend_->auditor->hold(*call);
    const MonotonicTime start = backend_->options.clock.monotonic();
    call->received_at = start;
    call->deadline.belong_to(backend_->deadlines);
    call->on_answer = [backend = backend_, raw = call.get(), start](int status) {
      backend->requests.count(*raw, status, backend->options.clock.monotonic() - start);
      if (raw->under_way != nullptr) raw->under_way->add(-1);
    };
    if (auto ok = enter(call, start); !ok) answer_error(*call, ok.error());
  }

  void shut_down() override {
    backend_->is_shutting_down = true;
    backend_->turns.close();
    backend_->aggregator->stop();
  }

  void drain() override {
    if (backend_->auditor) backend_->auditor->drain(kDrainAtMost);
  }

 private:
  Result<void> enter(const CallRef& call, MonotonicTime start) {
    auto query = Query::parse(call->request.query);
    if (!query) return std::unexpected(std::move(query.error()));
    call->query = std::move(*query);
    settle_output(*call, {});
    auto info = parse_request_info(call->request.method, call->request.path, call->query);
    if (!info) return std::unexpected(std::move(info.error()));
    call->info = std::move(*info);
    const RequestLimits& limits = backend_->options.configuration.requests;
    call->closes_connection = call->request.http_version == 20 && limits.goaway_chance > 0 &&
                              chance() < limits.goaway_chance;
    if (lasts(call->info)) return begin(call);
    const auto& verb = call->info.verb;
    call->under_way = &backend_->requests.under_way(verb != "get" && verb != "list");
    call->under_way->add(1);
    const auto timeout = request_timeout(call->query, limits.request_timeout);
    if (!timeout) return std::unexpected(timeout.error());
    if (*timeout > Duration::zero()) call->ends_at = start + *timeout;
    auto begun = begin(call);
    // Most are answered by now.
    if (begun && call->ends_at && !call->is_over()) {
      backend_->deadlines->add(*call, *call->ends_at);
    }
    return begun;
  }

  // In [0, 1).
  double chance() const {
    return static_cast<double>(backend_->options.rng.next() >> 11) * 0x1.0p-53;
  }

  Result<void> begin(const CallRef& call) {
    store::Store& store = backend_->store();
    if (store.is_always_current() || is_content_with_the_past(*call)) {
      return proceed(backend_, call);
    }
    store.when_current([backend = backend_, call](Result<void> current) {
      // The store's threads are not for handlers.
      call->exchange->post([backend, call, current = std::move(current)] {
        const auto ok = current ? proceed(backend, call) : current;
        if (!ok) answer_error(*call, ok.error());
      });
    });
    return {};
  }

  // Who the caller is, whether it may, and off to the handler. All of these read the store.
  static Result<void> proceed(const BackendRef& backend, const CallRef& call) {
    const Route* route = call->info.is_resource ? nullptr : find_route(call->info.path);
    return pass_gate(backend, call, route != nullptr && route->is_public, enter_authorized);
  }

  static Result<void> enter_authorized(const BackendRef& backend, const CallRef& call) {
    if (const auto remote = remote_for(*backend, call->info)) {
      proxy_to_remote(backend, call, *remote);
      return {};
    }
    return call->info.is_resource ? enter_resource(backend, call) : enter_route(backend, call);
  }

  static Result<void> enter_route(const BackendRef& backend, const CallRef& call) {
    const Route* route = find_route(call->info.path);
    if (route == nullptr) {
      answer_not_found(*call);
      return {};
    }
    const bool takes = route->methods == Methods::kAny || call->request.method == "GET";
    if (!takes) return errors::unrouted(405);
    route->handle(*backend, call);
    return {};
  }

  // As a Table or as partial metadata, if the client wants it so.
  static bool answers_with_what_was_written(const Call& call) {
    const std::string& verb = call.info.verb;
    return call.storage != nullptr &&
           (call.info.subresource.empty() || call.info.subresource == "status") &&
           (verb == "create" || verb == "update" || verb == "patch" || verb == "delete" ||
            verb == "deletecollection");
  }

  // Kubernetes' router knows the groups that are built in; of others nobody says more than that
  // there is no such page.
  static Result<void> refuse_unknown(Call& call) {
    if (!api::builtin_schema().versions(call.info.group).empty()) return errors::unrouted(404);
    answer_not_found(call);
    return {};
  }

  static Result<void> settle_output(Call& call, const Offer& offer) {
    const net::Headers& headers = call.request.headers;
    auto output = negotiate(headers.get("accept"), offer);
    call.output = output ? *output : Output{.pretty = true};
    call.output.pretty = call.output.pretty || is_laid_out(call.query, headers.get("user-agent"));
    if (!output) return std::unexpected(std::move(output.error()));
    return {};
  }

  // What is one is no list, and the other way round.
  static Result<void> check_shape(const Call& call) {
    const bool is_list = call.info.verb == "list" || call.info.verb == "deletecollection";
    if (is_list && call.output.shape == Shape::kPartial) {
      return errors::not_acceptable(
          "you requested PartialObjectMetadata, but the requested object is a list (" +
          internal_type(*call.resource, true) + ")");
    }
    if (call.info.verb == "get" && call.output.shape == Shape::kPartialList) {
      return errors::not_acceptable(
          "you requested PartialObjectMetadataList, but the requested object is not a list (" +
          internal_type(*call.resource, false) + ")");
    }
    return {};
  }

  static Result<void> enter_resource(const BackendRef& backend, const CallRef& call) {
    const RequestInfo& info = call->info;
    call->resource =
        backend->catalog.find_resource(info.group, info.version, info.resource, call->catalog);
    const bool is_known =
        call->resource != nullptr && call->resource->enabled &&
        (call->resource->namespaced || info.ns.empty() || info.resource == "namespaces");
    const bool leads_on = !info.rest.empty() && info.subresource != "proxy";
    if (!is_known || leads_on) return refuse_unknown(*call);
    if (call->resource->namespaced && info.ns.empty() && !info.name.empty() &&
        info.verb != "list" && info.verb != "watch") {
      return refuse_unknown(*call);
    }
    const auto* custom = call->resource->custom;
    if (!info.subresource.empty()) {
      call->subresource = call->resource->subresource(info.subresource);
      if (call->subresource == nullptr && custom != nullptr) {
        return errors::not_found(resource_text(*call->resource), info.name);
      }
      if (call->subresource == nullptr) return errors::unrouted(404);
    }
    call->storage = storage_of(*call->resource);
    if (info.name.find('%') != std::string::npos && call->storage != nullptr) {
      return errors::bad_request("Name parameter invalid: " + quoted(info.name) +
                                 ": may not contain '%'");
    }
    const bool is_list = info.verb == "list" || info.verb == "watch";
    const bool shapes = info.verb == "get" || is_list || answers_with_what_was_written(*call);
    const Offer offer{shapes, custom == nullptr, custom == nullptr, is_list};
    // What connects is in no media of objects; a log is text.
    if (auto ok = settle_output(*call, offer); !ok && !connects(call->info)) return ok;
    if (auto ok = check_shape(*call); !ok) return ok;
    if (auto ok = read_table_options(*call, backend->options.clock); !ok) return ok;
    return dispatch(backend, call);
  }

  BackendRef backend_;
};

}  // namespace

const api::ResourceInfo* storage_of(const api::ResourceInfo& resource) {
  // Requests see a custom kind in their own version; see custom/conversion.h.
  if (resource.custom != nullptr) return &resource;
  const api::Schema& schema = api::builtin_schema();
  const std::string_view path = resource.storage_resource;
  if (path.empty()) return nullptr;
  const auto name =
      path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  const std::string_view kept = resource.storage_version;
  const auto slash = kept.find('/');
  if (slash == std::string_view::npos) return schema.find_resource("", kept, name);
  return schema.find_resource(kept.substr(0, slash), kept.substr(slash + 1), name);
}

store::Key key_of(const Call& call) {
  return {std::string(call.storage->storage_resource),
          call.storage->namespaced ? call.info.ns : std::string(), call.info.name};
}

Result<std::unique_ptr<Server>> Server::create(Options options) {
  auto backend = std::make_shared<Backend>(std::move(options));
  auto authenticator = Authenticator::create(backend->options);
  if (!authenticator) return std::unexpected(std::move(authenticator.error()));
  backend->authenticator = std::move(*authenticator);
  auto authorization = AuthorizerChain::create(*backend);
  if (!authorization) return std::unexpected(std::move(authorization.error()));
  backend->authorization = std::move(*authorization);
  auto auditor = audit::Auditor::create(backend->options);
  if (!auditor) return std::unexpected(std::move(auditor.error()));
  backend->auditor = std::move(*auditor);
  auto admission = AdmissionChain::create(*backend);
  if (!admission) return std::unexpected(std::move(admission.error()));
  backend->admission = std::move(*admission);
  auto addresses = ServiceAddresses::create(backend->options.service_cidr, backend->options.store,
                                            backend->options.rng);
  if (!addresses) return std::unexpected(std::move(addresses.error()));
  backend->service_addresses = std::move(*addresses);
  backend->node_ports = std::make_unique<PortAllocator>(
      backend->options.node_port_first, backend->options.node_port_last, backend->options.rng);
  backend->service_feed = std::make_unique<ServiceFeed>(
      backend->options.store, *backend->service_addresses, *backend->node_ports);
  backend->kubelets = std::make_shared<KubeletClient>(backend->options);
  backend->aggregator = Aggregator::create(backend);
  auto server = std::make_unique<ServerImpl>(backend);
  if (backend->options.bootstrap) {
    if (auto ok = bootstrap(backend); !ok) return std::unexpected(std::move(ok.error()));
  }
  start_event_expiry(backend);
  backend->list_reach->start();
  fairness::follow_flow_control(backend);
  follow_definitions(backend);
  backend->aggregator->start();
  if (backend->options.bootstrap) keep_api_service(backend);
  backend->is_ready = true;
  return server;
}

}  // namespace pinnace::apiserver

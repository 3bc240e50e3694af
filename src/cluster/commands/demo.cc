#include <thread>

#include "api/json.h"
#include "api/schema.h"
#include "api/types/apps_v1.h"
#include "api/types/core_v1.h"
#include "api/value.h"
#include "api/yaml.h"
#include "client/client.h"
#include "cluster/access.h"
#include "cluster/commands.h"
#include "cluster/hello_example.h"
#include "cluster/progress.h"
#include "net/http_client.h"

namespace pinnace::cluster::command {

namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kPollInterval = std::chrono::milliseconds(100);

// Creates one object in the namespace "default"; one that is there already stays as it is.
Result<void> create(const client::Client& api, const api::Value& object) {
  const auto api_version = object.string_at("apiVersion");
  const auto slash = api_version.find('/');
  const auto group = slash == std::string_view::npos ? "" : api_version.substr(0, slash);
  const auto version =
      slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
  const auto* resource = api::builtin_schema().find_kind(group, version, object.string_at("kind"));
  if (!resource) {
    return errors::bad_request("unknown kind " + std::string(object.string_at("kind")) + " of " +
                               std::string(api_version));
  }
  const api::ResourceName name{resource->group, resource->version, resource->name, resource->kind,
                               resource->namespaced};
  const auto* meta = object.find("metadata");
  const auto there = api.call(
      "GET", client::Client::path(name, "default", meta ? meta->string_at("name") : ""), {});
  if (there) return {};
  if (!there.error().is("NotFound")) return std::unexpected(there.error());
  auto created =
      api.call("POST", client::Client::path(name, "default", ""), api::to_json_text(object));
  if (!created) return std::unexpected(std::move(created.error()));
  return {};
}

Result<void> wait_available(const client::Client& api) {
  const MonotonicTime deadline = real_clock().monotonic() + kPatience;
  while (true) {
    auto hello = api.get<api::apps_v1::Deployment>("default", "hello");
    if (!hello) return std::unexpected(std::move(hello.error()));
    if (hello->spec.replicas && hello->status.available_replicas == *hello->spec.replicas)
      return {};
    if (real_clock().monotonic() > deadline) {
      return errors::unavailable(
          "the example's pods are not ready after a minute; see: kubectl "
          "describe pods -l app=hello");
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

// What the API says of pods may be from before a restart: the proof is an answer.
Result<void> wait_for_answer(int port) {
  net::ClientOptions options;
  options.endpoint.host = "127.0.0.1";
  options.endpoint.port = port;
  const auto http = net::BlockingClient::create(options);
  const MonotonicTime deadline = real_clock().monotonic() + kPatience;
  while (true) {
    const auto answer = http->send({}, std::chrono::seconds(2));
    if (answer && answer->status == 200) return {};
    if (real_clock().monotonic() > deadline) {
      return errors::unavailable(
          "the example does not answer after a minute; see: kubectl describe "
          "pods -l app=hello");
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<void> run(const Arguments& arguments) {
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  auto transport = connect_as_admin(*settings);
  if (!transport) return std::unexpected(std::move(transport.error()));
  const client::Client api(**transport);
  api::Arena arena;
  auto documents = api::parse_yaml_documents(arena, kHelloExample);
  if (!documents) return std::unexpected(std::move(documents.error()));
  for (const auto& document : *documents) {
    auto created = create(api, document);
    if (!created) return created;
  }
  auto available = wait_available(api);
  if (!available) return available;
  auto service = api.get<api::core_v1::Service>("default", "hello");
  if (!service) return std::unexpected(std::move(service.error()));
  if (service->spec.ports.empty() || service->spec.ports[0].node_port == 0) {
    return errors::bad_request(
        "the Service default/hello has no node port any more; remove it and "
        "run this again: kubectl delete service hello");
  }
  const int port = service->spec.ports[0].node_port;
  auto answered = wait_for_answer(port);
  if (!answered) return answered;
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + '/';
  show("The example says hello at " + url + "\n\nTry next:\n  curl " + url +
       "\n  kubectl get pods -o wide\n"
       "  kubectl set image deployment/hello hello=pinnace/hello:2\n"
       "  kubectl rollout undo deployment/hello\n"
       "  pinnace status");
  return {};
}

}  // namespace

Command demo() {
  return {.name = "demo",
          .summary = "Deploy the hello-world example and print its URL",
          .examples = "  pinnace demo\n",
          .options = locating_options(),
          .run = run};
}

}  // namespace pinnace::cluster::command

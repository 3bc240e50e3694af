#include "apiserver/routes.h"

#include <set>

#include "api/json.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/discovery/discovery_routes.h"
#include "apiserver/fairness/dump.h"
#include "apiserver/health.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/registry.h"
#include "base/strings.h"
#include "io/process_metrics.h"

namespace pinnace::apiserver {
namespace {

// What the program says it was built from; the same for whoever builds it.
constexpr char kBuildDate[] = "1970-01-01T00:00:00Z";
constexpr char kCompiler[] = "g++";
constexpr char kLanguage[] = "c++23";
constexpr char kPlatform[] = "linux/amd64";
constexpr char kGitTreeState[] = "clean";

void version(Backend&, const CallRef& call) {
  api::Arena arena;
  api::Value out = api::Value::object();
  const auto put = [&](std::string_view key, std::string_view text) {
    out.set_ref(arena, key, api::Value::string_ref(text));
  };
  put("major", kMajor);
  put("minor", kMinor);
  put("emulationMajor", kMajor);
  put("emulationMinor", kMinor);
  put("minCompatibilityMajor", kMajor);
  put("minCompatibilityMinor", "34");
  put("gitVersion", kGitVersion);
  put("gitCommit", "");
  put("gitTreeState", kGitTreeState);
  put("buildDate", kBuildDate);
  put("goVersion", kLanguage);
  put("compiler", kCompiler);
  put("platform", kPlatform);
  answer_json(*call, 200, api::to_indented_json(out));
}

constexpr std::string_view kMetrics =
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

// How many objects of each kind there are.
void publish_objects(Backend& backend) {
  auto& by_resource =
      backend.options.metrics.gauge("apiserver_storage_objects", "Stored objects.", {"resource"});
  auto& by_group = backend.options.metrics.gauge("apiserver_resource_objects", "Stored objects.",
                                                 {"group", "resource"});
  const auto publish = [&](const api::ResourceInfo& resource) {
    const auto count = static_cast<double>(backend.store().count(resource.storage_resource));
    by_resource.with({resource_text(resource)}).set(count);
    by_group.with({std::string(resource.group), std::string(resource.name)}).set(count);
  };
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    if (resource.enabled && storage_of(resource) == &resource) publish(resource);
  }
  for (const CustomKindRef& kind : backend.catalog.current()->custom_kinds()) {
    publish(kind->storage_version().resource);
  }
}

void publish_build(metrics::Registry& registry) {
  registry
      .gauge("kubernetes_build_info", "1, with what was built from what.",
             {"build_date", "compiler", "git_commit", "git_tree_state", "git_version", "go_version",
              "major", "minor", "platform"})
      .with({kBuildDate, kCompiler, "", kGitTreeState, kGitVersion, kLanguage, kMajor, kMinor,
             kPlatform})
      .set(1);
}

void metrics_text(Backend& backend, const CallRef& call) {
  publish_build(backend.options.metrics);
  backend.turns.publish();
  publish_objects(backend);
  io::publish_process(backend.options.metrics);
  answer_text(*call, 200, kMetrics, backend.options.metrics.text());
}

void health_metrics(Backend& backend, const CallRef& call) {
  answer_text(*call, 200, kMetrics, backend.checks.text());
}

constexpr std::string_view kForAnHour = "public, max-age=3600";

void jwks(Backend& backend, const CallRef& call) {
  call->cache_control = kForAnHour;
  answer_text(*call, 200, "application/jwk-set+json",
              backend.authenticator->service_accounts().jwks_json());
}

void openid_configuration(Backend& backend, const CallRef& call) {
  call->cache_control = kForAnHour;
  const auto& tokens = backend.authenticator->service_accounts();
  std::set<std::string> algorithms;
  api::Arena arena;
  const auto set = api::parse_json(arena, tokens.jwks_json());
  if (const auto* keys = set ? set->find("keys") : nullptr) {
    for (const auto& key : keys->items()) algorithms.insert(quoted(key.string_at("alg")));
  }
  std::string issuer, keys;
  api::write_json_string(issuer, tokens.issuer());
  const std::string& elsewhere = backend.options.configuration.service_account_jwks_uri;
  const std::string here = "https://" + backend.options.advertise_address + ":" +
                           std::to_string(backend.options.advertise_port) + "/openid/v1/jwks";
  api::write_json_string(keys, elsewhere.empty() ? here : elsewhere);
  answer_json(
      *call, 200,
      "{\"issuer\":" + issuer + ",\"jwks_uri\":" + keys +
          R"(,"response_types_supported":["id_token"],"subject_types_supported":["public"],)"
          R"("id_token_signing_alg_values_supported":[)" +
          join({algorithms.begin(), algorithms.end()}, ",") + "]}");
}

constexpr Route kRoutes[] = {
    {"/livez", true, answer_health},
    {"/livez/*", true, answer_health},
    {"/readyz", true, answer_health},
    {"/readyz/*", true, answer_health},
    {"/healthz", true, answer_health},
    {"/healthz/*", true, answer_health},
    {"/version", true, version, Methods::kGet},
    {"/metrics", false, metrics_text},
    {"/metrics/slis", false, health_metrics},
    {"/debug/api_priority_and_fairness/dump_priority_levels", false,
     fairness::dump_priority_levels},
    {"/debug/api_priority_and_fairness/dump_queues", false, fairness::dump_queues},
    {"/debug/api_priority_and_fairness/dump_requests", false, fairness::dump_requests},
    {"/openid/v1/jwks", false, jwks, Methods::kGet},
    {"/.well-known/openid-configuration", false, openid_configuration, Methods::kGet},
    {"/", false, root_paths},
    {"/api", false, discover_core, Methods::kGet},
    {"/api/*", false, discover_version, Methods::kGet},
    {"/apis", false, discover_groups},
    {"/apis/*", false, discover_version},
    {"/openapi/v2", false, openapi_v2},
    {"/openapi/v3", false, openapi_v3_index},
    {"/openapi/v3/*", false, openapi_v3_group},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

const Route* find_route(std::string_view path) {
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
    if (route.path.ends_with('*') &&
        path.starts_with(route.path.substr(0, route.path.size() - 1))) {
      return &route;
    }
  }
  return nullptr;
}

}  // namespace pinnace::apiserver

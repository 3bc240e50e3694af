#include "apiserver/discovery/discovery_routes.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/discovery/discovery.h"
#include "apiserver/http/document_answer.h"
#include "apiserver/routes.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

std::string server_address(const Options& options) {
  const bool is_v6 = options.advertise_address.find(':') != std::string::npos;
  return (is_v6 ? "[" + options.advertise_address + "]" : options.advertise_address) + ":" +
         std::to_string(options.advertise_port);
}

// A plain discovery document in the media that the client accepts.
void answer_plain(Call& call, const Document& document, std::string_view kind) {
  auto output = negotiate(call.request.headers.get("accept"), {.is_built_in = true});
  if (!output) return answer_error(call, output.error());
  output->pretty = call.output.pretty;
  call.output = std::move(*output);
  if (call.output.media == Media::kJson && !call.output.pretty) {
    return answer_document(call, document, "application/json");
  }
  api::Arena arena(64 << 10);
  auto tree = api::parse_json(arena, *document.text);
  if (!tree) return answer_error(call, tree.error());
  if (tree->find("apiVersion") == nullptr) {
    tree->set_ref(arena, "apiVersion", api::Value::string_ref("v1"));
  }
  answer_value(call, 200, api::builtin_schema().find_type("meta.k8s.io", "v1", kind), *tree);
}

// /api or /apis: everything below it in one document when that is asked for, else the plain one.
void discover_root(Backend& backend, Call& call, bool legacy) {
  const CatalogRef catalog = backend.catalog.current();
  const std::string name = legacy ? "api" : "apis";
  if (const auto wanted = aggregated_discovery_wanted(call.request.headers.get("accept"))) {
    const std::string type = aggregated_discovery_content_type(*wanted);
    const auto make = [&] { return aggregated_discovery(*catalog, legacy, *wanted); };
    call.cache_control = "public";
    return answer_document(call, catalog->documents().get(name + " as " + type, make), type);
  }
  const auto make = [&] {
    return legacy ? api_versions_json(server_address(backend.options))
                  : api_group_list_json(*catalog);
  };
  answer_plain(call, catalog->documents().get(name, make), legacy ? "APIVersions" : "APIGroupList");
}

}  // namespace

void root_paths(Backend& backend, const CallRef& call) {
  std::vector<std::string_view> more;
  for (const Route& route : routes()) {
    const bool is_listed_already =
        route.path == "/" || route.path == "/api" || route.path == "/apis";
    if (!is_listed_already && !route.path.ends_with('*')) more.push_back(route.path);
  }
  answer_json(*call, 200, root_paths_json(*backend.catalog.current(), more));
}

void discover_core(Backend& backend, const CallRef& call) { discover_root(backend, *call, true); }

void discover_groups(Backend& backend, const CallRef& call) {
  discover_root(backend, *call, false);
}

void discover_version(Backend& backend, const CallRef& call) {
  const auto parts = split(std::string_view(call->info.path).substr(1), '/');
  const bool is_legacy = parts[0] == "api";
  const std::size_t most = is_legacy ? 2 : 3;
  if (parts.size() < 2 || parts.size() > most) return answer_not_found(*call);
  const std::string_view group = is_legacy ? "" : parts[1];
  const bool is_built_in = is_legacy || !api::builtin_schema().versions(group).empty();
  const bool is_group = !is_legacy && parts.size() == 2;
  const std::string_view version = is_group ? "" : parts.back();
  // Asked first, so that only what there is gets a place in the cache.
  const CatalogRef catalog = backend.catalog.current();
  const auto versions = catalog->versions(group);
  const bool is_served =
      is_group ? !versions.empty() : std::ranges::find(versions, version) != versions.end();
  if (!is_served && is_built_in) return answer_error(*call, errors::unrouted(404).error());
  if (!is_served || (group.empty() && !is_legacy)) return answer_not_found(*call);
  // Only what is below a built-in group is for GET alone.
  if (is_built_in && !is_group && call->request.method != "GET") {
    return answer_error(*call, errors::unrouted(405).error());
  }
  const auto make = [&] {
    return is_group ? *api_group_json(*catalog, group)
                    : *api_resource_list_json(*catalog, group, version);
  };
  answer_plain(*call, catalog->documents().get(call->info.path, make),
               is_group ? "APIGroup" : "APIResourceList");
}

}  // namespace pinnace::apiserver

// The handlers of /openapi/v2 and /openapi/v3.
#include <algorithm>

#include "api/json.h"
#include "apiserver/discovery/discovery_routes.h"
#include "apiserver/http/document_answer.h"
#include "apiserver/openapi/openapi_paths.h"
#include "apiserver/openapi/openapi_v2.h"
#include "apiserver/openapi/openapi_v3.h"
#include "base/strings.h"
#include "net/gzip.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kJson = "application/json";

void answer_not_acceptable(Call& call) {
  answer_error(call, errors::not_acceptable("only application/json is served here").error());
}

// "/openapi/v3/apis/apps/v1" of the document with that content. `path`: "/apis/apps/v1".
std::string v3_url(std::string_view path, std::string_view etag) {
  return "/openapi/v3" + std::string(path) + "?hash=" + std::string(etag);
}

// Where the document of a group and version is kept: that of what is built in outlives catalogs.
DocumentCache& documents_of(Backend& backend, const Catalog& catalog, std::string_view group,
                            std::string_view version) {
  return catalog.has_custom(group, version) ? catalog.documents() : backend.documents;
}

// Where clients find the document of a group and version; empty: another server serves it, without.
std::string v3_url(Backend& backend, const Catalog& catalog, const RemoteOpenApis& remotes,
                   std::string_view group, std::string_view version) {
  if (catalog.find_remote(group, version) != nullptr) {
    const auto found = std::ranges::find_if(remotes, [&](const RemoteOpenApiRef& remote) {
      return remote->group() == group && remote->version() == version;
    });
    return found == remotes.end() ? std::string() : (*found)->v3_url();
  }
  const auto make = [&] { return openapi_v3_json(catalog, group, version); };
  const std::string path = version_path(group, version);
  DocumentCache& documents = documents_of(backend, catalog, group, version);
  return v3_url(path, documents.etag("openapi v3 " + path, make));
}

// `path`: as discovery_paths() has it, "/apis/apps/".
std::string without_slash(std::string_view path) {
  path.remove_suffix(1);
  return std::string(path);
}

// Appends `"apis/apps":{"serverRelativeURL":URL}`.
void add_document(std::string& out, std::string_view path, std::string_view url) {
  if (out.back() != '{') out += ',';
  api::write_json_string(out, path.substr(1));
  out += ":{\"serverRelativeURL\":";
  api::write_json_string(out, url);
  out += '}';
}

// `path`: "/apis/apps/v1". Clients ask for what they found in the index, with its hash.
void answer_v3(const CallRef& call, const Document& document, std::string_view path) {
  const std::string_view hash = call->query.get("hash");
  if (!hash.empty() && hash != document.etag) {
    net::Headers headers;
    headers.add("location", v3_url(path, document.etag));
    headers.add("etag", "\"" + document.etag + "\"");
    headers.add("vary", "Accept");
    headers.add("cache-control", "no-cache, private");
    call->turn.add_headers(headers);
    if (call->claim()) call->exchange->respond(301, std::move(headers), std::string());
    return call->finished(301);
  }
  answer_document(*call, document, kJson, !hash.empty());
}

// Both forms are kept, as packing some megabytes takes longer than making them.
void answer_v2(Call& call, DocumentCache& documents, const std::string& name,
               const DocumentCache::Make& make, std::string_view content_type) {
  Document document = documents.get(name, make);
  if (!net::accepts_gzip(call.request.headers)) {
    return answer_document(call, document, content_type);
  }
  const auto pack = [&] { return net::gzip(*document.text); };
  document.text = documents.get(name + " as gzip", pack).text;
  answer_document(call, document, content_type, false, "gzip");
}

}  // namespace

void openapi_v2(Backend& backend, const CallRef& call) {
  // Clients ask for the second; it is answered as the third, which is how servers have it.
  constexpr std::string_view kOffered[] = {
      kJson, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
      "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"};
  const int wanted = preferred_type(call->request.headers.get("accept"), kOffered);
  if (wanted < 0) {
    return answer_error(*call,
                        errors::not_acceptable("only the following media types are accepted: "
                                               "application/json, application/"
                                               "com.github.proto-openapi.spec.v2.v1.0+protobuf")
                            .error());
  }
  const CatalogRef catalog = backend.catalog.current();
  const RemoteOpenApisRef remotes = backend.aggregator->documents();
  if (wanted == 0) {
    const auto make = [&] { return openapi_v2_json(*catalog, *remotes); };
    return answer_v2(*call, catalog->documents(), "openapi v2 json", make, kJson);
  }
  const auto make = [&] { return openapi_v2_protobuf(*catalog, *remotes); };
  answer_v2(*call, catalog->documents(), "openapi v2 protobuf", make, kOffered[2]);
}

void openapi_v3_index(Backend& backend, const CallRef& call) {
  constexpr std::string_view kOffered[] = {kJson};
  if (preferred_type(call->request.headers.get("accept"), kOffered) < 0) {
    return answer_not_acceptable(*call);
  }
  const CatalogRef catalog = backend.catalog.current();
  const RemoteOpenApisRef remotes = backend.aggregator->documents();
  const auto make = [&] {
    std::string out = "{\"paths\":{";
    for (const ApiPath& path : discovery_paths(*catalog)) {
      const std::string name = without_slash(path.path);
      const auto make_one = [&] { return openapi_v3_json(*catalog, {path}); };
      add_document(out, name,
                   v3_url(name, catalog->documents().etag("openapi v3 " + name, make_one)));
    }
    for (const std::string_view group : catalog->groups()) {
      for (const std::string_view version : catalog->versions(group)) {
        const std::string url = v3_url(backend, *catalog, *remotes, group, version);
        if (!url.empty()) add_document(out, version_path(group, version), url);
      }
    }
    return out += "}}";
  };
  answer_document(*call, catalog->documents().get("openapi v3", make), kJson);
}

void openapi_v3_group(Backend& backend, const CallRef& call) {
  constexpr std::string_view kOffered[] = {kJson};
  constexpr std::string_view kPrefix = "/openapi/v3";
  const std::string name(std::string_view(call->info.path).substr(kPrefix.size()));
  const CatalogRef catalog = backend.catalog.current();
  for (const ApiPath& path : discovery_paths(*catalog)) {
    if (without_slash(path.path) != name) continue;
    if (preferred_type(call->request.headers.get("accept"), kOffered) < 0) {
      return answer_not_acceptable(*call);
    }
    const auto make = [&] { return openapi_v3_json(*catalog, {path}); };
    return answer_v3(call, catalog->documents().get("openapi v3 " + name, make), name);
  }
  const auto parts = split(std::string_view(call->info.path).substr(1), '/');
  const bool is_legacy = parts.size() == 4 && parts[2] == "api";
  const bool is_named = parts.size() == 5 && parts[2] == "apis";
  if (!is_legacy && !is_named) return answer_not_found(*call);
  const std::string_view group = is_legacy ? "" : parts[3], version = parts.back();
  if ((is_named && group.empty()) || !catalog->is_served(group, version)) {
    return answer_not_found(*call);
  }
  if (preferred_type(call->request.headers.get("accept"), kOffered) < 0) {
    return answer_not_acceptable(*call);
  }
  const auto make = [&] { return openapi_v3_json(*catalog, group, version); };
  const Document document = documents_of(backend, *catalog, group, version)
                                .get("openapi v3 " + version_path(group, version), make);
  answer_v3(call, document, version_path(group, version));
}

}  // namespace pinnace::apiserver

// Discovery: the documents that say which groups, versions and resources this server has.
//
// Plain: /api, /apis, /apis/G, /api/v1 and /apis/G/V. Aggregated: everything below /api or /apis in
// one answer, for clients that accept `as=APIGroupDiscoveryList`.
// Threads: pure functions over the catalog. They cost milliseconds: the caller keeps the texts.
// Source: kubernetes.io/docs/concepts/overview/kubernetes-api, "Discovery API".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apiserver/catalog/catalog.h"
#include "apiserver/http/media.h"

namespace pinnace::apiserver {

// `server_address` is "host:port".
std::string api_versions_json(std::string_view server_address);
std::string api_group_list_json(const Catalog& catalog);
// Nothing for a group or version that is not served.
std::optional<std::string> api_group_json(const Catalog& catalog, std::string_view group);
std::optional<std::string> api_resource_list_json(const Catalog& catalog, std::string_view group,
                                                  std::string_view version);

// What an Accept header prefers: the aggregated form in some media, or nothing for the plain one.
std::optional<Media> aggregated_discovery_wanted(std::string_view accept);
std::string aggregated_discovery_content_type(Media media);

// `legacy` gives what is below /api (the group without a name), otherwise all below /apis.
std::string aggregated_discovery(const Catalog& catalog, bool legacy, Media media);

// The document of "/": the paths there are, groups and versions from the catalog.
std::string root_paths_json(const Catalog& catalog, std::span<const std::string_view> more);

}  // namespace pinnace::apiserver

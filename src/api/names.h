// The forms that names, keys and values must have, each with the messages that Kubernetes gives.
//
// Every function returns what is wrong with the text; nothing means that it is right.
// Source: k8s.io/apimachinery/pkg/util/validation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinnace::api {

using Complaints = std::vector<std::string>;

// "my-name": names of namespaces, containers, volumes. At most 63 bytes.
Complaints check_dns1123_label(std::string_view text);
// "example.com": names of most objects. At most 253 bytes.
Complaints check_dns1123_subdomain(std::string_view text);
// A domain of a resolver's search list: as a subdomain, but with underscores.
Complaints check_dns_search(std::string_view text);
// "my-name", not starting with a digit: names of services.
Complaints check_dns1035_label(std::string_view text);
// "*.example.com"
Complaints check_wildcard_dns1123_subdomain(std::string_view text);
// What may stand as one segment of a URL's path: names of RBAC objects.
Complaints check_path_segment_name(std::string_view text);

// "example.com/name" or "name": keys of labels and annotations, taints, resources.
Complaints check_qualified_name(std::string_view text);
Complaints check_label_value(std::string_view text);

Complaints check_c_identifier(std::string_view text);
Complaints check_env_var_name(std::string_view text);
// Any printable ASCII but '=': what newer servers accept.
Complaints check_relaxed_env_var_name(std::string_view text);
Complaints check_config_map_key(std::string_view text);
Complaints check_port_name(std::string_view text);
Complaints check_port_number(std::int64_t port);
Complaints check_http_header_name(std::string_view text);
Complaints check_percent(std::string_view text);
Complaints check_ip(std::string_view text);
Complaints check_cidr(std::string_view text);

// The messages as one, the way Kubernetes joins them: "a; b".
std::string join_complaints(const Complaints& complaints);

}  // namespace pinnace::api

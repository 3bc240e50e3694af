#include "cluster/settings.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "api/addresses.h"
#include "api/json.h"
#include "api/value.h"
#include "base/assert.h"
#include "base/strings.h"
#include "io/files.h"
#include "io/ip.h"

namespace pinnace::cluster {

namespace {

// Prefixes of the smallest networks: Services have at least two addresses; the node needs a tenth,
// for DNS.
constexpr int kFewestServices = 30, kFewestOnNode = 28;

constexpr std::size_t kMaxNameBytes = 32;
constexpr std::size_t kMaxSettingsBytes = 1 << 20;

bool is_cluster_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '-' || name.back() == '-') {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Six characters that differ between names, for links, whose names are short.
std::string short_tag(std::string_view name) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", fnv1a_32(name));
  return std::string(text, 6);
}

// The settings that are kept, by their option's name.
using TextMember = std::pair<std::string_view, std::string Settings::*>;
constexpr TextMember kKeptTexts[] = {
    {"pod-cidr", &Settings::pod_cidr},
    {"service-cidr", &Settings::service_cidr},
    {"runtime-endpoint", &Settings::runtime_endpoint},
    {"node-name", &Settings::node_name},
    {"node-ip", &Settings::node_ip},
};

Result<void> read_kept(Settings& settings) {
  std::error_code error;
  if (!std::filesystem::exists(settings.settings_file(), error)) return {};
  auto text = io::read_file(settings.settings_file(), kMaxSettingsBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  api::Arena arena;
  auto kept = api::parse_json(arena, *text);
  if (!kept) {
    return errors::bad_request(settings.settings_file() + " is damaged: " + kept.error().message);
  }
  settings.port = static_cast<int>(kept->int_at("port", settings.port));
  for (const auto& [name, member] : kKeptTexts) {
    if (kept->find(name)) settings.*member = kept->string_at(name);
  }
  return {};
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return to_lower(name);
}

// The address that many places after the network's own.
std::string nth_address(std::string_view cidr, std::uint64_t place) {
  const auto range = api::parse_range(cidr);
  PINNACE_ASSERT(range);
  return range->base().after(place).text();
}

bool is_ipv4_network(std::string_view text, int most_bits) {
  const auto cidr = io::Cidr::parse(std::string(text));
  return cidr && cidr->prefix >= 8 && cidr->prefix <= most_bits;
}

// One range, or one of each family; the API server says more of what else is wrong.
bool are_service_ranges(const std::string& text) {
  const auto ranges = split(text, ',');
  return ranges.size() <= 2 && std::ranges::all_of(ranges, [](std::string_view one) {
           const auto range = api::parse_range(one);
           if (!range || range->address.family == 4) return is_ipv4_network(one, kFewestServices);
           return range->prefix_bits >= 64 && range->prefix_bits <= 126;
         });
}

// A network cannot change under addresses that were given out. To that of Services one of the other
// family may come.
Result<void> check_unchanged(const Settings& kept, const Arguments& arguments, bool has_data) {
  for (const std::string_view option : {"pod-cidr", "service-cidr"}) {
    const std::string& old = option == "pod-cidr" ? kept.pod_cidr : kept.service_cidr;
    const bool is_more = option == "service-cidr" && arguments.get(option).starts_with(old + ',');
    if (has_data && arguments.has(option) && arguments.get(option) != old && !is_more) {
      return errors::bad_request("cluster " + kept.name + " was made with --" +
                                 std::string(option) + ' ' + old +
                                 ", which cannot change. Run 'pinnace delete' first, or give the "
                                 "new cluster another --name.");
    }
  }
  return {};
}

}  // namespace

std::string Settings::runtime_socket() const {
  if (owns_runtime()) return containerd_socket();
  return runtime_endpoint.starts_with("unix://") ? runtime_endpoint.substr(7) : runtime_endpoint;
}

std::string Settings::nft_table() const {
  std::string table = "pinnace_" + name;
  std::replace(table.begin(), table.end(), '-', '_');
  return table;
}

std::string Settings::dns_link() const { return "pn" + short_tag(name) + "dns"; }

std::string Settings::first_service_ip() const {
  return nth_address(split(service_cidr, ',').front(), 1);
}
std::string Settings::node_service_cidr() const {
  for (const std::string_view range : split(service_cidr, ',')) {
    if (is_ipv4_network(range, kFewestOnNode)) return std::string(range);
  }
  return {};
}
std::string Settings::cluster_dns_ip() const {
  const std::string range = node_service_cidr();
  return range.empty() ? std::string() : nth_address(range, 10);
}
std::string Settings::node_pod_cidr() const {
  auto cidr = io::Cidr::parse(pod_cidr);
  PINNACE_ASSERT(cidr);
  cidr->prefix = std::max(cidr->prefix, 24);
  return cidr->text();
}

std::vector<Option> locating_options() {
  return {{"name", "NAME", "which cluster of this machine (pinnace)"},
          {"data-dir", "DIR", "where it keeps its data (/var/lib/pinnace/NAME)"}};
}

std::vector<Option> cluster_options() {
  auto options = locating_options();
  options.insert(
      options.end(),
      {{"port", "PORT", "where the API server listens (6443)"},
       {"pod-cidr", "CIDR", "addresses of pods (10.244.0.0/16)"},
       {"service-cidr", "CIDR,...", "addresses of services (10.96.0.0/16), of one or two families"},
       {"runtime-endpoint", "SOCKET", "a CRI runtime that already runs (a containerd of its own)"},
       {"node-name", "NAME", "what this node is called (the host's name)"},
       {"node-ip", "ADDRESS", "the node's address (that of the default route)"}});
  return options;
}

Result<Settings> resolve_settings(const Arguments& arguments) {
  Settings settings;
  settings.name = arguments.get("name", kDefaultName);
  if (!is_cluster_name(settings.name)) {
    return errors::bad_request(
        "--name must be at most 32 lower-case letters, digits and dashes, not \"" + settings.name +
        '"');
  }
  std::error_code error;
  settings.data_dir = std::filesystem::absolute(
      arguments.get("data-dir", "/var/lib/pinnace/" + settings.name), error);
  settings.run_dir = "/run/pinnace/" + settings.name;
  settings.node_name = host_name();
  auto kept = read_kept(settings);
  if (!kept) return std::unexpected(std::move(kept.error()));
  auto same =
      check_unchanged(settings, arguments, std::filesystem::exists(settings.database_dir(), error));
  if (!same) return std::unexpected(std::move(same.error()));
  auto port = arguments.get_int("port", settings.port, 1, 65535);
  if (!port) return std::unexpected(std::move(port.error()));
  settings.port = *port;
  for (const auto& [name, member] : kKeptTexts) {
    if (arguments.has(name)) settings.*member = arguments.get(name);
  }
  if (!is_ipv4_network(settings.pod_cidr, kFewestOnNode)) {
    return errors::bad_request("--pod-cidr must be an IPv4 network such as 10.244.0.0/16, not \"" +
                               settings.pod_cidr + '"');
  }
  if (!are_service_ranges(settings.service_cidr)) {
    return errors::bad_request(
        "--service-cidr must be a network such as 10.96.0.0/16, or one of IPv4 and one of IPv6 "
        "with a comma between them, not \"" +
        settings.service_cidr + '"');
  }
  return settings;
}

Result<void> save_settings(const Settings& settings) {
  api::Arena arena;
  api::Value kept = api::Value::object();
  kept.set(arena, "port", api::Value::integer(settings.port));
  for (const auto& [name, member] : kKeptTexts) {
    kept.set(arena, name, api::Value::string_ref(settings.*member));
  }
  return io::write_file_atomic(settings.settings_file(), api::to_json_text(kept) + '\n', 0644);
}

}  // namespace pinnace::cluster

#include "cluster/store_options.h"

#include <utility>

#include "api/time.h"
#include "base/strings.h"
#include "io/files.h"
#include "store/embedded.h"

namespace pinnace::cluster {

namespace {

struct StoreOption {
  Option option;
  // Errors say what the value should have been; the flag's name is put before them.
  Result<void> (*set)(StoreSettings&, std::string_view value);
};

Result<void> set_servers(StoreSettings& settings, std::string_view value) {
  for (const std::string_view server : split(value, ',')) {
    if (!server.starts_with("https://") && !server.starts_with("http://")) {
      return errors::bad_request("takes https://HOST:PORT,...");
    }
    settings.etcd_servers.emplace_back(server);
  }
  return {};
}

Result<void> set_prefix(StoreSettings& settings, std::string_view value) {
  if (!value.starts_with('/') || value.ends_with('/')) {
    return errors::bad_request("takes a path such as /registry");
  }
  settings.etcd_prefix = value;
  return {};
}

Result<void> set_compaction(StoreSettings& settings, std::string_view value) {
  const auto interval = api::parse_duration(value);
  if (!interval || *interval < Duration::zero()) {
    return errors::bad_request("takes a time such as 5m0s; 0 is never");
  }
  settings.etcd_compaction_interval = *interval;
  return {};
}

template <std::string StoreSettings::*member>
Result<void> set_text(StoreSettings& settings, std::string_view value) {
  settings.*member = value;
  return {};
}

const StoreOption kOptions[] = {
    {{"etcd-servers", "URL,...", "keep objects in etcd (on this machine's disk)"}, set_servers},
    {{"etcd-cafile", "FILE", "the authority that etcd's certificates are checked against"},
     set_text<&StoreSettings::etcd_authority_file>},
    {{"etcd-certfile", "FILE", "the certificate that is shown to etcd"},
     set_text<&StoreSettings::etcd_certificate_file>},
    {{"etcd-keyfile", "FILE", "its private key"}, set_text<&StoreSettings::etcd_key_file>},
    {{"etcd-prefix", "PATH", "what all keys in etcd begin with (/registry)"}, set_prefix},
    {{"etcd-compaction-interval", "TIME", "how long etcd keeps old revisions (5m)"},
     set_compaction},
};

}  // namespace

std::vector<Option> store_options() {
  std::vector<Option> options;
  for (const StoreOption& each : kOptions) options.push_back(each.option);
  return options;
}

Result<StoreSettings> resolve_store_settings(const Arguments& arguments) {
  StoreSettings settings;
  for (const StoreOption& each : kOptions) {
    if (!arguments.has(each.option.name)) continue;
    auto set = each.set(settings, arguments.get(each.option.name));
    if (set) continue;
    set.error().message = "--" + std::string(each.option.name) + ": " + set.error().message;
    return std::unexpected(std::move(set.error()));
  }
  return settings;
}

Result<store::EtcdAccess> etcd_access(const StoreSettings& which) {
  store::EtcdAccess access{.endpoints = which.etcd_servers, .prefix = which.etcd_prefix};
  const std::pair<const std::string&, std::string&> files[] = {
      {which.etcd_authority_file, access.authority_pem},
      {which.etcd_certificate_file, access.certificate_pem},
      {which.etcd_key_file, access.private_key_pem}};
  for (const auto& [path, text] : files) {
    if (path.empty()) continue;
    auto read = io::read_file(path);
    if (!read) return std::unexpected(std::move(read.error()));
    text = std::move(*read);
  }
  return access;
}

Result<std::unique_ptr<store::Store>> open_store(const Settings& settings,
                                                 const StoreSettings& which, Executor& timers,
                                                 std::shared_ptr<store::Transformer> transformer) {
  if (which.is_shared()) {
    auto access = etcd_access(which);
    if (!access) return std::unexpected(std::move(access.error()));
    access->transformer = std::move(transformer);
    return store::EtcdStore::create({.etcd = std::move(*access),
                                     .compaction_interval = which.etcd_compaction_interval,
                                     .executor = timers});
  }
  return store::EmbeddedStore::create({.directory = settings.database_dir(),
                                       .clock = &timers.clock(),
                                       .transformer = std::move(transformer)});
}

}  // namespace pinnace::cluster

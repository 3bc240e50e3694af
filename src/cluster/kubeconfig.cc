#include "cluster/kubeconfig.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "api/value.h"
#include "api/yaml.h"
#include "base/strings.h"
#include "cluster/yaml_writer.h"
#include "io/files.h"

namespace pinnace::cluster {

namespace {

constexpr std::size_t kMaxKubeconfigBytes = 4 << 20;

Result<api::Value> read_config(api::Arena& arena, const std::string& path) {
  std::error_code error;
  api::Value config = api::Value::object();
  if (!std::filesystem::exists(path, error)) return config;
  auto text = io::read_file(path, kMaxKubeconfigBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  if (trim(*text).empty()) return config;
  auto parsed = api::parse_yaml(arena, arena.copy(*text));
  if (!parsed || !parsed->is_object()) {
    return errors::bad_request(path + " is not a kubeconfig" +
                               (parsed ? "" : ": " + parsed.error().message) +
                               ". Repair it, or give another file with --kubeconfig.");
  }
  return parsed;
}

Result<void> write_config(const std::string& path, const api::Value& config) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  return io::write_file_atomic(path, write_yaml(config), 0600);
}

// The list `list` of named entries, made when it is missing.
api::Value& named_list(api::Arena& arena, api::Value& config, std::string_view list) {
  api::Value* found = config.find(list);
  if (!found || !found->is_array()) found = &config.set(arena, list, api::Value::array());
  return *found;
}

void remove_named(api::Value& entries, std::string_view name) {
  for (std::size_t i = entries.size(); i-- > 0;) {
    if (entries.items()[i].string_at("name") == name) entries.remove_item(i);
  }
}

void set_named(api::Arena& arena, api::Value& config, std::string_view list, std::string_view name,
               std::string_view key, api::Value value) {
  api::Value& entries = named_list(arena, config, list);
  remove_named(entries, name);
  api::Value entry = api::Value::object();
  entry.set(arena, "name", api::Value::string(arena, name));
  entry.set(arena, key, value);
  entries.append(arena, entry);
}

const api::Value* find_named(const api::Value& config, std::string_view list, std::string_view name,
                             std::string_view key) {
  const api::Value* entries = config.find(list);
  if (!entries || !entries->is_array()) return nullptr;
  for (const auto& entry : entries->items()) {
    if (entry.string_at("name") == name) return entry.find(key);
  }
  return nullptr;
}

// `NAME-data` in base64, or the file that `NAME` names.
Result<std::string> inline_or_file(const api::Value& section, std::string_view name,
                                   const std::string& config_path) {
  const auto data = section.string_at(std::string(name) + "-data");
  if (!data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) return errors::bad_request(std::string(name) + "-data is not base64");
    return std::move(*decoded);
  }
  const auto file = section.string_at(name);
  if (file.empty()) return std::string();
  return io::read_file(std::filesystem::path(config_path).parent_path() / file,
                       kMaxKubeconfigBytes);
}

}  // namespace

Result<void> merge_kubeconfig(const std::string& path, const KubeconfigEntry& entry) {
  api::Arena arena;
  auto config = read_config(arena, path);
  if (!config) return std::unexpected(std::move(config.error()));
  const auto text = [&](std::string_view value) { return api::Value::string(arena, value); };
  config->set(arena, "apiVersion", text("v1"));
  config->set(arena, "kind", text("Config"));
  api::Value cluster = api::Value::object();
  cluster.set(arena, "server", text(entry.server));
  cluster.set(arena, "certificate-authority-data", text(base64_encode(entry.ca_pem)));
  set_named(arena, *config, "clusters", entry.context, "cluster", cluster);
  api::Value user = api::Value::object();
  if (!entry.token.empty()) {
    user.set(arena, "token", text(entry.token));
  } else {
    user.set(arena, "client-certificate-data", text(base64_encode(entry.certificate_pem)));
    user.set(arena, "client-key-data", text(base64_encode(entry.private_key_pem)));
  }
  set_named(arena, *config, "users", entry.context, "user", user);
  api::Value context = api::Value::object();
  context.set(arena, "cluster", text(entry.context));
  context.set(arena, "user", text(entry.context));
  set_named(arena, *config, "contexts", entry.context, "context", context);
  config->set(arena, "current-context", text(entry.context));
  return write_config(path, *config);
}

Result<void> remove_from_kubeconfig(const std::string& path, std::string_view context) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  api::Arena arena;
  auto config = read_config(arena, path);
  if (!config) return std::unexpected(std::move(config.error()));
  if (!find_named(*config, "contexts", context, "context")) return {};
  for (const std::string_view list : {"clusters", "users", "contexts"}) {
    remove_named(named_list(arena, *config, list), context);
  }
  if (config->string_at("current-context") == context) {
    config->set(arena, "current-context", api::Value::string_ref(""));
  }
  return write_config(path, *config);
}

Result<KubeconfigEntry> read_kubeconfig(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return errors::bad_request("there is no kubeconfig " + path);
  }
  api::Arena arena;
  auto config = read_config(arena, path);
  if (!config) return std::unexpected(std::move(config.error()));
  KubeconfigEntry entry;
  entry.context = config->string_at("current-context");
  const api::Value* context = find_named(*config, "contexts", entry.context, "context");
  const api::Value* cluster =
      context ? find_named(*config, "clusters", context->string_at("cluster"), "cluster") : nullptr;
  const api::Value* user =
      context ? find_named(*config, "users", context->string_at("user"), "user") : nullptr;
  if (!cluster || !user) {
    return errors::bad_request(path + " has no complete current context (\"" + entry.context +
                               "\")");
  }
  entry.server = cluster->string_at("server");
  entry.token = user->string_at("token");
  struct Part {
    const api::Value* section;
    std::string_view name;
    std::string KubeconfigEntry::*member;
  };
  for (const auto& part : {Part{cluster, "certificate-authority", &KubeconfigEntry::ca_pem},
                           Part{user, "client-certificate", &KubeconfigEntry::certificate_pem},
                           Part{user, "client-key", &KubeconfigEntry::private_key_pem}}) {
    auto pem = inline_or_file(*part.section, part.name, path);
    if (!pem) return std::unexpected(std::move(pem.error()));
    entry.*part.member = std::move(*pem);
  }
  return entry;
}

std::string default_kubeconfig_path() {
  if (const char* paths = std::getenv("KUBECONFIG"); paths && *paths) {
    return std::string(split(paths, ':').front());
  }
  const char* home = std::getenv("HOME");
  if (!home || !*home) {
    const passwd* entry = getpwuid(getuid());
    home = entry ? entry->pw_dir : "/root";
  }
  return std::string(home) + "/.kube/config";
}

}  // namespace pinnace::cluster

// From a URL and credentials, or a kubeconfig file, to a WebhookTarget; and who we are to others.
#include <filesystem>

#include "api/yaml.h"
#include "apiserver/webhook/webhook_identities.h"
#include "base/strings.h"
#include "io/files.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxKubeconfigBytes = 4 << 20;

// The entry of a kubeconfig's list by its name: `clusters` hold a `cluster` each.
const api::Value* named(const api::Value& config, std::string_view list, std::string_view name,
                        std::string_view key) {
  const auto* entries = config.find(list);
  if (entries == nullptr || !entries->is_array()) return nullptr;
  for (const auto& entry : entries->items()) {
    if (entry.string_at("name") == name) return entry.find(key);
  }
  return nullptr;
}

// `KEY-data` in base64, or what stands in the file that `KEY` names.
Result<std::string> text_or_file(const api::Value& section, const std::string& key,
                                 const std::filesystem::path& directory) {
  if (const auto data = section.string_at(key + "-data"); !data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) return errors::bad_request(key + "-data is not base64");
    return std::move(*decoded);
  }
  const auto file = section.string_at(key);
  if (file.empty()) return std::string();
  return io::read_file(directory / file, kMaxKubeconfigBytes);
}

Result<void> read_user(const api::Value& user, const std::filesystem::path& directory,
                       WebhookTargetOptions& out) {
  auto certificate = text_or_file(user, "client-certificate", directory);
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto key = text_or_file(user, "client-key", directory);
  if (!key) return std::unexpected(std::move(key.error()));
  out.certificate_pem = std::move(*certificate);
  out.private_key_pem = std::move(*key);
  if (user.find("exec") != nullptr || user.find("auth-provider") != nullptr) {
    return errors::bad_request("credential plugins are not run by the server");
  }
  out.bearer_token = user.string_at("token");
  if (const auto file = user.string_at("tokenFile"); !file.empty()) {
    out.token_file = directory / file;
  }
  out.user_name = user.string_at("username");
  out.password = user.string_at("password");
  return {};
}

Result<void> read_sections(const api::Value& cluster, const api::Value* user,
                           const std::filesystem::path& directory, WebhookTargetOptions& out) {
  out.url = cluster.string_at("server");
  out.server_name = cluster.string_at("tls-server-name");
  out.skip_verification = cluster.bool_at("insecure-skip-tls-verify");
  auto ca = text_or_file(cluster, "certificate-authority", directory);
  if (!ca) return std::unexpected(std::move(ca.error()));
  out.ca_pem = std::move(*ca);
  return user == nullptr ? Result<void>() : read_user(*user, directory, out);
}

Result<api::Value> read_config(api::Arena& arena, const std::string& path) {
  auto text = io::read_file(path, kMaxKubeconfigBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  auto config = api::parse_yaml(arena, *text);
  if (!config) return errors::bad_request(path + ": " + config.error().message);
  return config;
}

}  // namespace

WebhookTargetRef WebhookTarget::with_parameter(std::string_view parameter) const {
  std::shared_ptr<WebhookTarget> target(new WebhookTarget(*this));
  for (std::string* url : {&target->url_, &target->parts_.path}) {
    (*url += url->find('?') == std::string::npos ? '?' : '&') += parameter;
  }
  return target;
}

Result<WebhookTargetRef> WebhookTarget::create(WebhookTargetOptions options) {
  auto parts = net::parse_url(options.url);
  if (!parts) return std::unexpected(std::move(parts.error()));
  std::shared_ptr<WebhookTarget> target(new WebhookTarget());
  target->parts_ = std::move(*parts);
  if (!options.bearer_token.empty()) {
    target->authorization_ = "Bearer " + options.bearer_token;
  } else if (!options.token_file.empty()) {
    target->token_file_ = std::move(options.token_file);
  } else if (!options.user_name.empty()) {
    target->authorization_ = "Basic " + base64_encode(options.user_name + ":" + options.password);
  }
  if (target->parts_.tls) {
    const std::string name =
        options.server_name.empty() ? target->parts_.host : options.server_name;
    target->identity_ = name + (options.skip_verification ? "|any|" : "|") +
                        hex_encode(net::sha256(options.ca_pem + "\n" + options.certificate_pem +
                                               "\n" + options.private_key_pem));
    auto tls = net::TlsClientContext::create({.ca_pem = std::move(options.ca_pem),
                                              .certificate_pem = std::move(options.certificate_pem),
                                              .private_key_pem = std::move(options.private_key_pem),
                                              .server_name = name,
                                              .skip_verification = options.skip_verification});
    if (!tls) return std::unexpected(std::move(tls.error()));
    target->tls_ = std::move(*tls);
  }
  target->url_ = std::move(options.url);
  return target;
}

Result<WebhookTargetRef> WebhookTarget::read_kubeconfig(const std::string& path) {
  api::Arena arena;
  const auto config = read_config(arena, path);
  if (!config) return std::unexpected(config.error());
  const std::string_view current = config->string_at("current-context");
  const auto* context = named(*config, "contexts", current, "context");
  const auto* cluster = context == nullptr
                            ? nullptr
                            : named(*config, "clusters", context->string_at("cluster"), "cluster");
  if (cluster == nullptr) {
    return errors::bad_request(path + ": the current context \"" + std::string(current) +
                               "\" names no cluster of this file");
  }
  WebhookTargetOptions options;
  const auto* user = named(*config, "users", context->string_at("user"), "user");
  const auto read =
      read_sections(*cluster, user, std::filesystem::path(path).parent_path(), options);
  if (!read) return errors::bad_request(path + ": " + read.error().message);
  auto target = create(std::move(options));
  if (!target) return errors::bad_request(path + ": " + target.error().message);
  return target;
}

Result<WebhookIdentities> WebhookIdentities::read(const std::string& path) {
  api::Arena arena;
  const auto config = read_config(arena, path);
  if (!config) return std::unexpected(config.error());
  WebhookIdentities out;
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const auto take = [&](const std::string& name, const api::Value* user) -> Result<void> {
    if (user == nullptr) return {};
    auto read = read_user(*user, directory, out.users_[name]);
    if (!read) return errors::bad_request(path + ": user " + name + ": " + read.error().message);
    return {};
  };
  if (const auto* users = config->find("users"); users != nullptr && users->is_array()) {
    for (const auto& entry : users->items()) {
      auto ok = take(std::string(entry.string_at("name")), entry.find("user"));
      if (!ok) return std::unexpected(std::move(ok.error()));
    }
  }
  const auto* context =
      named(*config, "contexts", config->string_at("current-context"), "context");
  if (context == nullptr) return out;
  auto ok = take("", named(*config, "users", context->string_at("user"), "user"));
  if (!ok) return std::unexpected(std::move(ok.error()));
  return out;
}

const WebhookTargetOptions* WebhookIdentities::find(std::string_view host, int port) const {
  const auto user = [&](const std::string& name) {
    const auto found = users_.find(name);
    return found == users_.end() ? nullptr : &found->second;
  };
  const auto of_server = [&](const std::string& suffix) {
    const auto* found = user(std::string(host) + suffix);
    for (auto dot = host.find('.'); found == nullptr && dot != host.npos;
         dot = host.find('.', dot + 1)) {
      found = user("*" + std::string(host.substr(dot)) + suffix);
    }
    return found;
  };
  constexpr int kDefaultPort = 443;
  const auto* found = of_server(":" + std::to_string(port));
  if (found == nullptr && port == kDefaultPort) found = of_server("");
  if (found == nullptr) found = user("*");
  return found == nullptr ? user("") : found;
}

void WebhookIdentities::identify(std::string_view host, int port,
                                 WebhookTargetOptions& options) const {
  const WebhookTargetOptions* user = find(host, port);
  if (user == nullptr) return;
  options.certificate_pem = user->certificate_pem;
  options.private_key_pem = user->private_key_pem;
  options.bearer_token = user->bearer_token;
  options.token_file = user->token_file;
  options.user_name = user->user_name;
  options.password = user->password;
}

}  // namespace pinnace::apiserver

// From a URL and credentials, or a kubeconfig file, to a WebhookTarget.
#include <filesystem>

#include "api/yaml.h"
#include "apiserver/webhook/webhook_client.h"
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

Result<void> read_sections(const api::Value& cluster, const api::Value* user,
                           const std::filesystem::path& directory, WebhookTargetOptions& out) {
  out.url = cluster.string_at("server");
  out.server_name = cluster.string_at("tls-server-name");
  out.skip_verification = cluster.bool_at("insecure-skip-tls-verify");
  auto ca = text_or_file(cluster, "certificate-authority", directory);
  if (!ca) return std::unexpected(std::move(ca.error()));
  out.ca_pem = std::move(*ca);
  if (user == nullptr) return {};
  auto certificate = text_or_file(*user, "client-certificate", directory);
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto key = text_or_file(*user, "client-key", directory);
  if (!key) return std::unexpected(std::move(key.error()));
  out.certificate_pem = std::move(*certificate);
  out.private_key_pem = std::move(*key);
  if (user->find("exec") != nullptr || user->find("auth-provider") != nullptr) {
    return errors::bad_request("credential plugins are not run by the server");
  }
  out.bearer_token = user->string_at("token");
  if (const auto file = user->string_at("tokenFile"); !file.empty()) {
    out.token_file = directory / file;
  }
  out.user_name = user->string_at("username");
  out.password = user->string_at("password");
  return {};
}

}  // namespace

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
  auto text = io::read_file(path, kMaxKubeconfigBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  api::Arena arena;
  const auto config = api::parse_yaml(arena, *text);
  if (!config) return errors::bad_request(path + ": " + config.error().message);
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

}  // namespace pinnace::apiserver

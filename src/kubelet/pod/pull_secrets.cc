#include "kubelet/pod/pull_secrets.h"

#include "api/json.h"
#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

// "nginx" -> "docker.io/library/nginx"; the tag and digest go.
std::string full_name(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    image = image.substr(0, colon);
  }
  const auto first = image.substr(0, image.find('/'));
  const bool has_host = first != image && (first.find_first_of(".:") != std::string_view::npos ||
                                           first == "localhost");
  if (has_host) return std::string(image);
  return "docker.io/" + std::string(first == image ? "library/" : "") + std::string(image);
}

// "https://index.docker.io/v1/" -> "docker.io"
std::string registry_path(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  if (key == "index.docker.io") return "docker.io";
  return std::string(key);
}

// The host may have "*" for whole labels.
bool host_matches(std::string_view pattern, std::string_view host) {
  const auto wanted = split(pattern, '.'), given = split(host, '.');
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != "*" && wanted[i] != given[i]) return false;
  }
  return true;
}

bool covers(std::string_view registry, std::string_view image) {
  const auto host_of = [](std::string_view text) { return text.substr(0, text.find('/')); };
  const auto host = host_of(registry), image_host = host_of(image);
  if (!host_matches(host, image_host)) return false;
  const auto path = registry.substr(host.size()), image_path = image.substr(image_host.size());
  return image_path.starts_with(path) &&
         (path.empty() || image_path.size() == path.size() || image_path[path.size()] == '/');
}

std::optional<cri::PullCredentials> credentials_of(const api::Value& entry) {
  cri::PullCredentials out{std::string(entry.string_at("username")),
                           std::string(entry.string_at("password")), ""};
  if (const auto both = base64_decode(entry.string_at("auth")); both && !both->empty()) {
    const auto colon = both->find(':');
    if (colon == std::string::npos) return std::nullopt;
    out.username = both->substr(0, colon);
    out.password = both->substr(colon + 1);
  }
  if (out.username.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<cri::PullCredentials> find_credentials(
    const std::vector<std::shared_ptr<const api::core_v1::Secret>>& secrets,
    std::string_view image) {
  const std::string name = full_name(image);
  std::optional<cri::PullCredentials> best;
  std::size_t best_length = 0;
  for (const auto& secret : secrets) {
    const bool old_form = secret->type == "kubernetes.io/dockercfg";
    const auto file = secret->data.find(old_form ? ".dockercfg" : ".dockerconfigjson");
    if (file == secret->data.end()) continue;
    api::Arena arena;
    const auto config = api::parse_json(arena, file->second);
    if (!config || !config->is_object()) continue;
    const api::Value* registries = old_form ? &*config : config->find("auths");
    if (!registries || !registries->is_object()) continue;
    for (const auto& member : registries->members()) {
      const std::string registry = registry_path(member.key);
      if (registry.size() < best_length || !covers(registry, name)) continue;
      if (auto found = credentials_of(member.value)) {
        found->server_address = registry.substr(0, registry.find('/'));
        best = std::move(found);
        best_length = registry.size();
      }
    }
  }
  return best;
}

}  // namespace pinnace::kubelet

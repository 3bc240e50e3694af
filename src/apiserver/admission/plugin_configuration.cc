#include "apiserver/admission/plugin_configuration.h"

#include <algorithm>
#include <filesystem>

#include "api/yaml.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;

Result<api::Value> read_yaml(api::Arena& arena, const std::string& path) {
  auto text = io::read_file(path, kMaxFileBytes);
  if (!text) return errors::bad_request(text.error().message);
  auto parsed = api::parse_yaml(arena, *text);
  if (!parsed) return errors::bad_request(path + ": " + parsed.error().message);
  return parsed;
}

}  // namespace

Result<PluginConfigurations> PluginConfigurations::read(const std::string& path) {
  PluginConfigurations out;
  if (path.empty()) return out;
  auto file = read_yaml(*out.arena_, path);
  if (!file) return std::unexpected(std::move(file.error()));
  constexpr std::string_view kKind = "AdmissionConfiguration";
  // It has had another name.
  const bool is_old = file->string_at("apiVersion") == "apiserver.k8s.io/v1alpha1";
  if (auto ok = is_old
                    ? check_configuration_kind(*file, "apiserver.k8s.io", "v1alpha1", kKind)
                    : check_configuration_kind(*file, "apiserver.config.k8s.io", "v1", kKind);
      !ok) {
    return errors::bad_request(path + ": " + ok.error().message);
  }
  const auto* plugins = file->find("plugins");
  if (plugins == nullptr || !plugins->is_array()) return out;
  for (const auto& plugin : plugins->items()) {
    const std::string name(plugin.string_at("name"));
    if (const auto* own = plugin.find("configuration"); own != nullptr && own->is_object()) {
      out.by_plugin_[name] = *own;
    } else if (const std::string other(plugin.string_at("path")); !other.empty()) {
      auto read = read_yaml(*out.arena_, std::filesystem::path(path).parent_path() / other);
      if (!read) return std::unexpected(std::move(read.error()));
      out.by_plugin_[name] = *read;
    }
  }
  return out;
}

Result<void> check_configuration_kind(const api::Value& configuration, std::string_view group,
                                      std::string_view versions, std::string_view kind) {
  const std::string_view version = configuration.string_at("apiVersion");
  const bool is_known = std::ranges::any_of(split(versions, ' '), [&](std::string_view one) {
    return version == std::string(group) + "/" + std::string(one);
  });
  if (is_known && configuration.string_at("kind") == kind) return {};
  return errors::bad_request("no kind \"" + std::string(configuration.string_at("kind")) +
                             "\" is registered for version \"" + std::string(version) +
                             "\" here; expected " + std::string(kind) + " of " +
                             std::string(group) + "/" + std::string(versions));
}

}  // namespace pinnace::apiserver

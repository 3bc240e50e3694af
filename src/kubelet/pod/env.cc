#include "kubelet/pod/env.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

// metadata.labels['key'] -> key; empty if `path` is not of that form.
std::string_view subscript(std::string_view path, std::string_view field) {
  if (!path.starts_with(field)) return {};
  path.remove_prefix(field.size());
  if (path.size() < 4 || !path.starts_with("['") || !path.ends_with("']")) return {};
  return path.substr(2, path.size() - 4);
}

std::string find_or_empty(const std::map<std::string, std::string, std::less<>>& map,
                          std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

using Data = std::map<std::string, std::string, std::less<>>;

Result<std::optional<std::string>> keyed(
    const std::function<Result<Data>(const std::string&)>& read, std::string_view what,
    const std::string& name, const std::string& key, bool optional, const std::string& ns) {
  auto data = read(name);
  if (!data) {
    if (data.error().code == 404 && optional) return std::nullopt;
    return std::unexpected(std::move(data.error()));
  }
  const auto found = data->find(key);
  if (found != data->end()) return found->second;
  if (optional) return std::nullopt;
  return errors::bad_request("couldn't find key " + key + " in " + std::string(what) + ' ' + ns +
                             '/' + name);
}

Result<void> add_from(const core::EnvFromSource& from, const EnvSources& sources,
                      Environment& out) {
  Result<Data> data = Data{};
  bool optional = false;
  if (from.config_map_ref) {
    data = sources.config_map(from.config_map_ref->name);
    optional = from.config_map_ref->optional.value_or(false);
  } else if (from.secret_ref) {
    data = sources.secret(from.secret_ref->name);
    optional = from.secret_ref->optional.value_or(false);
  }
  if (!data) {
    if (data.error().code == 404 && optional) return {};
    return std::unexpected(std::move(data.error()));
  }
  for (const auto& [key, value] : *data) {
    const std::string name = from.prefix + key;
    if (is_variable_name(name)) out[name] = value;
  }
  return {};
}

Result<std::optional<std::string>> from_source(const core::Pod& pod,
                                               const core::Container& container,
                                               const core::EnvVarSource& source,
                                               const PodFacts& facts, const EnvSources& sources) {
  const auto some = [](Result<std::string> value) -> Result<std::optional<std::string>> {
    if (!value) return std::unexpected(std::move(value.error()));
    return std::optional(std::move(*value));
  };
  if (source.field_ref) return some(field_value(pod, facts, source.field_ref->field_path));
  if (const auto& ref = source.resource_field_ref) {
    const auto* owner = &container;
    for (const auto& other : pod.spec.containers) {
      if (!ref->container_name.empty() && other.name == ref->container_name) owner = &other;
    }
    return some(resource_value(*owner, facts, ref->resource, ref->divisor));
  }
  const std::string& ns = pod.metadata.namespace_;
  if (const auto& ref = source.config_map_key_ref) {
    return keyed(sources.config_map, "ConfigMap", ref->name, ref->key,
                 ref->optional.value_or(false), ns);
  }
  if (const auto& ref = source.secret_key_ref) {
    return keyed(sources.secret, "Secret", ref->name, ref->key, ref->optional.value_or(false), ns);
  }
  return std::nullopt;
}

std::string variable_prefix(std::string_view name) {
  std::string out;
  for (const char c : name) {
    out += c == '-' || c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return out;
}

}  // namespace

std::string expand_variables(std::string_view text, const Environment& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 >= text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += '$';
      ++i;
    } else if (text[i + 1] == '(') {
      const std::size_t close = text.find(')', i);
      if (close == std::string_view::npos) {
        out += "$(";
        ++i;
        continue;
      }
      const auto found = variables.find(text.substr(i + 2, close - i - 2));
      if (found != variables.end())
        out += found->second;
      else
        out += text.substr(i, close - i + 1);
      i = close;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<std::string> field_value(const core::Pod& pod, const PodFacts& facts,
                                std::string_view path) {
  const auto& meta = pod.metadata;
  if (path == "metadata.name") return meta.name;
  if (path == "metadata.namespace") return meta.namespace_;
  if (path == "metadata.uid") return meta.uid;
  if (path == "spec.nodeName") return facts.node_name;
  if (path == "spec.serviceAccountName") return pod.spec.service_account_name;
  if (path == "status.hostIP" || path == "status.hostIPs") return facts.host_ip;
  if (path == "status.podIP") return facts.pod_ips.empty() ? std::string() : facts.pod_ips.front();
  if (path == "status.podIPs") return join(facts.pod_ips, ",");
  if (const auto key = subscript(path, "metadata.labels"); !key.empty()) {
    return find_or_empty(meta.labels, key);
  }
  if (const auto key = subscript(path, "metadata.annotations"); !key.empty()) {
    return find_or_empty(meta.annotations, key);
  }
  if (path == "metadata.labels" || path == "metadata.annotations") {
    std::string lines;
    for (const auto& [key, value] : path == "metadata.labels" ? meta.labels : meta.annotations) {
      std::string quoted;
      for (const char c : value) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (c == '\n')
          quoted += "\\n";
        else
          quoted += c;
      }
      lines += (lines.empty() ? "" : "\n") + key + "=\"" + quoted + '"';
    }
    return lines;
  }
  return errors::bad_request("unsupported fieldPath: " + std::string(path));
}

Result<std::string> resource_value(const core::Container& container, const PodFacts& facts,
                                   std::string_view resource, const api::Quantity& divisor) {
  const bool limit = resource.starts_with("limits.");
  if (!limit && !resource.starts_with("requests.")) {
    return errors::bad_request("unsupported resource: " + std::string(resource));
  }
  const std::string_view name = resource.substr(resource.find('.') + 1);
  const auto& list = limit ? container.resources.limits : container.resources.requests;
  const auto found = list.find(name);
  const bool is_cpu = name == "cpu";
  std::int64_t amount = 0;
  if (found != list.end())
    amount = is_cpu ? found->second.milli_value() : found->second.value();
  else if (limit && is_cpu)
    amount = facts.node_cpu_milli;
  else if (limit && name == "memory")
    amount = facts.node_memory_bytes;
  std::int64_t unit = is_cpu ? divisor.milli_value() : divisor.value();
  if (unit <= 0) unit = is_cpu ? 1000 : 1;
  return std::to_string((amount + unit - 1) / unit);
}

Result<Environment> make_environment(const core::Pod& pod, const core::Container& container,
                                     const PodFacts& facts, const EnvSources& sources,
                                     const Environment& services) {
  Environment out;
  for (const auto& from : container.env_from) {
    if (auto added = add_from(from, sources, out); !added) return std::unexpected(added.error());
  }
  Environment known = services;
  for (const auto& [name, value] : out) known[name] = value;
  for (const auto& variable : container.env) {
    std::string value = expand_variables(variable.value, known);
    if (variable.value_from) {
      auto found = from_source(pod, container, *variable.value_from, facts, sources);
      if (!found) return std::unexpected(std::move(found.error()));
      if (!*found) continue;
      value = std::move(**found);
    }
    known[variable.name] = value;
    out[variable.name] = std::move(value);
  }
  for (const auto& [name, value] : services) out.try_emplace(name, value);
  return out;
}

void add_service_variables(const core::Service& service, Environment& out) {
  const std::string& ip = service.spec.cluster_ip;
  if (ip.empty() || ip == "None" || service.spec.ports.empty()) return;
  const std::string prefix = variable_prefix(service.metadata.name);
  const auto& first = service.spec.ports.front();
  out[prefix + "_SERVICE_HOST"] = ip;
  out[prefix + "_SERVICE_PORT"] = std::to_string(first.port);
  for (const auto& port : service.spec.ports) {
    const std::string number = std::to_string(port.port);
    const std::string protocol = port.protocol.empty() ? "TCP" : port.protocol;
    const std::string lower = to_lower(protocol);
    if (!port.name.empty()) out[prefix + "_SERVICE_PORT_" + variable_prefix(port.name)] = number;
    const std::string url = lower + "://" + ip + ':' + number;
    const std::string base = prefix + "_PORT_" + number + '_' + protocol;
    out[base] = url;
    out[base + "_PROTO"] = lower;
    out[base + "_PORT"] = number;
    out[base + "_ADDR"] = ip;
    if (&port == &first) out[prefix + "_PORT"] = url;
  }
}

}  // namespace pinnace::kubelet

// Ingress backends, the topology of endpoints, and the subjects of role bindings.
#include "api/conversion_rules.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kBackendPaths[] = {"spec.defaultBackend",
                                              "spec.rules[].http.paths[].backend"};
constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
constexpr std::string_view kHostLabel = "kubernetes.io/hostname";
constexpr std::string_view kRbacAlpha = "rbac.authorization.k8s.io/v1alpha1";

// {"serviceName": n, "servicePort": p} becomes {"service": {"name": n, "port": {...}}}.
void backend_to_stored(Arena& arena, Value& backend) {
  const std::string_view name = backend.string_at("serviceName");
  const Value* port = backend.find("servicePort");
  const bool has_port =
      port != nullptr && (port->is_string() || backend.int_at("servicePort") != 0);
  if (name.empty() && !has_port) return;
  Value stored_port = Value::object();
  if (has_port) stored_port.add_ref(arena, port->is_string() ? "name" : "number", *port);
  Value service = Value::object();
  service.add_ref(arena, "name", Value::string_ref(name));
  service.add_ref(arena, "port", stored_port);
  backend.set_ref(arena, "service", service);
}

void backend_from_stored(Arena& arena, Value& backend) {
  const Value* service = backend.find("service");
  if (service == nullptr || !service->is_object()) return;
  const Value* name = service->find("name");
  if (name != nullptr) backend.set_ref(arena, "serviceName", *name);
  const Value* port = service->find("port");
  if (port == nullptr) return;
  if (!port->string_at("name").empty()) {
    backend.set_ref(arena, "servicePort", *port->find("name"));
  } else {
    backend.set_ref(arena, "servicePort", Value::integer(port->int_at("number")));
  }
}

void topology_to_stored(Arena& arena, Value& endpoint) {
  Value* topology = endpoint.find("deprecatedTopology");
  if (topology == nullptr || !topology->is_object()) return;
  if (const Value* zone = topology->find(kZoneLabel)) {
    endpoint.set_ref(arena, "zone", *zone);
    topology = endpoint.find("deprecatedTopology");
    topology->erase(kZoneLabel);
  }
  // A host name that says no more than nodeName comes back from there.
  const std::string_view host = topology->string_at(kHostLabel);
  if (!host.empty() && host == endpoint.string_at("nodeName")) topology->erase(kHostLabel);
}

void topology_from_stored(Arena& arena, Value& endpoint) {
  const Value* zone = endpoint.find("zone");
  const Value* node = endpoint.find("nodeName");
  const Value zone_name = zone == nullptr ? Value::null() : *zone;
  const Value node_name = node == nullptr ? Value::null() : *node;
  if (zone_name.is_null() && node_name.is_null()) return;
  Value& topology = endpoint.ensure_object(arena, "deprecatedTopology");
  if (!zone_name.is_null()) topology.set_ref(arena, kZoneLabel, zone_name);
  if (!node_name.is_null() && topology.find(kHostLabel) == nullptr) {
    topology.set_ref(arena, kHostLabel, node_name);
  }
}

}  // namespace

Result<void> ingress_to_stored(Arena& arena, Value& object) {
  for (const std::string_view path : kBackendPaths) {
    visit_path(object, path, [&](Value& backend) { backend_to_stored(arena, backend); });
  }
  return {};
}

Result<void> ingress_from_stored(Arena& arena, Value& object) {
  for (const std::string_view path : kBackendPaths) {
    visit_path(object, path, [&](Value& backend) { backend_from_stored(arena, backend); });
  }
  return {};
}

Result<void> endpoint_slice_to_stored(Arena& arena, Value& object) {
  visit_path(object, "endpoints[]", [&](Value& item) { topology_to_stored(arena, item); });
  return {};
}

Result<void> endpoint_slice_from_stored(Arena& arena, Value& object) {
  visit_path(object, "endpoints[]", [&](Value& item) { topology_from_stored(arena, item); });
  return {};
}

// v1alpha1 had the version of a subject where there is now its group.
Result<void> subjects_to_stored(Arena& arena, Value& object) {
  visit_path(object, "subjects[]", [&](Value& subject) {
    const std::string_view version = subject.string_at("apiVersion");
    const auto slash = version.find('/');
    const bool is_core = slash == std::string_view::npos;
    const std::string_view group = is_core ? "" : version.substr(0, slash);
    subject.set_ref(arena, "apiGroup", Value::string_ref(group));
  });
  return {};
}

Result<void> subjects_from_stored(Arena& arena, Value& object) {
  visit_path(object, "subjects[]", [&](Value& subject) {
    const bool is_account = subject.string_at("kind") == "ServiceAccount";
    subject.set_ref(arena, "apiVersion", Value::string_ref(is_account ? "v1" : kRbacAlpha));
  });
  return {};
}

}  // namespace pinnace::api

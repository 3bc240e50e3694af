// Claims of devices, classes of them, and what nodes have of them.
#include <algorithm>
#include <set>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxSelectors = 32, kMaxRequests = 32, kMaxSubRequests = 8;
constexpr std::size_t kMaxDevices = 128, kMaxAttributes = 32, kMaxTolerations = 16;
constexpr std::size_t kMaxExpressionBytes = 10 << 10, kMaxParameterBytes = 10 << 10,
                      kMaxIdentifierBytes = 32;
constexpr std::size_t kMaxPoolBytes = 253, kMaxStringBytes = 64;
using Texts = std::set<std::string, std::less<>>;

void validate_class_name(const Field& name) {
  if (name.require()) name.each(api::check_dns1123_subdomain(name.text()));
}

void validate_selectors(const Field& selectors) {
  if (selectors.size() > kMaxSelectors) selectors.too_many(kMaxSelectors);
  for (const Field& selector : selectors.items()) {
    const Field cel = selector["cel"];
    if (!cel.is_set()) {
      cel.required();
      continue;
    }
    const Field expression = cel["expression"];
    expression.require();
    if (expression.text().size() > kMaxExpressionBytes) expression.too_long(kMaxExpressionBytes);
  }
}

void validate_device_tolerations(const Field& tolerations) {
  if (tolerations.size() > kMaxTolerations) tolerations.too_many(kMaxTolerations);
  for (const Field& toleration : tolerations.items()) {
    const Field key = toleration["key"];
    const Field op = toleration["operator"];
    const Field value = toleration["value"];
    if (!key.empty()) key.each(api::check_qualified_name(key.text()));
    if (op.is("Exists")) {
      if (!value.empty()) value.invalid("must be empty for operator `Exists`");
    } else if (op.is("Equal")) {
      value.each(api::check_label_value(value.text()));
    } else if (op.require()) {
      op.not_supported({"Equal", "Exists"});
    }
    toleration["effect"].one_of({"NoExecute", "NoSchedule", "None"});
  }
}

// A request for devices of a class, alone or as one of several that would do.
void validate_exact_request(const Field& request) {
  const Field mode = request["allocationMode"];
  const Field count = request["count"];
  validate_class_name(request["deviceClassName"]);
  validate_selectors(request["selectors"]);
  if (!mode.is_among({"All", "ExactCount"})) {
    mode.not_supported({"All", "ExactCount"});
  } else if (mode.is("All") && count.number() != 0) {
    count.invalid("must not be specified when allocationMode is 'All'");
  } else if (mode.is("ExactCount") && count.number() <= 0) {
    count.invalid_value(std::to_string(count.number()), "must be greater than zero");
  }
  validate_device_tolerations(request["tolerations"]);
}

void validate_request_name(const Field& name, Texts& names) {
  if (!name.require()) return;
  name.each(api::check_dns1123_label(name.text()));
  if (!names.emplace(name.text()).second) name.duplicate();
}

void validate_request(const Field& request, Texts& names) {
  const Field exactly = request["exactly"];
  const Field options = request["firstAvailable"];
  validate_request_name(request["name"], names);
  if (options.size() > kMaxSubRequests) options.too_many(kMaxSubRequests);
  Texts own;
  for (const Field& option : options.items()) {
    validate_request_name(option["name"], own);
    validate_exact_request(option);
    names.insert(std::string(request["name"].text()) + "/" + std::string(option["name"].text()));
  }
  if (exactly.is_set()) validate_exact_request(exactly);
  if (!exactly.is_set() && options.empty()) {
    request.required("exactly one of `exactly` or `firstAvailable` is required");
  } else if (exactly.is_set() && !options.empty()) {
    request.invalid_value("null",
                          "exactly one of `exactly` or `firstAvailable` is required, but multiple "
                          "fields are set");
  }
}

// "domain/name"; the domain may be left out where a driver is known.
void validate_qualified(const Field& name, bool needs_domain) {
  const auto parts = split(name.text(), '/');
  if (!name.require()) return;
  if (parts.size() > 2 || (needs_domain && parts.size() < 2)) {
    return name.invalid(parts.size() > 2 ? "a qualified name must be <domain>/<identifier>"
                                         : "must include a domain");
  }
  if (parts.size() == 2) name.each(api::check_dns1123_subdomain(parts[0]));
  if (parts.back().size() > kMaxIdentifierBytes) name.too_long(kMaxIdentifierBytes);
  name.each(api::check_c_identifier(parts.back()));
}

// The name of a request, or of a request and one of the ways to satisfy it.
void validate_request_reference(const Field& request, const Texts& names) {
  const auto parts = split(request.text(), '/');
  if (parts.size() <= 2) {
    for (const std::string_view part : parts) request.each(api::check_dns1123_label(part));
  }
  if (names.contains(request.text())) return;
  request.invalid(
      "must be the name of a request in the claim or the name of a request and a subrequest "
      "separated by '/'");
}

// Requests that a constraint or configuration speaks of.
void validate_named_requests(const Field& requests, const Texts& names) {
  Texts seen;
  if (requests.size() > kMaxRequests) requests.too_many(kMaxRequests);
  for (const Field& request : requests.items()) {
    validate_request_reference(request, names);
    if (!seen.emplace(request.text()).second) request.duplicate();
  }
}

void validate_opaque(const Field& config) {
  const Field opaque = config["opaque"];
  if (!opaque.is_set()) return opaque.required();
  validate_csi_driver_name(opaque["driver"]);
  const Field parameters = opaque["parameters"];
  if (!parameters.is_set()) {
    parameters.required();
  } else if (parameters.shown().size() > kMaxParameterBytes) {
    parameters.too_long(kMaxParameterBytes);
  } else if (!parameters.value()->is_object()) {
    parameters.invalid_value("\"<value omitted>\"", "must be a valid JSON object");
  }
}

void validate_claim_devices(const Field& devices) {
  const Field requests = devices["requests"];
  Texts names;
  if (requests.size() > kMaxRequests) requests.too_many(kMaxRequests);
  for (const Field& request : requests.items()) validate_request(request, names);
  const Field constraints = devices["constraints"];
  const Field configs = devices["config"];
  if (constraints.size() > kMaxRequests) constraints.too_many(kMaxRequests);
  for (const Field& constraint : constraints.items()) {
    validate_named_requests(constraint["requests"], names);
    const Field match = constraint["matchAttribute"];
    const Field distinct = constraint["distinctAttribute"];
    if (match.is_set()) {
      validate_qualified(match, true);
    } else if (distinct.is_set()) {
      validate_qualified(distinct, true);
    } else {
      constraint.required(
          "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple "
          "fields are set");
    }
  }
  if (configs.size() > kMaxRequests) configs.too_many(kMaxRequests);
  for (const Field& config : configs.items()) {
    validate_named_requests(config["requests"], names);
    validate_opaque(config);
  }
}

void validate_claim(Change& change, const api::Value& object) {
  validate_claim_devices(root(change, object)["spec"]["devices"]);
}

void keep_spec(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  if (!spec.same_as(old.find("spec"))) spec.invalid("field is immutable");
}

void validate_pool_name(const Field& name) {
  if (!name.require()) return;
  if (name.text().size() > kMaxPoolBytes) name.too_long(kMaxPoolBytes);
  for (const std::string_view part : split(name.text(), '/')) {
    name.each(api::check_dns1123_subdomain(part));
  }
}

Texts names_of_requests(const api::Value& claim) {
  Texts names;
  const auto* requests = claim.find_path({"spec", "devices", "requests"});
  if (requests == nullptr || !requests->is_array()) return names;
  for (const api::Value& request : requests->items()) {
    const std::string name(request.string_at("name"));
    names.insert(name);
    const auto* options = request.find("firstAvailable");
    if (options == nullptr || !options->is_array()) continue;
    for (const api::Value& option : options->items()) {
      names.insert(name + "/" + std::string(option.string_at("name")));
    }
  }
  return names;
}

// What was found for a claim.
void validate_allocation(const Field& allocation, const Texts& names) {
  const Field results = allocation["devices"]["results"];
  const Field configs = allocation["devices"]["config"];
  if (results.size() > kMaxRequests) results.too_many(kMaxRequests);
  for (const Field& result : results.items()) {
    validate_request_reference(result["request"], names);
    validate_csi_driver_name(result["driver"]);
    validate_pool_name(result["pool"]);
    result["device"].each(api::check_dns1123_label(result["device"].text()));
  }
  if (configs.size() > 2 * kMaxRequests) configs.too_many(2 * kMaxRequests);
  for (const Field& config : configs.items()) {
    if (config["source"].require()) config["source"].one_of({"FromClaim", "FromClass"});
    validate_named_requests(config["requests"], names);
    validate_opaque(config);
  }
  if (allocation["nodeSelector"].is_set()) validate_node_selector(allocation["nodeSelector"]);
}

bool has_new_consumers(const Field& consumers, const api::Value& old) {
  const auto* before = old.find_path({"status", "reservedFor"});
  Texts known;
  if (before != nullptr && before->is_array()) {
    for (const api::Value& one : before->items()) known.emplace(api::to_json_text(one));
  }
  const auto items = consumers.items();
  return std::any_of(items.begin(), items.end(), [&](const Field& one) {
    return !known.contains(api::to_json_text(*one.value()));
  });
}

void validate_claim_status(Change& change, const api::Value& object, const api::Value& old) {
  constexpr std::size_t kMaxConsumers = 256;
  const Field status = root(change, object)["status"];
  const Field consumers = status["reservedFor"];
  const Field allocation = status["allocation"];
  const auto* before = old.find_path({"status", "allocation"});
  Texts uids;
  if (consumers.size() > kMaxConsumers) consumers.too_many(kMaxConsumers);
  for (const Field& consumer : consumers.items()) {
    for (const char* key : {"resource", "name", "uid"}) consumer[key].require();
    if (!uids.emplace(consumer["uid"].text()).second) consumer["uid"].duplicate();
  }
  if (!consumers.empty() && !allocation.is_set()) {
    consumers.forbidden("may not be specified when `allocated` is not set");
  } else if (is_being_deleted(object) && has_new_consumers(consumers, old)) {
    consumers.forbidden(
        "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are "
        "set");
  }
  if (!allocation.is_set()) return;
  if (before == nullptr) return validate_allocation(allocation, names_of_requests(object));
  if (!allocation.same_as(before)) allocation.invalid("field is immutable");
}

void validate_claim_template(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_annotation_keys(spec["metadata"]["annotations"]);
  validate_label_map(spec["metadata"]["labels"]);
  validate_claim_devices(spec["spec"]["devices"]);
}

void validate_device_class(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_selectors(spec["selectors"]);
  if (spec["config"].size() > kMaxRequests) spec["config"].too_many(kMaxRequests);
  for (const Field& config : spec["config"].items()) validate_opaque(config);
  const Field extended = spec["extendedResourceName"];
  if (!extended.is_set()) return;
  const bool is_extended = extended.text().find('/') != std::string_view::npos &&
                           extended.text().find("kubernetes.io/") == std::string_view::npos &&
                           api::check_qualified_name(extended.text()).empty();
  if (!is_extended) extended.invalid("must be a valid extended resource name");
}

// -- ResourceSlice

void validate_taint(const Field& taint) {
  const Field key = taint["key"];
  if (key.require()) key.each(api::check_qualified_name(key.text()));
  if (!taint["value"].empty()) taint["value"].each(api::check_label_value(taint["value"].text()));
  const Field effect = taint["effect"];
  if (effect.require()) effect.one_of({"NoExecute", "NoSchedule", "None"});
}

void validate_attributes(const Field& device) {
  const Field attributes = device["attributes"];
  const Field capacity = device["capacity"];
  if (attributes.size() + capacity.size() > kMaxAttributes) {
    device.invalid_value(std::to_string(attributes.size() + capacity.size()),
                         "the total number of attributes and capacities must not exceed 32");
  }
  for (const auto& [name, attribute] : attributes.entries()) {
    const api::Value key = api::Value::string_ref(name);
    validate_qualified(attribute.with(&key), false);
    std::size_t count = 0;
    for (const char* kind : {"int", "bool", "string", "version"}) {
      if (attribute[kind].is_set()) ++count;
    }
    if (count != 1) attribute.invalid("exactly one value must be specified");
    for (const char* kind : {"string", "version"}) {
      if (attribute[kind].text().size() > kMaxStringBytes) {
        attribute[kind].too_long(kMaxStringBytes);
      }
    }
  }
}

// Exactly one way to say on which nodes something is.
void validate_node_choice(const Field& spec) {
  std::string chosen;
  const auto choose = [&](const char* member) {
    chosen.append(chosen.empty() ? "`" : ", `").append(member).append("`");
  };
  const Field node = spec["nodeName"];
  if (node.is_set() && node.empty()) {
    node.invalid("must be either unset or set to a non-empty string");
  } else if (node.is_set()) {
    choose("nodeName");
    node.each(api::check_dns1123_subdomain(node.text()));
  }
  if (spec["nodeSelector"].is_set()) {
    choose("nodeSelector");
    validate_node_selector(spec["nodeSelector"]);
    if (spec["nodeSelector"]["nodeSelectorTerms"].size() != 1) {
      spec["nodeSelector"]["nodeSelectorTerms"].invalid("must have exactly one node selector term");
    }
  }
  for (const char* member : {"allNodes", "perDeviceNodeSelection"}) {
    const Field flag = spec[member];
    if (!flag.is_set()) continue;
    if (flag.flag())
      choose(member);
    else
      flag.invalid("must be either unset or set to true");
  }
  if (chosen.empty()) {
    spec.required(
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` "
        "is required");
  } else if (chosen.find(',') != std::string::npos) {
    spec.invalid_value(
        quoted("{" + chosen + "}"),
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` "
        "is required, but multiple fields are set");
  }
}

void validate_slice(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field pool = spec["pool"];
  const Field name = pool["name"];
  validate_csi_driver_name(spec["driver"]);
  validate_pool_name(name);
  if (pool["resourceSliceCount"].number() <= 0) {
    pool["resourceSliceCount"].invalid("must be greater than zero");
  }
  if (pool["generation"].number() < 0) {
    pool["generation"].invalid("must be greater than or equal to zero");
  }
  validate_node_choice(spec);
  const Field devices = spec["devices"];
  Texts names;
  if (devices.size() > kMaxDevices) devices.too_many(kMaxDevices);
  for (const Field& device : devices.items()) {
    validate_request_name(device["name"], names);
    validate_attributes(device);
    for (const Field& taint : device["taints"].items()) validate_taint(taint);
    if (spec["perDeviceNodeSelection"].flag()) validate_node_choice(device);
  }
}

void keep_slice(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  const auto keep = [](const Field& field, const api::Value* was) {
    if (!field.same_as(was)) field.invalid("field is immutable");
  };
  for (const char* key : {"driver", "nodeName"}) keep(spec[key], old.find_path({"spec", key}));
  keep(spec["pool"]["name"], old.find_path({"spec", "pool", "name"}));
}

void validate_taint_rule(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field selector = spec["deviceSelector"];
  if (!selector["driver"].empty()) validate_csi_driver_name(selector["driver"]);
  if (!selector["device"].empty()) {
    selector["device"].each(api::check_dns1123_label(selector["device"].text()));
  }
  validate_taint(spec["taint"]);
}

}  // namespace

const Strategy kResourceClaimStrategy{
    .storage_resource = "resource.k8s.io/resourceclaims",
    .validate = validate_claim,
    .validate_update = keep_spec,
    .validate_status = validate_claim_status,
};
const Strategy kResourceClaimTemplateStrategy{
    .storage_resource = "resource.k8s.io/resourceclaimtemplates",
    .validate = validate_claim_template,
    .validate_update = keep_spec,
};
const Strategy kDeviceClassStrategy{
    .storage_resource = "resource.k8s.io/deviceclasses",
    .has_generation = true,
    .validate = validate_device_class,
};
const Strategy kResourceSliceStrategy{
    .storage_resource = "resource.k8s.io/resourceslices",
    .has_generation = true,
    .validate = validate_slice,
    .validate_update = keep_slice,
};
const Strategy kDeviceTaintRuleStrategy{
    .storage_resource = "resource.k8s.io/devicetaintrules",
    .validate = validate_taint_rule,
};

}  // namespace pinnace::apiserver

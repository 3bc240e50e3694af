// Claims of devices, templates and classes of them.
#include "apiserver/strategies/devices.h"

#include <algorithm>
#include <optional>

#include "api/addresses.h"
#include "api/json.h"
#include "apiserver/backend.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/strings.h"
#include "cel/device.h"

namespace pinnace::apiserver {

void validate_pool_name(const Field& name) {
  constexpr std::size_t kMaxBytes = 253;
  if (!name.require()) return;
  if (name.text().size() > kMaxBytes) name.too_long(kMaxBytes);
  for (const std::string_view part : split(name.text(), '/')) {
    const api::Value shown = api::Value::string_ref(part);
    name.with(&shown).each(api::check_dns1123_subdomain(part));
  }
}

namespace {

void validate_identifier(const Field& place, std::string_view name) {
  constexpr std::size_t kMaxBytes = 32;
  const api::Value shown = api::Value::string_ref(name);
  if (name.size() > kMaxBytes) place.too_long(kMaxBytes);
  place.with(&shown).each(api::check_c_identifier(name));
}

}  // namespace

void validate_device_name(const Field& place, std::string_view name) {
  const auto parts = split(name, '/');
  // Kubernetes takes any name with more slashes than one.
  if (parts.size() > 2) return;
  if (parts.size() == 1) return validate_identifier(place, parts[0]);
  if (parts[0].empty()) {
    place.invalid_value("\"\"", "the domain must not be empty");
  } else {
    const api::Value domain = api::Value::string_ref(parts[0]);
    validate_csi_driver_name(place.with(&domain));
  }
  if (parts[1].empty()) {
    place.invalid_value("\"\"", "the name must not be empty");
  } else {
    validate_identifier(place, parts[1]);
  }
}

void validate_device_effect(const Field& effect) {
  effect.one_of({"NoExecute", "NoSchedule", "None"});
}

void validate_binding_conditions(const Field& owner) {
  constexpr std::size_t kMaxConditions = 4;
  const Field wanted = owner["bindingConditions"];
  const Field failures = owner["bindingFailureConditions"];
  for (const Field& list : {wanted, failures}) {
    validate_list(list, kMaxConditions,
                  [](const Field& type) { type.each(api::check_qualified_name(type.text())); });
  }
  std::set<std::string_view> types, failure_types;
  for (const Field& type : wanted.items()) {
    if (!types.insert(type.text()).second) type.duplicate();
  }
  for (const Field& type : failures.items()) {
    if (!failure_types.insert(type.text()).second) type.duplicate();
    if (types.contains(type.text())) {
      type.invalid("bindingFailureConditions must not overlap with bindingConditions");
    }
  }
  if (wanted.empty() && !failures.empty()) {
    wanted.invalid("bindingConditions are required to use bindingFailureConditions");
  }
  if (failures.empty() && !wanted.empty()) {
    failures.invalid("bindingFailureConditions are required to use bindingConditions");
  }
}

namespace {

constexpr std::size_t kMaxRequests = 32;
constexpr std::size_t kMaxRawBytes = 10 << 10;
using Texts = std::set<std::string, std::less<>>;

// `known`: they were there before, and so must have been right.
void validate_selectors(const Field& selectors, bool known) {
  constexpr std::size_t kMaxSelectors = 32, kMaxExpressionBytes = 10 << 10;
  validate_list(selectors, kMaxSelectors, [&](const Field& selector) {
    const Field expression = selector["cel"]["expression"];
    if (!selector["cel"].is_set()) return selector["cel"].required();
    if (known) return;
    if (expression.text().size() > kMaxExpressionBytes) {
      return expression.too_long(kMaxExpressionBytes);
    }
    const auto program = cel::device_environment().compile(expression.text());
    const std::string shown = expression.is_set() ? expression.shown() : "\"\"";
    if (!program) {
      expression.invalid_value(shown, cel::compile_failure(program.error()));
    } else if (!cel::selects_devices(program->result_type())) {
      expression.invalid_value(shown, "must evaluate to bool or the unknown type, not " +
                                          cel::to_text(program->result_type()));
    } else if (program->cost_estimate().max > cel::kDeviceCostLimit) {
      expression.forbidden("too complex, exceeds cost limit");
    }
  });
}

void validate_toleration(const Field& toleration) {
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
  validate_device_effect(toleration["effect"]);
}

// A request for devices of a class, alone or as one of several that would do.
void validate_exact_request(const Field& request) {
  constexpr std::size_t kMaxTolerations = 16;
  const Field class_name = request["deviceClassName"];
  const Field mode = request["allocationMode"];
  const Field count = request["count"];
  if (class_name.require()) class_name.each(api::check_dns1123_subdomain(class_name.text()));
  validate_selectors(request["selectors"], false);
  if (!mode.is_among({"All", "ExactCount"})) {
    mode.not_supported({"All", "ExactCount"});
  } else if (mode.is("All") && count.number() != 0) {
    count.invalid("must not be specified when allocationMode is 'All'");
  } else if (mode.is("ExactCount") && count.number() <= 0) {
    count.invalid_value(std::to_string(count.number()), "must be greater than zero");
  }
  validate_list(request["tolerations"], kMaxTolerations, validate_toleration);
}

void validate_label(const Field& name) { name.each(api::check_dns1123_label(name.text())); }

void validate_request(const Field& request) {
  constexpr std::size_t kMaxSubRequests = 8;
  const Field exactly = request["exactly"];
  const Field options = request["firstAvailable"];
  validate_label(request["name"]);
  if (!exactly.is_set() && options.empty()) {
    request.required("exactly one of `exactly` or `firstAvailable` is required");
  } else if (exactly.is_set() && !options.empty()) {
    request.invalid_value("null",
                          "exactly one of `exactly` or `firstAvailable` is required, but multiple "
                          "fields are set");
  } else if (exactly.is_set()) {
    validate_exact_request(exactly);
  } else {
    const auto check = [](const Field& option) {
      validate_label(option["name"]);
      validate_exact_request(option);
    };
    validate_set(options, kMaxSubRequests, check, own_name);
  }
}

// "request", and "request/option" where there are several ways to satisfy one.
Texts names_of_requests(const Field& requests) {
  Texts names;
  for (const Field& request : requests.items()) {
    const std::string name(request["name"].text());
    names.insert(name);
    for (const Field& option : request["firstAvailable"].items()) {
      names.insert(name + "/" + std::string(option["name"].text()));
    }
  }
  return names;
}

void validate_request_reference(const Field& request, const Texts& names) {
  const auto parts = split(request.text(), '/');
  if (parts.size() <= 2) {
    for (const std::string_view part : parts) {
      const api::Value shown = api::Value::string_ref(part);
      request.with(&shown).each(api::check_dns1123_label(part));
    }
    if (names.contains(request.text())) return;
  }
  request.invalid(
      "must be the name of a request in the claim or the name of a request and a subrequest "
      "separated by '/'");
}

// Requests that a constraint or configuration speaks of.
void validate_named_requests(const Field& requests, const Texts& names) {
  validate_set(
      requests, kMaxRequests,
      [&](const Field& request) { validate_request_reference(request, names); }, own_text);
}

// An object of anybody's kind. What is there may be larger.
void validate_raw(const Field& raw, bool known) {
  if (!raw.is_set()) {
    raw.required();
  } else if (!known && api::to_json_text(*raw.value()).size() > kMaxRawBytes) {
    raw.too_long(kMaxRawBytes);
  } else if (!raw.value()->is_object()) {
    raw.invalid_value("\"<value omitted>\"", "must be a valid JSON object");
  }
}

void validate_opaque(const Field& config, bool known) {
  const Field opaque = config["opaque"];
  if (!opaque.is_set()) return opaque.required();
  validate_csi_driver_name(opaque["driver"]);
  validate_raw(opaque["parameters"], known);
}

void validate_attribute_name(const Field& name) {
  validate_device_name(name, name.text());
  if (name.text().find('/') == std::string_view::npos) {
    name.invalid("a fully qualified name must be a domain and a name separated by a slash");
  }
}

void validate_constraint(const Field& constraint, const Texts& names) {
  const Field match = constraint["matchAttribute"];
  const Field distinct = constraint["distinctAttribute"];
  validate_named_requests(constraint["requests"], names);
  if (match.is_set()) {
    validate_attribute_name(match);
  } else if (distinct.is_set()) {
    validate_attribute_name(distinct);
  } else {
    match.required();
  }
}

void validate_claim_devices(const Field& devices) {
  const Texts names = names_of_requests(devices["requests"]);
  validate_set(devices["requests"], kMaxRequests, validate_request, own_name);
  validate_list(devices["constraints"], kMaxRequests,
                [&](const Field& constraint) { validate_constraint(constraint, names); });
  validate_list(devices["config"], kMaxRequests, [&](const Field& config) {
    validate_named_requests(config["requests"], names);
    validate_opaque(config, false);
  });
}

// Devices that others use are given only in namespaces that say so.
void require_admin_label(Change& change, const Field& place) {
  constexpr std::string_view kLabel = "resource.kubernetes.io/admin-access";
  const auto found = change.backend.store().get({"namespaces", "", change.ns});
  api::Arena arena;
  const auto parsed = found ? parse_stored(arena, **found)
                            : Result<api::Value>(errors::not_found("namespaces", ""));
  const auto* labels = parsed ? parsed->find_path({"metadata", "labels"}) : nullptr;
  if (labels != nullptr && labels->string_at(kLabel) == "true") return;
  place.forbidden("admin access to devices requires the `" + std::string(kLabel) +
                  ": true` label on the containing namespace");
}

void validate_admin_access(Change& change, const api::Value& object, const Field& requests) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!requests.at(i)["exactly"]["adminAccess"].flag()) continue;
    // Templates are complained about as if they were claims, and both without `exactly`.
    const Field place = root(change, object)["spec"]["devices"]["requests"].at(i)["adminAccess"];
    return require_admin_label(change, place);
  }
}

void validate_claim(Change& change, const api::Value& object) {
  // Nothing of it can have changed since it was right.
  if (change.old != nullptr) return;
  const Field devices = root(change, object)["spec"]["devices"];
  validate_admin_access(change, object, devices["requests"]);
  validate_claim_devices(devices);
}

void keep_spec(Change& change, const api::Value& object, const api::Value& old,
               std::string_view type) {
  const Field spec = root(change, object)["spec"];
  if (spec.same_as(old.find("spec"))) return;
  spec.invalid_value(internal_form(spec, "resource.k8s.io", type), "field is immutable");
}
void keep_claim(Change& change, const api::Value& object, const api::Value& old) {
  keep_spec(change, object, old, "ResourceClaimSpec");
}
void keep_claim_template(Change& change, const api::Value& object, const api::Value& old) {
  keep_spec(change, object, old, "ResourceClaimTemplateSpec");
}

// -- What was found for a claim

void validate_share(const Field& share) {
  constexpr std::size_t kBytes = 36, kBracketed = 38, kBare = 32, kWithPrefix = 45;
  if (!share.is_set()) return;
  std::string_view text = share.text();
  const auto wrong = [&](const std::string& what) {
    share.invalid_value(quoted(share.text()), "error validating uid: " + what);
  };
  switch (text.size()) {
    case kBytes:
    case kBare:
      break;
    case kWithPrefix:
      if (to_lower(text.substr(0, 9)) != "urn:uuid:") {
        return wrong("invalid urn prefix: " + quoted(text.substr(0, 9)));
      }
      text.remove_prefix(9);
      break;
    case kBracketed:
      if (!text.starts_with('{') || !text.ends_with('}')) {
        return wrong("invalid bracketed UUID format");
      }
      text = text.substr(1, kBytes);
      break;
    default:
      return wrong("invalid UUID length: " + std::to_string(text.size()));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_hyphen = text.size() == kBytes && (i == 8 || i == 13 || i == 18 || i == 23);
    const bool is_hex =
        std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (is_hyphen ? text[i] != '-' : !is_hex) return wrong("invalid UUID format");
  }
  if (share.text().size() == kBytes && to_lower(share.text()) == share.text()) return;
  share.invalid_value(quoted(share.text()),
                      "uid must be in RFC 4122 normalized form, "
                      "`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal "
                      "characters");
}

void validate_result(const Field& result, const Texts& names) {
  validate_request_reference(result["request"], names);
  validate_csi_driver_name(result["driver"]);
  validate_pool_name(result["pool"]);
  validate_label(result["device"]);
  validate_binding_conditions(result);
  for (const Field& toleration : result["tolerations"].items()) validate_toleration(toleration);
  validate_share(result["shareID"]);
}

void validate_allocation(const Field& allocation, const Texts& names) {
  const Field devices = allocation["devices"];
  validate_list(devices["results"], kMaxRequests,
                [&](const Field& result) { validate_result(result, names); });
  validate_list(devices["config"], 2 * kMaxRequests, [&](const Field& config) {
    if (config["source"].require()) config["source"].one_of({"FromClaim", "FromClass"});
    validate_named_requests(config["requests"], names);
    validate_opaque(config, false);
  });
  if (allocation["nodeSelector"].is_set()) validate_node_selector(allocation["nodeSelector"]);
}

// A device, or a share of one, that a result or a status speaks of.
std::string device_id(const Field& device) {
  std::string id = "{\"Driver\":" + json_quoted(device["driver"].text());
  id += ",\"Pool\":" + json_quoted(device["pool"].text());
  id += ",\"Device\":" + json_quoted(device["device"].text());
  return id + ",\"ShareID\":" + json_quoted(device["shareID"].text()) + "}";
}

Texts allocated_devices(const Field& claim) {
  Texts ids;
  for (const Field& result : claim["status"]["allocation"]["devices"]["results"].items()) {
    ids.insert(device_id(result));
  }
  return ids;
}

void validate_interface_address(const Field& address) {
  const auto range = api::parse_range(address.text());
  if (!range) {
    return address.invalid(
        "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)");
  }
  const std::string canonical = range->address.text() + "/" + std::to_string(range->prefix_bits);
  if (address.text() != canonical) {
    address.invalid("must be in canonical form (" + quoted(canonical) + ")");
  }
}

void validate_network_data(const Field& data) {
  constexpr std::size_t kMaxNameBytes = 256, kMaxHardwareBytes = 128, kMaxAddresses = 16;
  const Field name = data["interfaceName"];
  const Field hardware = data["hardwareAddress"];
  if (name.text().size() > kMaxNameBytes) name.too_long(kMaxNameBytes);
  if (hardware.text().size() > kMaxHardwareBytes) hardware.too_long(kMaxHardwareBytes);
  validate_set(data["ips"], kMaxAddresses, validate_interface_address, own_text);
}

void validate_device_status(const Field& device, const Texts& allocated) {
  constexpr std::size_t kMaxConditions = 8;
  const Field conditions = device["conditions"];
  validate_csi_driver_name(device["driver"]);
  validate_pool_name(device["pool"]);
  validate_label(device["device"]);
  validate_share(device["shareID"]);
  const std::string id = device_id(device);
  if (!allocated.contains(id)) {
    device.invalid_value(id, "must be an allocated device in the claim");
  }
  if (conditions.size() > kMaxConditions) conditions.too_many(kMaxConditions);
  validate_conditions(conditions);
  if (device["data"].is_set()) validate_raw(device["data"], false);
  validate_network_data(device["networkData"]);
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

void validate_consumers(const Field& consumers) {
  constexpr std::size_t kMaxConsumers = 256;
  const auto check = [](const Field& consumer) {
    for (const char* key : {"resource", "name", "uid"}) consumer[key].require();
  };
  validate_set(consumers, kMaxConsumers, check,
               [](const Field& consumer) { return quoted(consumer["uid"].text()); });
}

// Of results, in which admin access cannot be granted later.
std::optional<Field> first_with_admin_access(const Field& claim) {
  for (const Field& result : claim["status"]["allocation"]["devices"]["results"].items()) {
    if (result["adminAccess"].flag()) return result["adminAccess"];
  }
  return std::nullopt;
}

void validate_claim_status(Change& change, const api::Value& object, const api::Value& old) {
  const Field claim = root(change, object);
  const Field consumers = claim["status"]["reservedFor"];
  const Field allocation = claim["status"]["allocation"];
  const Field before = root(change, old)["status"]["allocation"];
  const auto granted = first_with_admin_access(claim);
  if (granted && !first_with_admin_access(root(change, old))) {
    require_admin_label(change, *granted);
  }
  validate_consumers(consumers);
  const Texts allocated = allocated_devices(claim);
  validate_set(
      claim["status"]["devices"], kAnyNumber,
      [&](const Field& device) { validate_device_status(device, allocated); }, device_id);
  if (!consumers.empty() && !allocation.is_set()) {
    consumers.forbidden("may not be specified when `allocated` is not set");
  } else if (is_being_deleted(object) && has_new_consumers(consumers, old)) {
    consumers.forbidden(
        "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are "
        "set");
  }
  if (!allocation.is_set()) return;
  if (!before.is_set()) {
    validate_allocation(allocation, names_of_requests(claim["spec"]["devices"]["requests"]));
  } else if (!allocation.same_as(before.value())) {
    allocation.invalid_value(internal_form(allocation, "resource.k8s.io", "AllocationResult"),
                             "field is immutable");
  }
}

// What drivers said of devices that the claim has no longer goes with them.
Result<void> drop_freed_devices(Change& change, api::Value& object, const api::Value& old) {
  api::Value* devices = object.find_path({"status", "devices"});
  if (change.subresource != "status" || devices == nullptr || !devices->is_array()) return {};
  Texts freed = allocated_devices(root(change, old));
  for (const std::string& id : allocated_devices(root(change, object))) freed.erase(id);
  if (freed.empty()) return {};
  api::Value kept = api::Value::array();
  for (const Field& device : root(change, object)["status"]["devices"].items()) {
    if (!freed.contains(device_id(device))) kept.append(change.arena, *device.value());
  }
  if (kept.empty()) {
    object.find("status")->erase("devices");
  } else {
    *devices = kept;
  }
  return {};
}

void validate_claim_template(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field devices = spec["spec"]["devices"];
  if (change.old == nullptr) validate_admin_access(change, object, devices["requests"]);
  validate_template_metadata(spec["metadata"]);
  validate_claim_devices(devices);
}

void validate_device_class(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const auto is_known = [&](const char* member) {
    return change.old != nullptr && spec[member].same_as(change.old->find_path({"spec", member}));
  };
  validate_selectors(spec["selectors"], is_known("selectors"));
  const bool knows_config = is_known("config");
  validate_list(spec["config"], kMaxRequests,
                [&](const Field& config) { validate_opaque(config, knows_config); });
  const Field extended = spec["extendedResourceName"];
  if (extended.is_set() && !is_extended_resource(extended.text())) {
    extended.invalid("must be a valid extended resource name");
  }
}

}  // namespace

const Strategy kResourceClaimStrategy{
    .storage_resource = "resource.k8s.io/resourceclaims",
    .prepare_update = drop_freed_devices,
    .validate = validate_claim,
    .validate_update = keep_claim,
    .validate_status = validate_claim_status,
};
const Strategy kResourceClaimTemplateStrategy{
    .storage_resource = "resource.k8s.io/resourceclaimtemplates",
    .returns_deleted = true,
    .validate = validate_claim_template,
    .validate_update = keep_claim_template,
};
const Strategy kDeviceClassStrategy{
    .storage_resource = "resource.k8s.io/deviceclasses",
    .has_generation = true,
    .returns_deleted = true,
    .validate = validate_device_class,
};

}  // namespace pinnace::apiserver

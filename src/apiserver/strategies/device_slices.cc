// What nodes have of devices, and what keeps claims away from them.
#include <algorithm>
#include <unordered_map>

#include "apiserver/backend.h"
#include "apiserver/strategies/devices.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/volume_sources.h"
#include "base/clock.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxTextBytes = 64;

// -- Taints

void validate_taint(const Field& taint, const api::Value* known_effect) {
  const Field key = taint["key"];
  const Field value = taint["value"];
  const Field effect = taint["effect"];
  key.each(api::check_qualified_name(key.text()));
  if (!value.empty()) value.each(api::check_label_value(value.text()));
  if (known_effect != nullptr && effect.same_as(known_effect)) return;
  if (effect.require()) validate_device_effect(effect);
}

// A taint that does not say so was added now.
void set_time_added(Change& change, api::Value& taint) {
  const api::Value* time = taint.find("timeAdded");
  if (!taint.is_object() || (time != nullptr && !time->is_null())) return;
  taint.set_ref(change.arena, "timeAdded", change.text(rfc3339(change.backend.now())));
}

// -- Names and values

// "1.2.3-alpha.1+build"
bool is_version(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_number = [&](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit) &&
           (part.size() == 1 || part[0] != '0');
  };
  const auto is_identifier = [&](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [&](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
  };
  const auto is_release = [&](std::string_view part) {
    return is_identifier(part) &&
           (is_number(part) || !std::all_of(part.begin(), part.end(), is_digit));
  };
  const auto all = [](std::string_view parts, const auto& holds) {
    const auto list = split(parts, '.');
    return std::all_of(list.begin(), list.end(), holds);
  };
  const auto plus = text.find('+');
  if (plus != std::string_view::npos && !all(text.substr(plus + 1), is_identifier)) return false;
  text = text.substr(0, plus);
  const auto minus = text.find('-');
  if (minus != std::string_view::npos && !all(text.substr(minus + 1), is_release)) return false;
  const std::string_view numbers = text.substr(0, minus);
  return std::count(numbers.begin(), numbers.end(), '.') == 2 && all(numbers, is_number);
}

void validate_text(const Field& text) {
  if (text.text().size() > kMaxTextBytes) text.too_long(kMaxTextBytes);
}
void validate_version(const Field& version) {
  if (!is_version(version.text())) {
    version.invalid("must be a string compatible with semver.org spec 2.0.0");
  }
  validate_text(version);
}

// What an attribute may be, with the name that Go gives it.
struct AttributeKind {
  const char* name;
  const char* go_name;
  void (*check)(const Field&);
};
constexpr AttributeKind kAttributeKinds[] = {
    {"int", "IntValue", nullptr},
    {"bool", "BoolValue", nullptr},
    {"string", "StringValue", validate_text},
    {"version", "VersionValue", validate_version},
};

std::string shown_attribute(const Field& attribute) {
  std::string text;
  for (const AttributeKind& kind : kAttributeKinds) {
    const Field value = attribute[kind.name];
    text += (text.empty() ? "{\"" : ",\"") + std::string(kind.go_name) + "\":" + value.shown();
  }
  return text + "}";
}

void validate_attribute(const Field& attribute) {
  std::size_t count = 0;
  for (const AttributeKind& kind : kAttributeKinds) {
    const Field value = attribute[kind.name];
    if (!value.is_set()) continue;
    ++count;
    if (kind.check != nullptr) kind.check(value);
  }
  if (count == 1) return;
  attribute.invalid_value(count == 0 ? "\"\"" : shown_attribute(attribute),
                          "exactly one value must be specified");
}

// A long key stands in paths without its middle.
std::string shortened(std::string_view key, std::size_t max_bytes) {
  constexpr std::string_view kGap = "...";
  if (key.size() <= max_bytes) return std::string(key);
  const std::size_t left = max_bytes - kGap.size();
  return std::string(key.substr(0, (left + 1) / 2)) + std::string(kGap) +
         std::string(key.substr(key.size() - left / 2));
}

template <typename Check>
void validate_by_name(const Field& map, Check check) {
  constexpr std::size_t kMaxKeyBytes = 63 + 1 + 32;
  for (const auto& [name, entry] : map.entries()) {
    const Field place = map.at_key(shortened(name, kMaxKeyBytes)).with(entry.value());
    validate_device_name(place, name);
    check(place);
  }
}

// -- Capacity

// Whether `value` is some steps away from `start`, in whole units.
bool is_on_step(const api::Quantity& value, const api::Quantity& start, const api::Quantity& step) {
  const auto distance = static_cast<std::int64_t>(static_cast<std::uint64_t>(value.value()) -
                                                  static_cast<std::uint64_t>(start.value()));
  return distance % step.value() == 0;
}

void complain(const Field& place, const api::Quantity& amount, std::string_view detail,
              const api::Quantity& bound) {
  place.invalid_value(quoted(amount.format()), std::string(detail) + bound.format());
}

void validate_range(const Field& range, const api::Quantity& preset,
                    const api::Quantity& capacity) {
  const auto min = range["min"].amount();
  const auto max = range["max"].amount();
  const auto step = range["step"].amount();
  if (!min) return range["min"].required("required when validRange is defined");
  if (*min > capacity) {
    complain(range["min"], *min, "min is larger than capacity value: ", capacity);
  }
  if (preset < *min) complain(range["min"], preset, "default is less than min: ", *min);
  if (max) {
    if (*min > *max) complain(range["max"], *min, "min is larger than max: ", *max);
    if (*max > capacity) {
      complain(range["max"], *max, "max is larger than capacity value: ", capacity);
    }
    if (preset > *max) complain(range["max"], preset, "default is more than max: ", *max);
  }
  if (!step) return;
  if (step->sign() <= 0) {
    return range["step"].invalid_value(quoted(step->format()), "must be greater than zero");
  }
  if (const auto sum = *min + *step; sum > capacity) {
    complain(range["step"], *step,
             "one step " + sum.format() + " is larger than capacity value: ", capacity);
  }
  const std::string detail = "value is not a multiple of a given step (" + step->format() +
                             ") from (" + min->format() + ")";
  for (const auto& value : {std::optional(preset), max}) {
    if (value && !is_on_step(*value, *min, *step)) {
      range["step"].invalid_value(quoted(value->format()), detail);
    }
  }
}

void validate_choices(const Field& choices, const api::Quantity& preset,
                      const api::Quantity& capacity) {
  constexpr std::size_t kMaxChoices = 10;
  bool has_preset = false;
  for (std::size_t i = 1; i < choices.size(); ++i) {
    const auto before = choices.at(i - 1).amount();
    const auto own = choices.at(i).amount();
    if (before && own && *before > *own) {
      choices.at(i).invalid_value(quoted(own->format()),
                                  "values must be sorted in ascending order");
    }
  }
  const auto check = [&](const Field& choice) {
    const auto amount = choice.amount();
    if (!amount) return;
    has_preset = has_preset || *amount == preset;
    if (*amount > capacity) {
      complain(choice, *amount, "option is larger than capacity value: ", capacity);
    }
  };
  validate_set(choices, kMaxChoices, check, [](const Field& choice) {
    return quoted(std::to_string(choice.amount().value_or(api::Quantity()).value()));
  });
  if (!has_preset) {
    choices.invalid_value(quoted(preset.format()),
                          "default value is not valid according to the requestPolicy");
  }
}

void validate_capacity(const Field& capacity, bool is_shared) {
  const Field policy = capacity["requestPolicy"];
  const Field choices = policy["validValues"];
  const Field range = policy["validRange"];
  const auto preset = policy["default"].amount();
  const api::Quantity most = capacity["value"].amount().value_or(api::Quantity());
  if (!policy.is_set()) return;
  if (!is_shared) return policy.forbidden("allowMultipleAllocations must be true");
  if (!choices.empty() && range.is_set()) {
    return policy.forbidden(
        "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at "
        "the same time");
  }
  if (choices.empty() && !range.is_set()) return;
  if (!preset) {
    return policy["default"].required(choices.empty() ? "required when validRange is defined"
                                                      : "required when validValues is defined");
  }
  if (choices.empty()) return validate_range(range, *preset, most);
  validate_choices(choices, *preset, most);
}

// -- Counters

void validate_label_name(const Field& name) {
  if (name.require()) name.each(api::check_dns1123_label(name.text()));
}

void validate_counters(const Field& counters) {
  constexpr std::size_t kMaxCounters = 32, kMaxKeyBytes = 63;
  if (!counters.require()) return;
  if (counters.size() > kMaxCounters) return counters.too_many(kMaxCounters);
  for (const auto& [name, counter] : counters.entries()) {
    const api::Value shown = api::Value::string_ref(name);
    counters.at_key(shortened(name, kMaxKeyBytes))
        .with(&shown)
        .each(api::check_dns1123_label(name));
  }
}

// -- Devices

// One of several ways to say on which nodes something is.
class NodeChoice {
 public:
  void add(const char* member) {
    text_.append(text_.empty() ? "`" : ", `").append(member).append("`");
    ++count_;
  }
  void add_name(const Field& name, const char* if_empty) {
    if (!name.is_set()) return;
    if (name.empty()) return name.invalid(if_empty);
    add("nodeName");
    name.each(api::check_dns1123_subdomain(name.text()));
  }
  void add_selector(const Field& selector) {
    if (!selector.is_set()) return;
    add("nodeSelector");
    validate_node_selector(selector);
  }
  void add_flag(const Field& flag, const char* member) {
    if (!flag.is_set()) return;
    if (!flag.flag()) return flag.invalid("must be either unset or set to true");
    add(member);
  }
  void require_one(const Field& owner, std::string_view detail, std::string_view if_several) const {
    if (count_ == 0) owner.required(detail);
    if (count_ > 1) {
      owner.invalid_value(quoted("{" + text_ + "}"), std::string(detail) + std::string(if_several));
    }
  }

 private:
  std::string text_;
  int count_ = 0;
};

void validate_nodes_of_slice(const Field& spec) {
  NodeChoice choice;
  const Field selector = spec["nodeSelector"];
  const Field terms = selector["nodeSelectorTerms"];
  choice.add_name(spec["nodeName"], "must be either unset or set to a non-empty string");
  choice.add_selector(selector);
  if (selector.is_set() && terms.size() != 1) {
    terms.invalid_value(internal_form(terms, "", "NodeSelectorTerm"),
                        "must have exactly one node selector term");
  }
  choice.add_flag(spec["allNodes"], "allNodes");
  choice.add_flag(spec["perDeviceNodeSelection"], "perDeviceNodeSelection");
  choice.require_one(spec,
                     "exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
                     "`perDeviceNodeSelection` is required",
                     ", but multiple fields are set");
}

void validate_nodes_of_device(const Field& device, bool chooses) {
  const Field name = device["nodeName"];
  const Field selector = device["nodeSelector"];
  const Field all = device["allNodes"];
  if (!chooses) {
    if (!name.is_set() && !selector.is_set() && !all.is_set()) return;
    return device.invalid_value(
        "null",
        "`nodeName`, `nodeSelector` and `allNodes` can only be set if "
        "`perDeviceNodeSelection` is set to true in the ResourceSlice spec");
  }
  NodeChoice choice;
  choice.add_name(name, "must not be empty");
  choice.add_selector(selector);
  choice.add_flag(all, "allNodes");
  choice.require_one(device,
                     "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
                     "`perDeviceNodeSelection` is set to true in the ResourceSlice spec",
                     "");
}

void validate_numbers(const Field& device) {
  constexpr std::size_t kMaxNames = 32;
  const std::size_t names = device["attributes"].size() + device["capacity"].size();
  if (names <= kMaxNames) return;
  device.invalid_value(std::to_string(names),
                       "the total number of attributes and capacities must not exceed 32");
}

void validate_device(const Field& device, const api::Value* old, bool chooses_nodes) {
  constexpr std::size_t kMaxTaints = 16, kMaxConsumptions = 2;
  const bool is_shared = device["allowMultipleAllocations"].flag();
  const Field taints = device["taints"];
  device["name"].each(api::check_dns1123_label(device["name"].text()));
  validate_numbers(device);
  validate_by_name(device["attributes"], validate_attribute);
  validate_by_name(device["capacity"],
                   [&](const Field& capacity) { validate_capacity(capacity, is_shared); });
  if (old == nullptr || !taints.same_as(old->find("taints"))) {
    validate_list(taints, kMaxTaints, [](const Field& taint) { validate_taint(taint, nullptr); });
  }
  const auto check = [](const Field& consumption) {
    validate_label_name(consumption["counterSet"]);
    validate_counters(consumption["counters"]);
  };
  validate_set(device["consumesCounters"], kMaxConsumptions, check,
               [](const Field& consumption) { return quoted(consumption["counterSet"].text()); });
  validate_nodes_of_device(device, chooses_nodes);
  validate_binding_conditions(device);
}

// -- ResourceSlice

void validate_pool(const Field& pool) {
  validate_pool_name(pool["name"]);
  const Field count = pool["resourceSliceCount"];
  const Field generation = pool["generation"];
  if (count.number() <= 0) {
    count.invalid_value(std::to_string(count.number()), "must be greater than zero");
  }
  if (generation.number() < 0) generation.invalid("must be greater than or equal to zero");
}

std::size_t max_devices(const Field& devices) {
  constexpr std::size_t kMaxDevices = 128, kMaxCostlyDevices = 64;
  const auto items = devices.items();
  const bool is_costly = std::any_of(items.begin(), items.end(), [](const Field& device) {
    return !device["taints"].empty() || !device["consumesCounters"].empty();
  });
  return is_costly ? kMaxCostlyDevices : kMaxDevices;
}

std::unordered_map<std::string_view, const api::Value*> devices_by_name(const api::Value* slice) {
  std::unordered_map<std::string_view, const api::Value*> map;
  const auto* devices = slice == nullptr ? nullptr : slice->find_path({"spec", "devices"});
  if (devices == nullptr || !devices->is_array()) return map;
  for (const api::Value& device : devices->items()) map.emplace(device.string_at("name"), &device);
  return map;
}

void validate_slice(Change& change, const api::Value& object) {
  constexpr std::size_t kMaxCounterSets = 8;
  const Field spec = root(change, object)["spec"];
  const Field devices = spec["devices"];
  const Field counters = spec["sharedCounters"];
  validate_csi_driver_name(spec["driver"]);
  validate_pool(spec["pool"]);
  if (change.old != nullptr) {
    spec["pool"]["name"].immutable(change.old->find_path({"spec", "pool", "name"}));
    spec["driver"].immutable(change.old->find_path({"spec", "driver"}));
    spec["nodeName"].immutable(change.old->find_path({"spec", "nodeName"}));
  }
  validate_nodes_of_slice(spec);
  if (counters.is_set() && devices.is_set()) {
    spec.invalid_value("\"\"", "only one of `sharedCounters` or `devices` is allowed");
  }
  const auto before = devices_by_name(change.old);
  const bool chooses_nodes = spec["perDeviceNodeSelection"].flag();
  const auto check_device = [&](const Field& device) {
    const auto old = before.find(device["name"].text());
    validate_device(device, old == before.end() ? nullptr : old->second, chooses_nodes);
  };
  validate_set(devices, max_devices(devices), check_device, own_name);
  const auto check_counters = [](const Field& set) {
    validate_label_name(set["name"]);
    validate_counters(set["counters"]);
  };
  validate_set(counters, kMaxCounterSets, check_counters, own_name);
}

void set_times_of_slice(Change& change, api::Value& object) {
  api::Value* devices = object.find_path({"spec", "devices"});
  if (devices == nullptr || !devices->is_array()) return;
  for (api::Value& device : devices->items()) {
    api::Value* taints = device.find("taints");
    if (taints == nullptr || !taints->is_array()) continue;
    for (api::Value& taint : taints->items()) set_time_added(change, taint);
  }
}
Result<void> prepare_slice(Change& change, api::Value& object) {
  set_times_of_slice(change, object);
  return {};
}
Result<void> prepare_slice_update(Change& change, api::Value& object, const api::Value&) {
  set_times_of_slice(change, object);
  return {};
}

void warn_about_slice(Change& change, const api::Value& object, const api::Value*) {
  const std::string_view driver = root(change, object)["spec"]["driver"].text();
  if (to_lower(driver) == driver) return;
  change.warn("spec.driver: driver names should be lowercase; " + quoted(driver) +
              " contains uppercase characters");
}

// -- DeviceTaintRule

void validate_taint_rule(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field selector = spec["deviceSelector"];
  const Field device = selector["device"];
  const auto* effect =
      change.old == nullptr ? nullptr : change.old->find_path({"spec", "taint", "effect"});
  if (selector["driver"].is_set()) validate_csi_driver_name(selector["driver"]);
  if (selector["pool"].is_set()) validate_pool_name(selector["pool"]);
  if (device.is_set()) device.each(api::check_dns1123_label(device.text()));
  validate_taint(spec["taint"], effect);
}

void validate_rule_status(Change& change, const api::Value& object, const api::Value&) {
  constexpr std::size_t kMaxConditions = 8;
  const Field conditions = root(change, object)["status"]["conditions"];
  validate_conditions(conditions);
  if (conditions.size() > kMaxConditions) conditions.too_many(kMaxConditions);
}

Result<void> prepare_rule(Change& change, api::Value& object) {
  if (auto* taint = object.find_path({"spec", "taint"})) set_time_added(change, *taint);
  return {};
}

// A taint has another effect since now, unless somebody says otherwise.
Result<void> prepare_rule_update(Change& change, api::Value& object, const api::Value& old) {
  api::Value* taint = object.find_path({"spec", "taint"});
  const Field now = root(change, object)["spec"]["taint"];
  const Field before = root(change, old)["spec"]["taint"];
  if (change.subresource == "status" || taint == nullptr || !taint->is_object()) return {};
  const bool has_old_time = now["timeAdded"].same_as(before["timeAdded"].value());
  if (has_old_time && !now["effect"].same_as(before["effect"].value())) taint->erase("timeAdded");
  set_time_added(change, *taint);
  return {};
}

}  // namespace

const Strategy kResourceSliceStrategy{
    .storage_resource = "resource.k8s.io/resourceslices",
    .has_generation = true,
    .returns_deleted = true,
    .prepare_create = prepare_slice,
    .prepare_update = prepare_slice_update,
    .validate = validate_slice,
    .warn = warn_about_slice,
};
const Strategy kDeviceTaintRuleStrategy{
    .storage_resource = "resource.k8s.io/devicetaintrules",
    .has_generation = true,
    .returns_deleted = true,
    .prepare_create = prepare_rule,
    .prepare_update = prepare_rule_update,
    .validate = validate_taint_rule,
    .validate_status = validate_rule_status,
};

}  // namespace pinnace::apiserver

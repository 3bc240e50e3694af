// Names and amounts of resources, and what containers and pods ask for.
#include <algorithm>
#include <array>
#include <set>

#include "api/pod_resources.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kHugePages = "hugepages-";
constexpr std::string_view kCompute[] = {"cpu", "memory", "ephemeral-storage"};
// What is counted in pieces.
constexpr std::string_view kCounted[] = {"pods",
                                         "resourcequotas",
                                         "services",
                                         "replicationcontrollers",
                                         "secrets",
                                         "configmaps",
                                         "persistentvolumeclaims",
                                         "services.nodeports",
                                         "services.loadbalancers"};

bool is_in(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// "requests.cpu" and "limits.cpu" without their first part.
std::string_view without_bound(std::string_view name) {
  for (const std::string_view prefix : {"requests.", "limits."}) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return name;
}

bool is_native(std::string_view name) {
  return name.find('/') == std::string_view::npos ||
         name.find("kubernetes.io/") != std::string_view::npos;
}

bool is_container_resource(std::string_view name) {
  return is_in(kCompute, name) || name.starts_with(kHugePages);
}

bool is_standard(std::string_view name) {
  return is_quota_resource(name) || name == "storage" || name == "requests.storage";
}

// Whole pages: hugepages-2Mi comes in multiples of 2Mi.
bool is_of_whole_pages(std::string_view name, const api::Quantity& amount) {
  const auto page = api::Quantity::parse(name.substr(kHugePages.size()));
  if (!page || page->sign() <= 0 || page->milli_value() % 1000 != 0) return false;
  return amount.value() % page->value() == 0;
}

// `requests` or `limits`; tells which of the resources that decide about quality are there.
struct Found {
  bool compute = false, huge_pages = false;
};

void validate_amounts(const Field& amounts, ResourceUse use, const Field* limits, Found& found) {
  std::optional<FieldMap> bounds;
  if (limits != nullptr) bounds.emplace(*limits);
  for (const auto& [name, amount] : amounts.entries()) {
    validate_resource_name(amount, name, use);
    validate_resource_amount(amount, name);
    found.compute = found.compute || name == "cpu" || name == "memory";
    const auto asked = amount.amount();
    if (limits != nullptr && asked) {
      const auto bound = bounds->at_key(name).amount();
      const std::string of_limit =
          bound ? std::string(name) + " limit of " + bound->format() : std::string();
      if (!bound) {
        if (!may_overcommit(name)) {
          limits->required("Limit must be set for non overcommitable resources");
        }
      } else if (*asked != *bound && !may_overcommit(name)) {
        amounts.invalid_value(quoted(asked->format()), "must be equal to " + of_limit);
      } else if (*asked > *bound) {
        amounts.invalid_value(quoted(asked->format()), "must be less than or equal to " + of_limit);
      }
    }
    if (!name.starts_with(kHugePages)) continue;
    found.huge_pages = true;
    if (asked && !is_of_whole_pages(name, *asked)) {
      amount.invalid(asked->format() + " is not positive integer multiple of " + std::string(name));
    }
  }
}

void validate_requirements(const Field& resources, ResourceUse use) {
  Found found;
  const Field limits = resources["limits"];
  validate_amounts(limits, use, nullptr, found);
  validate_amounts(resources["requests"], use, &limits, found);
  if (found.huge_pages && !found.compute) resources.forbidden("HugePages require cpu or memory");
}

// A claim is used once: as a whole, or each of its requests.
void validate_claim_part(const Field& claim, const std::string& name,
                         std::set<std::string, std::less<>>& used) {
  if (used.contains(name)) return claim.duplicate_value(quoted(name));
  const Field request = claim["request"];
  std::string key = name;
  if (!request.empty()) {
    request.each(api::check_dns1123_label(request.text()));
    key += "/" + std::string(request.text());
  }
  if (used.contains(key)) {
    claim.duplicate_value(quoted(key));
  } else if (request.empty()) {
    const std::string start = name + "/";
    for (auto one = used.lower_bound(start); one != used.end() && one->starts_with(start); ++one) {
      claim.duplicate_value(quoted(name));
    }
  }
  used.insert(key);
}

// Claims that a container uses must be claims of its pod.
void validate_claim_names(const Field& used, const Field& claims) {
  if (used.empty()) return;
  std::set<std::string, std::less<>> known, names;
  for (const Field& claim : claims.items()) {
    if (!claim["name"].empty()) known.emplace(claim["name"].text());
  }
  std::string detail = "must be one of the names in pod.spec.resourceClaims";
  if (known.empty()) {
    detail += " which is empty";
  } else {
    detail += ": " + join({known.begin(), known.end()}, ", ");
  }
  for (const Field& claim : used.items()) {
    const std::string name(claim["name"].text());
    if (name.empty()) {
      claim.required();
      continue;
    }
    validate_claim_part(claim, name, names);
    if (!known.contains(name)) claim.not_found_value(quoted(name), detail);
  }
}

// What the pod says of a resource is enough for all of its containers.
void validate_aggregate(const Field& spec, const char* map, bool only_huge_pages) {
  FieldMap own(spec["resources"][map]);
  for (const auto& [name, amount] : api::aggregate_of_containers(*spec.value(), map)) {
    if (only_huge_pages && !name.starts_with(kHugePages)) continue;
    const Field said = own.at_key(name);
    const auto bound = said.amount();
    if (!bound || amount <= *bound) continue;
    said.invalid_value(quoted(bound->format()),
                       "must be greater than or equal to aggregate container " + std::string(map) +
                           " of " + amount.format());
  }
}

}  // namespace

bool is_extended_resource(std::string_view name) {
  return !is_native(name) && !name.starts_with("requests.") &&
         api::check_qualified_name("requests." + std::string(name)).empty();
}

bool may_overcommit(std::string_view resource) {
  return is_native(resource) && !resource.starts_with(kHugePages);
}

bool is_quota_resource(std::string_view name) {
  const std::string_view base = without_bound(name);
  return is_in(kCompute, base) || is_in(kCounted, name) || name == "requests.storage" ||
         name.starts_with(kHugePages) ||
         (name.starts_with("requests.") && base.starts_with(kHugePages));
}

void validate_resource_name(const Field& amount, std::string_view name, ResourceUse use) {
  const auto invalid = [&](std::string_view detail) { amount.invalid_value(quoted(name), detail); };
  const auto complaints = api::check_qualified_name(name);
  for (const auto& text : complaints) invalid(text);
  const bool is_short = name.find('/') == std::string_view::npos;
  const bool is_known = complaints.empty() && !(is_short && !is_standard(name));
  if (complaints.empty() && !is_known) {
    invalid("must be a standard resource type or fully qualified");
  }
  switch (use) {
    case ResourceUse::kAny:
      return;
    case ResourceUse::kContainer:
      if (is_short && !is_container_resource(name)) {
        invalid("must be a standard resource for containers");
      } else if (!is_short && !is_native(name) && !is_extended_resource(name)) {
        invalid("doesn't follow extended resource name standard");
      }
      return;
    case ResourceUse::kPod:
      if (is_known && name != "cpu" && name != "memory" && !name.starts_with(kHugePages)) {
        amount.not_supported_value(quoted(name), {"cpu", "hugepages-", "memory"});
      }
      return;
    case ResourceUse::kQuota:
      if (is_short && !is_quota_resource(name)) invalid("must be a standard resource for quota");
  }
}

void validate_resource_amount(const Field& amount, std::string_view name) {
  const auto parsed = amount.amount();
  if (!parsed) return;
  if (parsed->sign() < 0) amount.invalid("must be greater than or equal to 0");
  const bool is_counted = is_in(kCounted, name) || is_extended_resource(name);
  if (is_counted && parsed->milli_value() % 1000 != 0) amount.invalid("must be an integer");
}

void validate_container_resources(const Field& resources, const Field& claims) {
  validate_requirements(resources, ResourceUse::kContainer);
  validate_claim_names(resources["claims"], claims);
}

void validate_overhead(const Field& overhead) {
  Found found;
  validate_amounts(overhead.as(overhead["limits"]), ResourceUse::kContainer, nullptr, found);
  if (found.huge_pages && !found.compute) overhead.forbidden("HugePages require cpu or memory");
}

void validate_pod_resources(const Field& spec) {
  const Field resources = spec["resources"];
  if (!resources.is_set()) return;
  if (spec["os"]["name"].is("windows")) {
    return resources.forbidden("may not be set for a windows pod");
  }
  if (resources["claims"].is_set()) {
    resources["claims"].forbidden("claims may not be set for Resources at pod-level");
  }
  validate_requirements(resources, ResourceUse::kPod);
  validate_claim_names(resources["claims"], spec["resourceClaims"]);
  validate_aggregate(spec, "requests", false);
  validate_aggregate(spec, "limits", true);
  FieldMap limits(resources["limits"]);
  const auto containers = spec["containers"].items();
  for (std::size_t i = 0; i < containers.size(); ++i) {
    for (const auto& [name, amount] : containers[i]["resources"]["limits"].entries()) {
      const auto limit = amount.amount();
      const auto bound = limits.at_key(name).amount();
      if (!limit || !bound || *limit <= *bound) continue;
      amount.as(resources["containers"].at(i).at_key(name)["limits"])
          .invalid("must be less than or equal to pod limits of " + bound->format());
    }
  }
}

}  // namespace pinnace::apiserver

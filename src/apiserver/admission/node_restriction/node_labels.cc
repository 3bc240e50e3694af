#include "apiserver/admission/node_restriction/node_labels.h"

#include <algorithm>
#include <optional>
#include <set>

#include "api/member_index.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAgentLabels[] = {
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
};

// "a.b" is of "b", and so is "b".
bool is_of(std::string_view ns, std::string_view domain) {
  return ns == domain || (ns.size() > domain.size() && ns.ends_with(domain) &&
                          ns[ns.size() - domain.size() - 1] == '.');
}

void collect(const api::Value* from, const api::Value* other, std::set<std::string>& out) {
  if (from == nullptr || !from->is_object()) return;
  std::optional<api::MemberIndex> index;
  if (other != nullptr && other->is_object()) index.emplace(*other);
  for (const auto& [key, value] : from->members()) {
    const auto* same = index ? index->find(key) : nullptr;
    const bool changed = same == nullptr || !api::equal(*same, value);
    if (changed && !may_node_set_label(key)) out.emplace(key);
  }
}

}  // namespace

bool may_node_set_label(std::string_view key) {
  const auto slash = key.find('/');
  const std::string_view ns = slash == std::string_view::npos ? "" : key.substr(0, slash);
  if (is_of(ns, "node-restriction.kubernetes.io")) return false;
  if (!is_of(ns, "kubernetes.io") && !is_of(ns, "k8s.io")) return true;
  if (is_of(ns, "kubelet.kubernetes.io") || is_of(ns, "node.kubernetes.io")) return true;
  return std::ranges::find(kAgentLabels, key) != std::end(kAgentLabels);
}

std::vector<std::string> forbidden_label_changes(const api::Value* before,
                                                 const api::Value* after) {
  std::set<std::string> names;
  collect(after, before, names);
  collect(before, after, names);
  return {names.begin(), names.end()};
}

}  // namespace pinnace::apiserver

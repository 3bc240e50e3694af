#include "controllers/namespace/plan.h"

#include "base/strings.h"
#include "controllers/support/times.h"

namespace pinnace::controllers::namespaces {
namespace {

using core_v1::NamespaceCondition;

NamespaceCondition make(std::string type, bool holds, std::string reason, std::string message) {
  NamespaceCondition condition;
  condition.type = std::move(type);
  condition.status = holds ? "True" : "False";
  condition.reason = std::move(reason);
  condition.message = std::move(message);
  return condition;
}

std::string listed(const std::map<std::string, std::int64_t>& counts, std::string_view verb) {
  std::vector<std::string> parts;
  for (const auto& [what, count] : counts) {
    parts.push_back(what + ' ' + std::string(verb) + ' ' + std::to_string(count) +
                    " resource instances");
  }
  return join(parts, ", ");
}

std::vector<NamespaceCondition> conditions_of(const Contents& contents) {
  std::vector<NamespaceCondition> all;
  all.push_back(make("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
                     "All resources successfully discovered"));
  all.push_back(make("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
                     "All legacy kube types successfully parsed"));
  all.push_back(contents.failures.empty()
                    ? make("NamespaceDeletionContentFailure", false, "ContentDeleted",
                           "All content successfully deleted, may be waiting on finalization")
                    : make("NamespaceDeletionContentFailure", true, "ContentDeletionFailed",
                           "Failed to delete all resource types, " +
                               std::to_string(contents.failures.size()) +
                               " remaining: " + join(contents.failures, ", ")));
  all.push_back(contents.remaining.empty()
                    ? make("NamespaceContentRemaining", false, "ContentRemoved",
                           "All content successfully removed")
                    : make("NamespaceContentRemaining", true, "SomeResourcesRemain",
                           "Some resources are remaining: " + listed(contents.remaining, "has")));
  all.push_back(contents.finalizers.empty()
                    ? make("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
                           "All content-preserving finalizers finished")
                    : make("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
                           "Some content in the namespace has finalizers remaining: " +
                               listed(contents.finalizers, "in")));
  return all;
}

}  // namespace

std::vector<NamespaceCondition> plan_conditions(const std::vector<NamespaceCondition>& current,
                                                const Contents& contents, WallTime now) {
  std::vector<NamespaceCondition> planned = current;
  for (auto& wanted : conditions_of(contents)) {
    wanted.last_transition_time = to_time(now);
    bool known = false;
    for (auto& condition : planned) {
      if (condition.type != wanted.type) continue;
      known = true;
      if (condition.status == wanted.status) {
        wanted.last_transition_time = condition.last_transition_time;
      }
      condition = wanted;
    }
    if (!known) planned.push_back(std::move(wanted));
  }
  return planned;
}

}  // namespace pinnace::controllers::namespaces

#include "controllers/namespace/controller.h"

#include <algorithm>

#include "api/json.h"
#include "controllers/informers.h"
#include "controllers/namespace/plan.h"
#include "controllers/support/custom_resources.h"
#include "controllers/support/errors.h"
#include "controllers/support/resources.h"
#include "controllers/support/times.h"

namespace pinnace::controllers {
namespace {

using core_v1::Namespace;
using namespaces::Contents;

constexpr std::string_view kName = "namespace-controller";
constexpr std::string_view kFinalizer = "kubernetes";
// How many objects of one resource a round looks at, to count them.
constexpr int kPage = 500;

// Counts what a list body holds; the number of items in it.
Result<std::int64_t> count(const std::string& body, const api::ResourceName& resource,
                           Contents& contents) {
  api::Arena arena;
  auto list = api::parse_json(arena, body);
  if (!list) return std::unexpected(list.error());
  const api::Value* items = list->find("items");
  if (items == nullptr || !items->is_array() || items->empty()) return 0;
  std::int64_t total = static_cast<std::int64_t>(items->size());
  if (const auto* meta = list->find("metadata")) total += meta->int_at("remainingItemCount");
  contents.remaining[std::string(resource.resource) + '.' + std::string(resource.group)] = total;
  for (const auto& item : items->items()) {
    const auto* meta = item.find("metadata");
    const auto* finalizers = meta != nullptr ? meta->find("finalizers") : nullptr;
    if (finalizers == nullptr || !finalizers->is_array()) continue;
    for (const auto& finalizer : finalizers->items()) {
      if (finalizer.is_string()) ++contents.finalizers[std::string(finalizer.as_string())];
    }
  }
  return total;
}

class NamespaceController : public Controller {
 public:
  explicit NamespaceController(Context& context)
      : context_(context),
        resources_(resources_with({"list", "deletecollection"})),
        custom_(context.api, context.executor, {}, {}),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    std::erase_if(resources_, [](const auto* resource) { return !resource->namespaced; });
    // Pods end gracefully, and other content may be theirs to use until then: they go first.
    std::stable_partition(resources_.begin(), resources_.end(), is_pods);
    context.informers.namespaces.on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.pods.on_transition([this](const auto& before, const auto& after) {
      if (!before || after) return;
      const auto ns = context_.informers.namespaces.get(before->metadata.namespace_);
      if (ns && is_leaving(*ns)) worker_.add(ns->metadata.name);
    });
  }

  void start() override {
    custom_.start();
    worker_.start([this] { return keys_of(context_.informers.namespaces); },
                  std::chrono::minutes(5));
  }

 private:
  static bool is_pods(const api::ResourceInfo* resource) {
    return resource->group.empty() && resource->name == "pods";
  }
  static bool is_leaving(const Namespace& ns) {
    return !ns.metadata.deletion_timestamp.is_zero() &&
           std::find(ns.spec.finalizers.begin(), ns.spec.finalizers.end(), kFinalizer) !=
               ns.spec.finalizers.end();
  }

  Result<void> sync(const std::string& key) {
    const auto ns = context_.informers.namespaces.get(key);
    if (!ns || !is_leaving(*ns)) {
      rounds_.erase(key);
      return {};
    }
    const Contents contents = empty(key);
    if (contents.empty()) {
      rounds_.erase(key);
      return finalize(*ns);
    }
    // Looks again at growing distances; a pod's end wakes it sooner.
    const int round = std::min(rounds_[key]++, 4);
    worker_.add_after(key, std::chrono::milliseconds(500) * (1 << round));
    return write_conditions(*ns, contents);
  }

  Contents empty(const std::string& ns) {
    Contents contents;
    for (const auto* resource : resources_) {
      if (!is_pods(resource) && contents.remaining.contains("pods.")) break;
      empty_resource(ns, name_of(*resource), contents);
    }
    if (contents.remaining.contains("pods.")) return contents;
    // A call lets others run, who may change what there is.
    const auto custom = custom_.all();
    for (const auto& [definition, resource] : custom) {
      if (resource.namespaced) empty_resource(ns, resource.resource(), contents);
    }
    return contents;
  }

  void empty_resource(const std::string& ns, const api::ResourceName& resource,
                      Contents& contents) {
    if (auto emptied = try_to_empty(ns, resource, contents); !emptied) {
      contents.failures.push_back(std::string(resource.resource) + ": " + emptied.error().message);
    }
  }

  Result<void> try_to_empty(const std::string& ns, const api::ResourceName& resource,
                            Contents& contents) {
    const std::string path = client::Client::path(resource, ns, "");
    const std::string page = path + "?limit=" + std::to_string(kPage);
    Contents before;
    auto body = context_.api.call("GET", page, {});
    if (!body) return unless_gone(body);
    auto there = count(**body, resource, before);
    if (!there) return std::unexpected(there.error());
    if (*there == 0) return {};
    auto deleted = context_.api.call("DELETE", path, {});
    body = context_.api.call("GET", page, {});
    if (!body) return unless_gone(body);
    there = count(**body, resource, contents);
    if (!there) return std::unexpected(there.error());
    return unless_gone(deleted);
  }

  Result<void> write_conditions(const Namespace& ns, const Contents& contents) {
    Namespace updated = ns;
    updated.status.conditions =
        namespaces::plan_conditions(ns.status.conditions, contents, context_.now());
    if (updated.status == ns.status) return {};
    return unless_gone(context_.api.update_status(updated));
  }

  Result<void> finalize(const Namespace& ns) {
    Namespace updated = ns;
    std::erase(updated.spec.finalizers, kFinalizer);
    return unless_gone(context_.api.update(updated, "finalize"));
  }

  Context& context_;
  std::vector<const api::ResourceInfo*> resources_;
  CustomResources custom_;
  std::map<std::string, int> rounds_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_namespace_controller(Context& context) {
  return std::make_unique<NamespaceController>(context);
}

}  // namespace pinnace::controllers

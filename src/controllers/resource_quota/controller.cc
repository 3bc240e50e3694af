#include "controllers/resource_quota/controller.h"

#include "api/json.h"
#include "controllers/informers.h"
#include "controllers/resource_quota/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/resources.h"

namespace pinnace::controllers {
namespace {

using core_v1::ResourceQuota;

constexpr std::string_view kName = "resourcequota-controller";
constexpr Duration kResync = std::chrono::seconds(30);

class ResourceQuotaController : public Controller {
 public:
  explicit ResourceQuotaController(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    Informers& informers = context.informers;
    informers.resource_quotas.on_change([this](const std::string& key) { worker_.add(key); });
    informers.pods.on_transition(
        [this](const auto& before, const auto& after) { wake(before, after); });
    informers.services.on_transition(
        [this](const auto& before, const auto& after) { wake(before, after); });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.resource_quotas); }, kResync);
  }

 private:
  // What came, went or ended may have changed what is used.
  template <typename Ref>
  void wake(const Ref& before, const Ref& after) {
    if (before && after && before->spec == after->spec && !ended(*before, *after)) return;
    for (const auto& quota :
         context_.informers.quotas_by_namespace.in((after ? after : before)->metadata.namespace_)) {
      worker_.add(quota->metadata.namespace_ + '/' + quota->metadata.name);
    }
  }
  static bool ended(const core_v1::Pod& before, const core_v1::Pod& after) {
    return before.status.phase != after.status.phase;
  }
  static bool ended(const core_v1::Service&, const core_v1::Service&) { return false; }

  Result<void> sync(const std::string& key) {
    const auto quota = context_.informers.resource_quotas.get(key);
    if (!quota) return {};
    api::Arena arena;
    const auto json = api::parse_json(arena, api::to_json(*quota));
    if (!json) return std::unexpected(json.error());
    static const api::Value kNone = api::Value::object();
    const auto* spec = json->find("spec");
    quotas::Count count(*quota, spec == nullptr ? kNone : *spec, context_.now());
    for (const auto& [group, resource] : quotas::subjects_of(*quota)) {
      if (auto ok = count_kind(quota->metadata.namespace_, group, resource, count); !ok) return ok;
    }
    if (count.status() == quota->status) return {};
    ResourceQuota updated = *quota;
    updated.status = count.status();
    return unless_gone(context_.api.update_status(updated));
  }

  Result<void> count_kind(const std::string& ns, const std::string& group,
                          const std::string& resource, quotas::Count& count) {
    const auto version = version_of(group, resource);
    if (!version) return unless_gone(version);
    const std::string path = client::Client::path({group, *version, resource, "", true}, ns, "");
    const auto body = context_.api.call("GET", path, {});
    // Nothing is counted of a kind that there is not.
    if (!body) return unless_gone(body);
    api::Arena arena;
    const auto list = api::parse_json(arena, **body);
    if (!list) return std::unexpected(list.error());
    const auto* items = list->find("items");
    if (items == nullptr || !items->is_array()) return {};
    for (const auto& item : items->items()) count.add(group, resource, item);
    return {};
  }

  // A version in which the kind is served: any, since every version counts the same.
  Result<std::string> version_of(const std::string& group, const std::string& resource) {
    for (const std::string_view version : api::builtin_schema().versions(group)) {
      const auto* found = api::builtin_schema().find_resource(group, version, resource);
      if (found != nullptr && found->enabled) return std::string(version);
    }
    const auto body = context_.api.call("GET", "/apis/" + group, {});
    if (!body) return std::unexpected(body.error());
    api::Arena arena;
    const auto about = api::parse_json(arena, **body);
    if (!about) return std::unexpected(about.error());
    const auto* preferred = about->find("preferredVersion");
    return std::string(preferred == nullptr ? "" : preferred->string_at("version"));
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_resource_quota_controller(Context& context) {
  return std::make_unique<ResourceQuotaController>(context);
}

}  // namespace pinnace::controllers

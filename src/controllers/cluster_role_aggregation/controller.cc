#include "controllers/cluster_role_aggregation/controller.h"

#include "controllers/cluster_role_aggregation/plan.h"
#include "controllers/informers.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

class ClusterRoleAggregation : public Controller {
 public:
  explicit ClusterRoleAggregation(Context& context)
      : context_(context),
        worker_(context, "clusterrole-aggregation", [this](const auto& key) { return sync(key); }) {
    // Any role may be one that others gather.
    context.informers.cluster_roles.on_change([this](const std::string&) {
      for (const auto& key : gathering()) worker_.add(key);
    });
  }

  void start() override {
    worker_.start([this] { return gathering(); });
  }

 private:
  std::vector<std::string> gathering() const {
    std::vector<std::string> keys;
    for (const auto& [key, role] : context_.informers.cluster_roles.all()) {
      if (role->aggregation_rule) keys.push_back(key);
    }
    return keys;
  }

  Result<void> sync(const std::string& key) {
    const auto role = context_.informers.cluster_roles.get(key);
    if (!role) return {};
    std::vector<std::shared_ptr<const cluster_role_aggregation::Role>> roles;
    for (const auto& [name, each] : context_.informers.cluster_roles.all()) roles.push_back(each);
    auto rules = cluster_role_aggregation::gather(*role, roles);
    if (!rules) return {};
    auto wanted = *role;
    wanted.rules = std::move(*rules);
    return unless_gone(context_.api.update(wanted));
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_cluster_role_aggregation_controller(Context& context) {
  return std::make_unique<ClusterRoleAggregation>(context);
}

}  // namespace pinnace::controllers

#include "controllers/policy_type_checking/controller.h"

#include <map>
#include <optional>

#include "api/json.h"
#include "api/schema.h"
#include "cel/schema_types.h"
#include "client/informer.h"
#include "controllers/policy_type_checking/plan.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

using policy_type_checking::Kind;
using policy_type_checking::KnownType;
using policy_type_checking::Policy;
using policy_type_checking::ResourceVersion;

constexpr std::string_view kName = "validatingadmissionpolicy-status-controller";
constexpr char kDefinitions[] = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

// Looks up the types that one policy concerns; definitions are read when they are asked for, since
// policies change seldom.
class Types {
 public:
  explicit Types(const client::Client& api) : api_(api) {}

  Result<void> add(const ResourceVersion& wanted) {
    const auto* builtin =
        api::builtin_schema().find_resource(wanted.group, wanted.version, wanted.resource);
    if (builtin != nullptr) {
      found_[{wanted.group, wanted.version, std::string(builtin->kind)}] =
          cel::kind_type(types_, *builtin->type);
      return {};
    }
    if (wanted.group.empty()) return {};
    auto body = api_.call(
        "GET", std::string(kDefinitions) + "/" + wanted.resource + "." + wanted.group, {});
    if (!body) return unless_gone(body);
    const auto definition = api::parse_json(arena_, **body);
    if (!definition) return std::unexpected(definition.error());
    const std::string kind = policy_type_checking::served_kind(*definition, wanted.version);
    if (kind.empty()) return {};
    const auto* type = policy_type_checking::custom_type(types_, *definition, wanted.version);
    if (type != nullptr) found_[{wanted.group, wanted.version, kind}] = type;
    return {};
  }

  // Null where nothing is known of the kind.
  Result<const cel::Type*> of_kind(const Kind& wanted) {
    if (wanted.kind.empty()) return nullptr;
    const auto* builtin =
        api::builtin_schema().find_kind(wanted.group, wanted.version, wanted.kind);
    if (builtin != nullptr) return cel::kind_type(types_, *builtin->type);
    auto body = api_.call("GET", kDefinitions, {});
    if (!body) return std::unexpected(body.error());
    const auto list = api::parse_json(arena_, **body);
    if (!list) return std::unexpected(list.error());
    const auto* items = list->find("items");
    if (items == nullptr || !items->is_array()) return nullptr;
    for (const auto& definition : items->items()) {
      const auto* spec = definition.find("spec");
      if (spec == nullptr || spec->string_at("group") != wanted.group) continue;
      if (policy_type_checking::served_kind(definition, wanted.version) != wanted.kind) continue;
      return policy_type_checking::custom_type(types_, definition, wanted.version);
    }
    return nullptr;
  }

  std::size_t size() const { return found_.size(); }
  std::vector<KnownType> all() const {
    std::vector<KnownType> all;
    for (const auto& [kind, type] : found_) all.push_back({kind, type});
    return all;
  }

 private:
  const client::Client& api_;
  api::Arena arena_;
  cel::TypePool types_;
  std::map<Kind, const cel::Type*> found_;
};

class PolicyTypeChecking : public Controller {
 public:
  explicit PolicyTypeChecking(Context& context)
      : context_(context),
        policies_(context.api, context.executor),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    policies_.on_change([this](const std::string& key) { worker_.add(key); });
  }
  ~PolicyTypeChecking() override { policies_.stop(); }

  void start() override {
    worker_.start([this] { return keys_of(policies_); });
    policies_.start();
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto policy = policies_.get(key);
    if (!policy || policy->metadata.generation <= policy->status.observed_generation) return {};
    Types types(context_.api);
    if (auto ok = find_types(*policy, types); !ok) return ok;
    const auto params = types.of_kind(policy_type_checking::param_kind_of(*policy));
    if (!params) return std::unexpected(params.error());
    Policy wanted = *policy;
    wanted.status.observed_generation = policy->metadata.generation;
    wanted.status.type_checking = api::admissionregistration_v1::TypeChecking{
        policy_type_checking::check(*policy, types.all(), *params)};
    return unless_gone(context_.api.update_status(wanted));
  }

  static Result<void> find_types(const Policy& policy, Types& types) {
    const auto* match = policy.spec.match_constraints.get();
    if (match == nullptr) return {};
    for (const auto& rule : match->resource_rules) {
      const std::size_t before = types.size();
      for (const auto& wanted : policy_type_checking::resources_of(rule)) {
        if (auto ok = types.add(wanted); !ok) return ok;
        if (types.size() - before == policy_type_checking::kMaxTypes) return {};
      }
    }
    return {};
  }

  Context& context_;
  client::Informer<Policy> policies_;  // No other loop looks at them.
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_policy_type_checking_controller(Context& context) {
  return std::make_unique<PolicyTypeChecking>(context);
}

}  // namespace pinnace::controllers

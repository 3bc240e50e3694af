#include "controllers/root_ca/controller.h"

#include "controllers/informers.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

using core_v1::ConfigMap;

constexpr std::string_view kName = "root-ca-certificate-publisher";
constexpr std::string_view kMap = "kube-root-ca.crt";
constexpr std::string_view kDescription =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters.";

class RootCaController : public Controller {
 public:
  explicit RootCaController(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    context.informers.namespaces.on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.root_ca_maps.on_transition([this](const auto& before, const auto& after) {
      worker_.add((after ? after : before)->metadata.namespace_);
    });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.namespaces); });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto ns = context_.informers.namespaces.get(key);
    if (!ns || !ns->metadata.deletion_timestamp.is_zero()) return {};
    const auto current = context_.informers.root_ca_maps.get(key + '/' + std::string(kMap));
    ConfigMap wanted = current ? *current : ConfigMap{};
    wanted.metadata.name = std::string(kMap);
    wanted.metadata.namespace_ = key;
    wanted.metadata.annotations["kubernetes.io/description"] = std::string(kDescription);
    wanted.data = {{"ca.crt", context_.settings.root_ca_pem}};
    wanted.binary_data.clear();
    if (current && wanted == *current) return {};
    auto written = current ? context_.api.update(wanted) : context_.api.create(wanted);
    if (!written && !written.error().is("AlreadyExists") &&
        !is_namespace_terminating(written.error())) {
      return unless_gone(written);
    }
    return {};
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_root_ca_controller(Context& context) {
  return std::make_unique<RootCaController>(context);
}

}  // namespace pinnace::controllers

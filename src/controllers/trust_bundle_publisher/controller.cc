#include "controllers/trust_bundle_publisher/controller.h"

#include <algorithm>

#include "base/strings.h"
#include "controllers/informers.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"
#include "net/digest.h"

namespace pinnace::controllers {
namespace {

using api::certificates_v1::ClusterTrustBundle;

constexpr std::string_view kName = "kube-apiserver-serving-clustertrustbundle-publisher-controller";

// A name for each content: who has mounted one keeps it until the new one is there.
std::string name_for(std::string_view authority_pem) {
  constexpr std::size_t kHashBytes = 12;
  std::string name(kServingTrustSigner);
  std::ranges::replace(name, '/', ':');
  return name + ':' + hex_encode(net::sha256(authority_pem).substr(0, kHashBytes));
}

class TrustBundlePublisher : public Controller {
 public:
  explicit TrustBundlePublisher(Context& context)
      : context_(context), worker_(context, kName, [this](const auto&) { return sync(); }) {
    context.informers.trust_bundles.on_change([this](const std::string&) { worker_.add(""); });
  }

  void start() override {
    worker_.start([] { return std::vector<std::string>{""}; });
  }

 private:
  Result<void> sync() {
    const std::string& authority = context_.settings.root_ca_pem;
    if (authority.empty()) return {};
    const std::string name = name_for(authority);
    const auto current = context_.informers.trust_bundles.get(name);
    if (!current || current->spec.trust_bundle != authority) {
      ClusterTrustBundle wanted = current ? *current : ClusterTrustBundle{};
      wanted.metadata.name = name;
      wanted.spec.signer_name = kServingTrustSigner;
      wanted.spec.trust_bundle = authority;
      const auto written = current ? context_.api.update(wanted) : context_.api.create(wanted);
      if (!written && !written.error().is("AlreadyExists")) return unless_gone(written);
    }
    for (const auto& key : keys_of(context_.informers.trust_bundles)) {
      if (key == name) continue;
      auto removed = unless_gone(context_.api.remove<ClusterTrustBundle>("", key));
      if (!removed) return removed;
    }
    return {};
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_trust_bundle_publisher(Context& context) {
  return std::make_unique<TrustBundlePublisher>(context);
}

}  // namespace pinnace::controllers

#include "controllers/ip_address_repair/controller.h"

#include <algorithm>

#include "controllers/informers.h"
#include "controllers/ip_address_repair/plan.h"
#include "controllers/service_cidr/plan.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

using ip_address_repair::AddressRef;
using ip_address_repair::Event;
using ip_address_repair::IPAddress;
using ip_address_repair::Repair;
using ip_address_repair::ServiceRef;
using ip_address_repair::View;

constexpr std::string_view kName = "ipallocator-repair-controller";
// Also what nobody has changed is looked at again.
constexpr Duration kResync = std::chrono::minutes(3);

class IpAddressRepairController : public Controller {
 public:
  explicit IpAddressRepairController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        services_(context, kName, [this](const auto& key) { return sync_service(key); }),
        addresses_(context, kName, [this](const auto& key) { return sync_address(key); }) {
    context.informers.services.on_change([this](const auto& key) { services_.add(key); });
    context.informers.ip_addresses.on_transition(
        [this](const AddressRef& before, const AddressRef& after) {
          if (after) return addresses_.add(after->metadata.name);
          services_.add(ip_address_repair::service_of(*before));
        });
  }

  void start() override {
    services_.start([this] { return keys_of(context_.informers.services); }, kResync);
    addresses_.start([this] { return keys_of(context_.informers.ip_addresses); }, kResync);
  }

 private:
  bool in_some_range(const std::string& address) const {
    return std::ranges::any_of(context_.informers.service_cidrs.all(), [&](const auto& entry) {
      return service_cidr::has_address(*entry.second, address);
    });
  }

  // As far as our copies go.
  View known() const {
    return {
        .address = [this](const auto& name) { return context_.informers.ip_addresses.get(name); },
        .service = [this](const auto& key) { return context_.informers.services.get(key); },
        .in_some_range = [this](const auto& address) { return in_some_range(address); }};
  }

  // As the server has it. The copies of two kinds are not of the same moment: one that was made for
  // the other may not be there yet.
  View current(std::optional<Error>& failure) const {
    const auto or_null = [&failure](auto found) {
      using Object = std::remove_cvref_t<decltype(*found)>;
      if (!found && !found.error().is("NotFound")) failure = found.error();
      return found ? std::make_shared<const Object>(std::move(*found)) : nullptr;
    };
    View view = known();
    view.address = [this, or_null](const std::string& name) -> AddressRef {
      return or_null(context_.api.get<IPAddress>("", name));
    };
    view.service = [this, or_null](const std::string& key) -> ServiceRef {
      const auto [ns, name] = split_key(key);
      return or_null(context_.api.get<core_v1::Service>(ns, name));
    };
    return view;
  }

  Result<void> sync_service(const std::string& key) {
    const auto known_service = context_.informers.services.get(key);
    if (!known_service || ip_address_repair::repairs_of(*known_service, known()).empty()) return {};
    std::optional<Error> failure;
    const View view = current(failure);
    // First the addresses, and then who has them: an address is there before its Service has it.
    auto found = ip_address_repair::repairs_of(*known_service, view);
    const auto service = view.service(key);
    if (failure) return std::unexpected(*failure);
    if (!service) return {};
    for (const Repair& repair : found) {
      if (!ip_address_repair::has(*service, repair.address)) continue;
      if (auto done = apply(*service, repair); !done) return done;
    }
    return {};
  }

  Result<void> apply(const core_v1::Service& service, const Repair& repair) {
    if (repair.action == Repair::Action::kRecreate) {
      auto removed = unless_gone(context_.api.remove<IPAddress>("", repair.address));
      if (!removed) return removed;
    }
    if (repair.action != Repair::Action::kNone) {
      auto made = context_.api.create(ip_address_repair::address_of(repair.address, service));
      if (!made && made.error().is("AlreadyExists")) return {};
      if (!made) return std::unexpected(made.error());
    }
    say(client::make_reference(service), repair.event);
    return {};
  }

  Result<void> sync_address(const std::string& name) {
    const auto address = context_.informers.ip_addresses.get(name);
    if (!address) return {};
    auto verdict = ip_address_repair::verdict_on(*address, known(), context_.now());
    if (verdict.is_left_over) {
      std::optional<Error> failure;
      verdict = ip_address_repair::verdict_on(*address, current(failure), context_.now());
      if (failure) return std::unexpected(*failure);
    }
    if (verdict.again > Duration::zero()) addresses_.add_after(name, verdict.again);
    if (!verdict.is_left_over) return {};
    say(client::make_reference(*address), verdict.event);
    return unless_gone(context_.api.remove<IPAddress>("", name, {.uid = address->metadata.uid}));
  }

  void say(const core_v1::ObjectReference& about, const Event& event) {
    if (!event.reason.empty()) events_.record(about, "Warning", event.reason, event.message);
  }

  Context& context_;
  client::EventRecorder events_;
  Worker services_, addresses_;
};

}  // namespace

std::unique_ptr<Controller> make_ip_address_repair_controller(Context& context) {
  return std::make_unique<IpAddressRepairController>(context);
}

}  // namespace pinnace::controllers

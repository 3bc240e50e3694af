// What is wrong between Services and the IPAddresses that stand for theirs: each address of a
// Service has one, with its labels, that names the Service; and none is left of a Service that is
// gone.
//
// Source: KEP-1880; k8s.io/kubernetes/pkg/registry/core/service/ipallocator/controller.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/types/networking_v1.h"
#include "base/clock.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::ip_address_repair {

using api::networking_v1::IPAddress;
using AddressRef = std::shared_ptr<const IPAddress>;
using ServiceRef = std::shared_ptr<const core_v1::Service>;

struct Event {
  std::string reason;  // "" when nothing is said.
  std::string message;
};

// What is there.
struct View {
  std::function<AddressRef(const std::string& address)> address;
  std::function<ServiceRef(const std::string& key)> service;
  std::function<bool(const std::string& address)> in_some_range;
};

// One address of a Service.
struct Repair {
  enum class Action {
    kNone,
    kCreate,
    kRecreate,  // The one that is there goes first.
  };
  std::string address;
  Action action = Action::kNone;
  Event event;
};
std::vector<Repair> repairs_of(const core_v1::Service& service, const View& view);

// An IPAddress of the API server's own.
struct Verdict {
  bool is_left_over = false;
  Event event;
  // When to look again; zero: when something has changed.
  Duration again = Duration::zero();
};
Verdict verdict_on(const IPAddress& address, const View& view, WallTime now);

// The IPAddress that a Service's address is to have.
IPAddress address_of(const std::string& address, const core_v1::Service& service);
// "default/web" of the Service that it stands for; "" where it stands for none.
std::string service_of(const IPAddress& address);
bool has(const core_v1::Service& service, const std::string& address);

}  // namespace pinnace::controllers::ip_address_repair

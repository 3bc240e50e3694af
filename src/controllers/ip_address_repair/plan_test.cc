#include "controllers/ip_address_repair/plan.h"

#include <map>

#include "controllers/support/testing.h"

namespace pinnace::controllers::ip_address_repair {
namespace {

using testing::at;
using testing::from;
using testing::text_of;
using Action = Repair::Action;

ServiceRef service(const std::string& name, const std::string& address) {
  return testing::ref(from<core_v1::Service>(R"({"metadata":{"namespace":"default","name":")" +
                                             name + R"(","creationTimestamp":)" + text_of(at(0)) +
                                             R"(},"spec":{"type":"ClusterIP","clusterIP":")" +
                                             address + R"(","clusterIPs":[")" + address + "\"]}}"));
}

class IpAddressRepairPlan : public ::testing::Test {
 protected:
  IpAddressRepairPlan() { add(service("web", "10.0.0.9")); }
  void add(const ServiceRef& one) { services_[key_of(one->metadata)] = one; }
  void add(IPAddress one) {
    const std::string name = one.metadata.name;
    addresses_[name] = testing::ref(std::move(one));
  }
  View view() const {
    const auto in = [](const auto& map, const std::string& key) {
      const auto found = map.find(key);
      return found == map.end() ? nullptr : found->second;
    };
    return {.address = [this, in](const auto& name) { return in(addresses_, name); },
            .service = [this, in](const auto& key) { return in(services_, key); },
            .in_some_range = [](const auto& name) { return name.starts_with("10."); }};
  }
  Repair repair(const std::string& name = "web") const {
    const auto found = repairs_of(*services_.at("default/" + name), view());
    return found.empty() ? Repair{} : found.front();
  }
  Verdict verdict(std::int64_t created, std::int64_t now, const std::string& of = "web") const {
    IPAddress made = address_of("10.0.0.7", *service(of, ""));
    made.metadata.creation_timestamp = at(created);
    return verdict_on(made, view(), at(now));
  }

  std::map<std::string, ServiceRef> services_;
  std::map<std::string, AddressRef> addresses_;
};

TEST_F(IpAddressRepairPlan, MakesWhatIsMissing) {
  EXPECT_EQ(repair().action, Action::kCreate);
  EXPECT_EQ(repair().event.reason, "ClusterIPNotAllocated");
  EXPECT_EQ(repair().event.message, "Cluster IP [IPv4]: 10.0.0.9 is not allocated; repairing");
  add(address_of("10.0.0.9", *service("web", "")));
  EXPECT_TRUE(repairs_of(*services_["default/web"], view()).empty());
}

TEST_F(IpAddressRepairPlan, MakesAnewWhatIsWrong) {
  IPAddress bare = address_of("10.0.0.9", *service("web", ""));
  bare.metadata.labels.clear();
  add(bare);
  EXPECT_EQ(repair().action, Action::kRecreate);
  EXPECT_EQ(repair().event.reason, "");
  add(address_of("10.0.0.9", *service("gone", "")));
  EXPECT_EQ(repair().action, Action::kRecreate);
  EXPECT_EQ(repair().event.message,
            "the ClusterIP [IPv4]: 10.0.0.9 for Service default/web has a wrong reference; "
            "repairing");
}

TEST_F(IpAddressRepairPlan, LeavesToPeopleWhatOnlyTheyCanDecide) {
  add(service("twin", "10.0.0.9"));
  add(address_of("10.0.0.9", *service("twin", "")));
  EXPECT_EQ(repair().action, Action::kNone);
  EXPECT_EQ(repair().event.reason, "ClusterIPAlreadyAllocated");
  add(service("far", "192.0.2.9"));
  EXPECT_EQ(repair("far").action, Action::kNone);
  EXPECT_EQ(repair("far").event.message,
            "Cluster IP [IPv4]: 192.0.2.9 is not within any configured Service CIDR; please "
            "recreate service");
}

TEST_F(IpAddressRepairPlan, ServicesWithoutAnAddressNeedNone) {
  add(service("headless", "None"));
  EXPECT_TRUE(repairs_of(*services_["default/headless"], view()).empty());
}

TEST_F(IpAddressRepairPlan, RemovesWhatNoServiceHas) {
  EXPECT_FALSE(verdict(0, 59, "gone").is_left_over) << "it may be on its way";
  EXPECT_GT(verdict(0, 59, "gone").again, Duration::zero());
  EXPECT_TRUE(verdict(0, 61, "gone").is_left_over);
  EXPECT_EQ(verdict(0, 61, "gone").event.message,
            "IPAddress: 10.0.0.7 for Service default/gone appears to have leaked: cleaning up");
  EXPECT_FALSE(verdict(100, 104).is_left_over) << "its Service may be about to change";
  EXPECT_EQ(verdict(100, 105).event.reason, "IPAddressWrongReference");
  add(service("web", "10.0.0.7"));
  EXPECT_FALSE(verdict(100, 105).is_left_over);
}

TEST_F(IpAddressRepairPlan, LeavesAloneWhatOthersMade) {
  IPAddress others = address_of("10.0.0.7", *service("gone", ""));
  others.metadata.labels.clear();
  EXPECT_FALSE(verdict_on(others, view(), at(1000)).is_left_over);
  IPAddress changed = address_of("10.0.0.7", *service("gone", ""));
  changed.spec.parent_ref->resource = "gateways";
  EXPECT_TRUE(verdict_on(changed, view(), at(0)).is_left_over);
}

}  // namespace
}  // namespace pinnace::controllers::ip_address_repair

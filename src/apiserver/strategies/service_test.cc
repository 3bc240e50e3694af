#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

const std::string kServices = "/api/v1/namespaces/default/services";

class Services : public ::testing::Test {
 protected:
  testing::AnswerRef make(const std::string& name, const std::string& spec) {
    return server_.post(kServices,
                        R"({"metadata":{"name":")" + name + R"("},"spec":)" + spec + "}");
  }
  std::string refusal(const std::string& spec) {
    const std::string message = make("s", spec)->message();
    const std::string prefix = "Service \"s\" is invalid: ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }
  TestServer server_;
};

TEST_F(Services, GetAnAddressAndWhatElseIsUsual) {
  const auto made = make("s", R"({"ports":[{"port":80}]})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("spec", "type"), "ClusterIP");
  EXPECT_EQ(made->at("spec", "ipFamilies"), R"(["IPv4"])");
  EXPECT_EQ(made->at("spec", "ipFamilyPolicy"), "SingleStack");
  EXPECT_EQ(made->at("spec", "internalTrafficPolicy"), "Cluster");
  EXPECT_TRUE(made->at("spec", "clusterIP").starts_with("10.96.0."));
  EXPECT_EQ(made->at("spec", "clusterIPs"), "[\"" + made->at("spec", "clusterIP") + "\"]");
  EXPECT_EQ(made->at("spec", "ports"), R"([{"protocol":"TCP","port":80,"targetPort":80}])");
  EXPECT_EQ(made->at("status"), R"({"loadBalancer":{}})");
}

TEST_F(Services, MayAskForAnAddressOnce) {
  ASSERT_EQ(make("a", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
  EXPECT_EQ(refusal(R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})"),
            "spec.clusterIPs: Invalid value: [\"10.96.0.9\"]: failed to allocate IP 10.96.0.9: "
            "provided IP is already allocated");
  EXPECT_EQ(refusal(R"({"clusterIP":"10.1.0.9","ports":[{"port":80}]})"),
            "spec.clusterIPs: Invalid value: [\"10.1.0.9\"]: failed to allocate IP 10.1.0.9: the "
            "provided network does not match the current range");
  ASSERT_EQ(server_.remove(kServices + "/a")->status, 200);
  EXPECT_EQ(make("b", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
}

TEST_F(Services, ANameThatIsTakenHoldsNoAddress) {
  ASSERT_EQ(make("a", R"({"ports":[{"port":80}]})")->status, 201);
  ASSERT_EQ(make("a", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 409);
  EXPECT_EQ(make("b", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
}

TEST_F(Services, KeepTheirAddress) {
  ASSERT_EQ(make("s", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
  EXPECT_EQ(server_
                .merge(kServices + "/s", R"({"spec":{"clusterIP":"10.96.0.8",)"
                                         R"("clusterIPs":["10.96.0.8"]}})")
                ->message(),
            "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.0.8\"]: may not "
            "change once set");
  // A client that knows no more than clusterIP is told the same.
  EXPECT_EQ(server_.merge(kServices + "/s", R"({"spec":{"clusterIP":"10.96.0.8"}})")->message(),
            "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.0.8\"]: may not "
            "change once set");
  const auto put =
      server_.put(kServices + "/s", R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":81}]}})");
  EXPECT_EQ(put->status, 200) << put->body;
  EXPECT_EQ(put->at("spec", "clusterIP"), "10.96.0.9");
}

TEST_F(Services, NodePortsAreGivenAndTakenBack) {
  const auto made =
      make("a", R"({"type":"NodePort","ports":[{"port":80,"nodePort":30003},)"
                R"({"port":80,"protocol":"UDP","name":"u"},{"port":81,"name":"b"}]})");
  EXPECT_EQ(made->status, 422) << "ports of a list need names";
  const auto named =
      make("a", R"({"type":"NodePort","ports":[{"port":80,"nodePort":30003,"name":"t"},)"
                R"({"port":80,"protocol":"UDP","name":"u"},{"port":81,"name":"b"}]})");
  ASSERT_EQ(named->status, 201) << named->body;
  const auto& ports = *named->json().find_path({"spec", "ports"});
  EXPECT_EQ(ports.items()[1].int_at("nodePort"), 30003) << "another protocol, the same port";
  EXPECT_NE(ports.items()[2].int_at("nodePort"), 0);
  EXPECT_EQ(refusal(R"({"type":"NodePort","ports":[{"port":80,"nodePort":30003}]})"),
            "spec.ports[0].nodePort: Invalid value: 30003: provided port is already allocated");
  EXPECT_EQ(refusal(R"({"type":"NodePort","ports":[{"port":80,"nodePort":80}]})"),
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. "
            "The range of valid ports is 30000-30010");
  EXPECT_EQ(refusal(R"({"ports":[{"port":80,"nodePort":30005}]})"),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'");
  const auto plain = server_.merge(kServices + "/a", R"({"spec":{"type":"ClusterIP"}})");
  EXPECT_EQ(plain->status, 200) << plain->body;
  EXPECT_EQ(plain->body.find("\"nodePort\""), std::string::npos);
  EXPECT_EQ(make("b", R"({"type":"NodePort","ports":[{"port":80,"nodePort":30003}]})")->status,
            201);
}

TEST_F(Services, ARangeThatIsFullSaysSo) {
  for (int i = 0; i < 11; ++i) {
    ASSERT_EQ(make("s" + std::to_string(i), R"({"type":"NodePort","ports":[{"port":80}]})")->status,
              201);
  }
  const auto full = make("s", R"({"type":"NodePort","ports":[{"port":80}]})");
  EXPECT_EQ(full->status, 500);
  EXPECT_EQ(full->message(),
            "Internal error occurred: failed to allocate a nodePort: range is full");
  ASSERT_EQ(server_.remove(kServices + "/s3")->status, 200);
  EXPECT_EQ(make("s", R"({"type":"NodePort","ports":[{"port":80}]})")->status, 201);
}

TEST_F(Services, ADryRunHoldsNothing) {
  const auto dry = server_.post(kServices + "?dryRun=All",
                                R"({"metadata":{"name":"d"},"spec":{"clusterIP":"10.96.0.9",)"
                                R"("ports":[{"port":80}]}})");
  EXPECT_EQ(dry->status, 201);
  EXPECT_EQ(make("s", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
}

TEST_F(Services, ADryRunShowsTheRange) {
  const auto dry = [&](const std::string& spec) {
    return server_.post(kServices + "?dryRun=All",
                        R"({"metadata":{"name":"d"},"spec":)" + spec + "}");
  };
  EXPECT_EQ(dry(R"({"ports":[{"port":80}]})")->at("spec", "clusterIP"), "10.96.0.0");
  EXPECT_EQ(dry(R"({"clusterIP":"10.96.0.1","ports":[{"port":80}]})")->status, 201);
  EXPECT_EQ(dry(R"({"clusterIP":"10.1.0.9","ports":[{"port":80}]})")->message(),
            "Service \"d\" is invalid: spec.clusterIPs: Invalid value: [\"10.1.0.9\"]: failed to "
            "allocate IP 10.1.0.9: the provided IP (10.1.0.9) is not in the valid range. The range "
            "of valid IPs is 10.96.0.0/24");
}

const std::string kIpAddresses = "/apis/networking.k8s.io/v1/ipaddresses";
const std::string kRanges = "/apis/networking.k8s.io/v1/servicecidrs";

TEST_F(Services, HaveAnIpAddressForEachAddress) {
  ASSERT_EQ(make("s", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
  const auto address = server_.get(kIpAddresses + "/10.96.0.9");
  ASSERT_EQ(address->status, 200);
  EXPECT_EQ(address->at("spec", "parentRef"),
            R"({"resource":"services","namespace":"default","name":"s"})");
  EXPECT_EQ(address->at("metadata", "labels"),
            R"({"ipaddress.kubernetes.io/ip-family":"IPv4",)"
            R"("ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"})");
  EXPECT_EQ(server_.get(kIpAddresses + "/10.96.0.1")->status, 200) << "of default/kubernetes";
  ASSERT_EQ(
      server_.merge(kServices + "/s", R"({"spec":{"type":"ExternalName","externalName":"a.b"}})")
          ->status,
      200);
  EXPECT_EQ(server_.get(kIpAddresses + "/10.96.0.9")->status, 404);
  // A client that knows clusterIP alone clears that.
  auto clears = make("t", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})");
  ASSERT_EQ(clears->status, 201) << clears->body;
  clears = server_.merge(kServices + "/t",
                         R"({"spec":{"type":"ExternalName","externalName":"a","clusterIP":""}})");
  EXPECT_EQ(clears->status, 200) << clears->body;
  ASSERT_EQ(server_.remove(kServices + "/t")->status, 200);
  ASSERT_EQ(make("t", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
  ASSERT_EQ(server_.remove(kServices + "/t")->status, 200);
  EXPECT_EQ(server_.get(kIpAddresses + "/10.96.0.9")->status, 404);
}

TEST_F(Services, DoNotGetAnAddressThatAnybodyHas) {
  ASSERT_EQ(server_
                .post(kIpAddresses, R"({"metadata":{"name":"10.96.0.9"},"spec":{"parentRef":)"
                                    R"({"resource":"gateways","name":"g"}}})")
                ->status,
            201);
  EXPECT_EQ(refusal(R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})"),
            "spec.clusterIPs: Invalid value: [\"10.96.0.9\"]: failed to allocate IP 10.96.0.9: "
            "provided IP is already allocated");
  ASSERT_EQ(server_.remove(kIpAddresses + "/10.96.0.9")->status, 200);
  EXPECT_EQ(make("t", R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})")->status, 201);
}

// As they are after an upgrade, until the controller has made what is missing.
TEST(ServicesWithoutIpAddress, KeepTheirAddress) {
  auto disk = std::make_shared<store::MemoryDisk>();
  {
    TestServer first(true, disk);
    ASSERT_EQ(first
                  .post(kServices, R"({"metadata":{"name":"s"},"spec":{"clusterIP":"10.96.0.9",)"
                                   R"("ports":[{"port":80}]}})")
                  ->status,
              201);
    ASSERT_EQ(first.remove(kIpAddresses + "/10.96.0.9")->status, 200);
  }
  TestServer second(true, disk);
  EXPECT_EQ(second
                .post(kServices, R"({"metadata":{"name":"t"},"spec":{"clusterIP":"10.96.0.9",)"
                                 R"("ports":[{"port":80}]}})")
                ->status,
            422);
}

TEST_F(Services, GetAddressesOfEveryRangeThatIsReady) {
  server_.service_cidr = "10.96.0.0/30";
  ASSERT_EQ(make("a", R"({"ports":[{"port":80}]})")->status, 201);
  const auto full = make("b", R"({"ports":[{"port":80}]})");
  EXPECT_EQ(full->status, 500);
  EXPECT_EQ(full->message(),
            "Internal error occurred: failed to allocate a serviceIP: range is full");
  ASSERT_EQ(server_
                .post(kRanges, R"({"metadata":{"name":"x","finalizers":["a.b/c"]},)"
                               R"("spec":{"cidrs":["10.5.0.0/29"]}})")
                ->status,
            201);
  const auto made = make("b", R"({"ports":[{"port":80}]})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_TRUE(made->at("spec", "clusterIP").starts_with("10.5.0."));
  const auto unready = server_.merge(
      kRanges + "/x/status",
      R"({"status":{"conditions":[{"type":"Ready","status":"False","reason":"X","message":"",)"
      R"("lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
  ASSERT_EQ(unready->status, 200) << unready->body;
  EXPECT_EQ(make("c", R"({"ports":[{"port":80}]})")->status, 500);
  const auto ready = server_.merge(kRanges + "/x/status", R"({"status":{"conditions":null}})");
  ASSERT_EQ(ready->status, 200) << ready->body;
  EXPECT_EQ(make("c", R"({"ports":[{"port":80}]})")->status, 201);
  ASSERT_EQ(server_.remove(kRanges + "/x")->status, 200);
  EXPECT_EQ(make("d", R"({"ports":[{"port":80}]})")->status, 500) << "it is going";
}

TEST_F(Services, HaveBothFamiliesWhereTheClusterDoes) {
  server_.service_cidr = "10.96.0.0/24,fd00:1::/112";
  EXPECT_EQ(server_.get(kRanges + "/kubernetes")->at("spec", "cidrs"),
            R"(["10.96.0.0/24","fd00:1::/112"])");
  EXPECT_EQ(make("plain", R"({"ports":[{"port":80}]})")->at("spec", "ipFamilies"), R"(["IPv4"])");
  const auto six = make("six", R"({"clusterIP":"fd00:1::5","ports":[{"port":80}]})");
  EXPECT_EQ(six->at("spec", "ipFamilies"), R"(["IPv6"])") << six->body;
  const auto both = make("both", R"({"ipFamilyPolicy":"RequireDualStack","clusterIP":"10.96.0.9",)"
                                 R"("clusterIPs":["10.96.0.9","fd00:1::9"],"ports":[{"port":1}]})");
  ASSERT_EQ(both->status, 201) << both->body;
  EXPECT_EQ(both->at("spec", "ipFamilies"), R"(["IPv4","IPv6"])");
  EXPECT_EQ(server_.get(kIpAddresses + "/fd00:1::9")->status, 200);
  // One who has the second address keeps it from the whole Service.
  EXPECT_EQ(refusal(R"({"ipFamilyPolicy":"RequireDualStack","clusterIP":"10.96.0.10",)"
                    R"("clusterIPs":["10.96.0.10","fd00:1::9"],"ports":[{"port":1}]})"),
            "spec.clusterIPs: Invalid value: [\"10.96.0.10\",\"fd00:1::9\"]: failed to allocate IP "
            "fd00:1::9: provided IP is already allocated");
  EXPECT_EQ(server_.get(kIpAddresses + "/10.96.0.10")->status, 404);
  const auto change = [&](const std::string& spec) {
    return server_.merge(kServices + "/both", R"({"spec":)" + spec + "}");
  };
  EXPECT_EQ(change(R"({"clusterIPs":["10.96.0.9"],"ipFamilies":["IPv4"]})")->message(),
            "Service \"both\" is invalid: [spec.ipFamilyPolicy: Invalid value: "
            "\"RequireDualStack\": must be 'SingleStack' to release the secondary cluster IP, "
            "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' to "
            "release the secondary IP family]");
  const auto single = change(R"({"ipFamilyPolicy":"SingleStack"})");
  EXPECT_EQ(single->at("spec", "clusterIPs"), R"(["10.96.0.9"])") << single->body;
  EXPECT_EQ(server_.get(kIpAddresses + "/fd00:1::9")->status, 404);
  const auto again = change(R"({"ipFamilyPolicy":"PreferDualStack"})");
  EXPECT_EQ(again->at("spec", "ipFamilies"), R"(["IPv4","IPv6"])") << again->body;
  // A client that knows clusterIP alone takes nothing away.
  const auto put = server_.put(kServices + "/both",
                               R"({"metadata":{"name":"both"},"spec":{"clusterIP":"10.96.0.9",)"
                               R"("ports":[{"port":2}]}})");
  EXPECT_EQ(put->at("spec", "clusterIPs"), again->at("spec", "clusterIPs")) << put->body;
}

TEST_F(Services, TakeWhatIsNullForNothing) {
  const auto made =
      make("s", R"({"clusterIP":null,"clusterIPs":null,"ipFamilies":null,"ports":[{"port":1}]})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_NE(made->at("spec", "clusterIP"), "");
  EXPECT_EQ(make("t", R"({"clusterIPs":[null],"ports":[{"port":1}]})")->status, 422);
  EXPECT_EQ(make("t", R"({"ipFamilies":[null],"ports":[{"port":1}]})")->status, 422);
  EXPECT_EQ(make("t", R"({"clusterIP":"10.96.0.5","clusterIPs":["10.96.0.5",null],)"
                      R"("ports":[{"port":1}]})")
                ->status,
            422);
}

TEST_F(Services, MayBeOfIpv6Alone) {
  server_.service_cidr = "2001:db8::/64";
  const auto made = make("s", R"({"ports":[{"port":80}]})");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("spec", "ipFamilies"), R"(["IPv6"])");
  EXPECT_TRUE(made->at("spec", "clusterIP").starts_with("2001:db8::"));
  EXPECT_EQ(make("last", R"({"clusterIP":"2001:db8::ffff:ffff:ffff:ffff","ports":[{"port":80}]})")
                ->status,
            201);
  EXPECT_EQ(refusal(R"({"clusterIP":"10.96.0.9","ports":[{"port":80}]})"),
            "spec.clusterIPs[0]: Invalid value: [\"10.96.0.9\"]: IPv4 is not configured on this "
            "cluster");
}

TEST_F(Services, KeepNodePortsByName) {
  ASSERT_EQ(make("a", R"({"type":"NodePort","ports":[{"name":"x","port":80,"nodePort":30001},)"
                      R"({"name":"y","port":81,"nodePort":30002}]})")
                ->status,
            201);
  const auto swapped = server_.merge(
      kServices + "/a", R"({"spec":{"ports":[{"name":"y","port":80},{"name":"x","port":90}]}})");
  ASSERT_EQ(swapped->status, 200) << swapped->body;
  EXPECT_EQ(swapped->at("spec", "ports"),
            R"([{"name":"y","protocol":"TCP","port":80,"targetPort":80,"nodePort":30002},)"
            R"({"name":"x","protocol":"TCP","port":90,"targetPort":90,"nodePort":30001}])");
  EXPECT_EQ(refusal(R"({"type":"NodePort","ports":[{"name":"x","port":80,"nodePort":30003},)"
                    R"({"name":"y","port":81,"protocol":"UDP","nodePort":30003}]})"),
            "spec.ports[1].nodePort: Invalid value: 30003: provided port is already allocated");
}

TEST_F(Services, KeepNodePortsThatAreGivenNoMore) {
  const auto made = make("a", R"({"type":"LoadBalancer","ports":[{"port":80}]})");
  const auto left =
      server_.merge(kServices + "/a", R"({"spec":{"allocateLoadBalancerNodePorts":false}})");
  EXPECT_EQ(left->at("spec", "ports"), made->at("spec", "ports"));
  const auto gone = server_.merge(kServices + "/a", R"({"spec":{"ports":[{"port":80}]}})");
  EXPECT_EQ(gone->body.find("\"nodePort\""), std::string::npos) << gone->body;
  ASSERT_EQ(make("b", R"({"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,)"
                      R"("ports":[{"port":80,"nodePort":30009}]})")
                ->status,
            201);
  EXPECT_EQ(refusal(R"({"type":"NodePort","ports":[{"port":80,"nodePort":30009}]})"),
            "spec.ports[0].nodePort: Invalid value: 30009: provided port is already allocated");
}

TEST_F(Services, HaveNoPolicyForInsideWithoutAnInside) {
  const auto made = make("e", R"({"type":"ExternalName","externalName":"a.b",)"
                              R"("internalTrafficPolicy":"Cluster"})");
  EXPECT_EQ(made->status, 201);
  EXPECT_EQ(made->at("spec", "internalTrafficPolicy"), "");
  ASSERT_EQ(make("s", R"({"ports":[{"port":1}]})")->at("spec", "internalTrafficPolicy"), "Cluster");
  const auto turned =
      server_.merge(kServices + "/s", R"({"spec":{"type":"ExternalName","externalName":"a.b"}})");
  EXPECT_EQ(turned->status, 200) << turned->body;
  EXPECT_EQ(turned->at("spec", "internalTrafficPolicy"), "");
}

TEST_F(Services, AreMadeByPut) {
  EXPECT_EQ(
      server_.put(kServices + "/p", R"({"metadata":{"name":"p"},"spec":{"ports":[{"port":1}]}})")
          ->status,
      201);
}

TEST_F(Services, CanBeHeadlessOrExternal) {
  const auto headless = make("h", R"({"clusterIP":"None"})");
  EXPECT_EQ(headless->status, 201) << headless->body;
  EXPECT_EQ(headless->at("spec", "clusterIPs"), R"(["None"])");
  const auto external = make("e", R"({"type":"ExternalName","externalName":"example.com"})");
  EXPECT_EQ(external->status, 201) << external->body;
  EXPECT_EQ(external->at("spec", "clusterIP"), "");
  const auto inside =
      server_.merge(kServices + "/e",
                    R"({"spec":{"type":"ClusterIP","externalName":null,"ports":[{"port":1}]}})");
  EXPECT_EQ(inside->status, 200) << inside->body;
  EXPECT_TRUE(inside->at("spec", "clusterIP").starts_with("10.96.0."));
  const auto outside = server_.merge(
      kServices + "/e", R"({"spec":{"type":"ExternalName","externalName":"x.y","clusterIP":null,)"
                        R"("clusterIPs":null}})");
  EXPECT_EQ(outside->status, 200) << outside->body;
  EXPECT_EQ(outside->at("spec", "clusterIP"), "");
}

TEST_F(Services, AreChecked) {
  struct Row {
    const char* spec;
    const char* wanted;
  };
  const Row rows[] = {
      {R"({})", "spec.ports: Required value"},
      {R"({"ports":[{"port":0}]})",
       "[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, "
       "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]"},
      {R"({"ports":[{"port":1},{"port":2}]})",
       "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]"},
      {R"({"ports":[{"port":1,"name":"a"},{"port":2,"name":"a"}]})",
       "spec.ports[1].name: Duplicate value: \"a\""},
      {R"({"type":"Some","ports":[{"port":1}]})",
       "spec.type: Unsupported value: \"Some\": supported values: \"ClusterIP\", \"ExternalName\", "
       "\"LoadBalancer\", \"NodePort\""},
      {R"({"type":"NodePort","clusterIP":"None","ports":[{"port":1}]})",
       "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort "
       "services"},
      {R"({"type":"ExternalName"})", "spec.externalName: Required value"},
      {R"({"ports":[{"port":1}],"ipFamilies":["IPv6"]})",
       "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"},
      {R"({"ports":[{"port":1}],"externalIPs":["127.0.0.1"]})",
       "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
       "(127.0.0.0/8, ::1/128)"},
      {R"({"ports":[{"port":1}],"externalTrafficPolicy":"Local"})",
       "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for "
       "externally-accessible services"},
      {R"({"ports":[{"port":1,"protocol":"X"}]})",
       "spec.ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", "
       "\"UDP\""},
  };
  for (const Row& row : rows) EXPECT_EQ(refusal(row.spec), row.wanted) << row.spec;
  EXPECT_NE(
      make("1a", R"({"ports":[{"port":1}]})")->message().find("a DNS-1035 label must consist"),
      std::string::npos);
}

TEST_F(Services, AddressesSurviveARestart) {
  auto disk = std::make_shared<store::MemoryDisk>();
  const std::string body =
      R"({"metadata":{"name":"s"},"spec":{"clusterIP":"10.96.0.9","ports":[{"port":80}]}})";
  {
    TestServer first(true, disk);
    ASSERT_EQ(first.post(kServices, body)->status, 201);
  }
  TestServer second(true, disk);
  EXPECT_EQ(second
                .post(kServices, R"({"metadata":{"name":"t"},"spec":{"clusterIP":"10.96.0.9",)"
                                 R"("ports":[{"port":80}]}})")
                ->status,
            422);
}

}  // namespace
}  // namespace pinnace::apiserver

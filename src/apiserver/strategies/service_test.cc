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
            "provided IP (10.1.0.9) is not in the valid range. The range of valid IPs is "
            "10.96.0.0/24");
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
  EXPECT_EQ(
      refusal(R"({"type":"NodePort","ports":[{"port":80}]})"),
      "spec.ports[0].nodePort: Invalid value: 0: failed to allocate a nodePort: range is full");
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

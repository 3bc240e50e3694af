#include "dns/directory.h"

#include <gtest/gtest.h>

namespace pinnace::dns {
namespace {

using api::core_v1::Service;
using api::discovery_v1::EndpointSlice;

Service service(std::string name, std::string cluster_ip) {
  Service made;
  made.metadata.name = std::move(name);
  made.metadata.namespace_ = "default";
  made.spec.type = "ClusterIP";
  made.spec.cluster_ip = cluster_ip;
  made.spec.cluster_ips = {cluster_ip};
  made.spec.ports.resize(1);
  made.spec.ports[0].name = "http";
  made.spec.ports[0].protocol = "TCP";
  made.spec.ports[0].port = 80;
  return made;
}

EndpointSlice slice(const std::string& owner, std::vector<std::string> addresses) {
  EndpointSlice made;
  made.metadata.name = owner + "-abcde";
  made.metadata.namespace_ = "default";
  made.metadata.labels["kubernetes.io/service-name"] = owner;
  made.address_type = "IPv4";
  made.ports.resize(1);
  made.ports[0].name = "http";
  made.ports[0].protocol = "TCP";
  made.ports[0].port = 8080;
  for (auto& address : addresses) {
    made.endpoints.emplace_back();
    made.endpoints.back().addresses = {address};
  }
  return made;
}

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    add(service("web", "10.96.0.5"));
    add(service("db", "None"));
    auto external = service("out", "");
    external.spec.type = "ExternalName";
    external.spec.external_name = "example.com";
    external.spec.cluster_ips.clear();
    add(external);
    external.metadata.name = "alias";
    external.spec.external_name = "web.default.svc.cluster.local.";
    add(external);
    auto pods = slice("db", {"10.244.0.2", "10.244.0.3", "10.244.0.4"});
    pods.endpoints[0].hostname = "db-0";
    pods.endpoints[2].conditions.ready = false;
    add(pods);
  }
  void add(Service s) {
    const auto key = "default/" + s.metadata.name;
    directory_.set_service(key, std::make_shared<Service>(std::move(s)));
  }
  void add(EndpointSlice s) {
    const auto key = "default/" + s.metadata.name;
    directory_.set_slice(key, std::make_shared<EndpointSlice>(std::move(s)));
  }
  Answer ask(std::string name, Type type = Type::kA, std::size_t rotation = 0) {
    return directory_.resolve({std::move(name), type}, rotation);
  }
  static std::vector<std::string> addresses(const Answer& answer) {
    std::vector<std::string> texts;
    for (const auto& record : answer.answers) {
      if (record.type == Type::kA) texts.push_back(record.address.text());
    }
    return texts;
  }
  using Texts = std::vector<std::string>;
  Directory directory_{"cluster.local"};
};

TEST_F(DirectoryTest, GivesTheClusterAddressOfAServiceInAnyCase) {
  const auto answer = ask("WEB.Default.svc.cluster.local");
  EXPECT_EQ(addresses(answer), Texts{"10.96.0.5"});
  EXPECT_EQ(answer.answers[0].name, "WEB.Default.svc.cluster.local") << "the asker's spelling";
  EXPECT_EQ(answer.answers[0].ttl, 30u);
}

TEST_F(DirectoryTest, GivesReadyEndpointsOfAHeadlessServiceInTurn) {
  EXPECT_EQ(addresses(ask("db.default.svc.cluster.local")), (Texts{"10.244.0.2", "10.244.0.3"}));
  EXPECT_EQ(addresses(ask("db.default.svc.cluster.local", Type::kA, 1)),
            (Texts{"10.244.0.3", "10.244.0.2"}));
  EXPECT_EQ(addresses(ask("db-0.db.default.svc.cluster.local")), Texts{"10.244.0.2"});
  EXPECT_EQ(addresses(ask("10-244-0-3.db.default.svc.cluster.local")), Texts{"10.244.0.3"});
  EXPECT_EQ(ask("10-244-0-4.db.default.svc.cluster.local").rcode, Rcode::kNxDomain);
}

TEST_F(DirectoryTest, DistinguishesNoSuchNameFromNoSuchType) {
  for (const char* absent : {"no.default.svc.cluster.local", "web.no.svc.cluster.local",
                             "google.com.default.svc.cluster.local", "x.cluster.local",
                             "no.svc.cluster.local", "db-9.db.default.svc.cluster.local"}) {
    const auto answer = ask(absent);
    EXPECT_EQ(answer.rcode, Rcode::kNxDomain) << absent;
    ASSERT_EQ(answer.authority.size(), 1u) << absent;
    EXPECT_EQ(answer.authority[0].type, Type::kSoa);
    EXPECT_EQ(answer.authority[0].minimum, 5u);
  }
  for (const char* present :
       {"web.default.svc.cluster.local", "default.svc.cluster.local", "svc.cluster.local",
        "cluster.local", "db-0.db.default.svc.cluster.local"}) {
    const auto answer = ask(present, Type::kAaaa);
    EXPECT_EQ(answer.rcode, Rcode::kNoError) << present;
    EXPECT_TRUE(answer.answers.empty());
    EXPECT_EQ(answer.authority.size(), 1u);
  }
}

TEST_F(DirectoryTest, AnswersServiceRecordsWithTheirTargets) {
  const auto web = ask("_http._tcp.web.default.svc.cluster.local", Type::kSrv);
  ASSERT_EQ(web.answers.size(), 1u);
  EXPECT_EQ(web.answers[0].port, 80);
  EXPECT_EQ(web.answers[0].target, "web.default.svc.cluster.local");
  ASSERT_EQ(web.additional.size(), 1u);
  const auto db = ask("_http._tcp.db.default.svc.cluster.local", Type::kSrv);
  ASSERT_EQ(db.answers.size(), 2u);
  EXPECT_EQ(db.answers[0].port, 8080);
  EXPECT_EQ(db.answers[0].target, "db-0.db.default.svc.cluster.local");
  EXPECT_EQ(db.additional.size(), 2u);
  EXPECT_EQ(ask("_http._udp.web.default.svc.cluster.local", Type::kSrv).rcode, Rcode::kNxDomain);
  EXPECT_EQ(addresses(ask("_http._tcp.web.default.svc.cluster.local")), Texts{"10.96.0.5"});
}

TEST_F(DirectoryTest, PointsExternalNamesAtTheirTargets) {
  const auto out = ask("out.default.svc.cluster.local");
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_EQ(out.answers[0].type, Type::kCname);
  EXPECT_EQ(out.answers[0].target, "example.com");
  EXPECT_EQ(out.follow, "example.com");
  const auto alias = ask("alias.default.svc.cluster.local");
  EXPECT_EQ(alias.follow, "") << "the target is ours";
  EXPECT_EQ(addresses(alias), Texts{"10.96.0.5"});
}

TEST_F(DirectoryTest, BreaksAliasesThatLeadToEachOther) {
  auto loop = service("loop", "");
  loop.spec.type = "ExternalName";
  loop.spec.external_name = "loop.default.svc.cluster.local";
  add(loop);
  EXPECT_EQ(ask("loop.default.svc.cluster.local").rcode, Rcode::kServFail);
}

TEST_F(DirectoryTest, AnswersPodNamesAndReverseNames) {
  EXPECT_EQ(addresses(ask("10-244-0-9.default.pod.cluster.local")), Texts{"10.244.0.9"});
  EXPECT_EQ(ask("x.default.pod.cluster.local").rcode, Rcode::kNxDomain);
  EXPECT_EQ(ask("5.0.96.10.in-addr.arpa", Type::kPtr).answers.at(0).target,
            "web.default.svc.cluster.local");
  EXPECT_EQ(ask("2.0.244.10.in-addr.arpa", Type::kPtr).answers.at(0).target,
            "db-0.db.default.svc.cluster.local");
  EXPECT_TRUE(ask("8.8.8.8.in-addr.arpa", Type::kPtr).forward);
}

TEST_F(DirectoryTest, ForwardsWhatIsOutsideTheCluster) {
  EXPECT_TRUE(ask("example.com").forward);
  EXPECT_TRUE(ask("notcluster.local").forward);
  EXPECT_TRUE(ask("").forward);
}

TEST_F(DirectoryTest, ForgetsWhatIsGone) {
  directory_.set_service("default/web", nullptr);
  directory_.set_slice("default/db-abcde", nullptr);
  EXPECT_EQ(ask("web.default.svc.cluster.local").rcode, Rcode::kNxDomain);
  EXPECT_TRUE(ask("5.0.96.10.in-addr.arpa", Type::kPtr).forward);
  EXPECT_TRUE(ask("2.0.244.10.in-addr.arpa", Type::kPtr).forward);
  const auto empty = ask("db.default.svc.cluster.local");
  EXPECT_EQ(empty.rcode, Rcode::kNoError);
  EXPECT_TRUE(empty.answers.empty());
}

}  // namespace
}  // namespace pinnace::dns

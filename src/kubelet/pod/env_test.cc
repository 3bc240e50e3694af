#include "kubelet/pod/env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using Data = std::map<std::string, std::string, std::less<>>;

TEST(ExpandVariables, KnowsReferencesAndEscapes) {
  const Environment known{{"A", "1"}, {"B", "two words"}};
  for (const auto& [text, expected] : std::map<std::string, std::string>{
           {"$(A)", "1"},
           {"x$(A)$(B)y", "x1two wordsy"},
           {"$(NONE)", "$(NONE)"},
           {"$$(A)", "$(A)"},
           {"$$$(A)", "$1"},
           {"$$$$", "$$"},
           {"$A ${A}", "$A ${A}"},
           {"$(A", "$(A"},
           {"$", "$"},
           {"", ""},
       }) {
    EXPECT_EQ(expand_variables(text, known), expected) << text;
  }
}

EnvSources sources() {
  return {[](const std::string& name) -> Result<Data> {
            if (name != "settings") return errors::not_found("configmaps", name);
            return Data{{"KEY", "from-map"}, {"1bad", "x"}};
          },
          [](const std::string& name) -> Result<Data> {
            if (name != "password") return errors::not_found("secrets", name);
            return Data{{"word", "sesame"}};
          }};
}

core::EnvVar variable(const std::string& name, const std::string& value) {
  core::EnvVar out;
  out.name = name;
  out.value = value;
  return out;
}

TEST(Environment, LaterDefinitionsWinAndMayReferToEarlierOnes) {
  auto container = make_container("c");
  container.env = {variable("A", "1"), variable("B", "$(A)-$(WEB_SERVICE_HOST)-$(LATER)"),
                   variable("A", "2"), variable("LATER", "x")};
  const auto env = make_environment(make_pod("p", {container}), container, {}, sources(),
                                    {{"WEB_SERVICE_HOST", "10.96.0.7"}});
  EXPECT_THAT(*env, Contains(Pair("A", "2")));
  EXPECT_THAT(*env, Contains(Pair("B", "1-10.96.0.7-$(LATER)")));
  EXPECT_THAT(*env, Contains(Pair("WEB_SERVICE_HOST", "10.96.0.7")));
}

TEST(Environment, TakesWholeMapsWithAPrefix) {
  auto container = make_container("c");
  core::EnvFromSource from;
  from.prefix = "P_";
  from.config_map_ref.emplace();
  from.config_map_ref->name = "settings";
  container.env_from = {from};
  const auto env = make_environment(make_pod("p", {container}), container, {}, sources(), {});
  EXPECT_THAT(*env, Contains(Pair("P_KEY", "from-map")));
  container.env_from[0].config_map_ref->name = "none";
  EXPECT_EQ(make_environment(make_pod("p", {container}), container, {}, sources(), {}).error().code,
            404);
  container.env_from[0].config_map_ref->optional = true;
  EXPECT_TRUE(make_environment(make_pod("p", {container}), container, {}, sources(), {}));
}

TEST(Environment, NamesTheKeyThatIsMissing) {
  auto container = make_container("c");
  core::EnvVar var = variable("A", "");
  var.value_from.emplace();
  var.value_from->secret_key_ref.emplace();
  var.value_from->secret_key_ref->name = "password";
  var.value_from->secret_key_ref->key = "none";
  container.env = {var};
  const auto env = make_environment(make_pod("p", {container}), container, {}, sources(), {});
  EXPECT_EQ(env.error().message, "couldn't find key none in Secret default/password");
}

TEST(FieldValue, KnowsThePodAndItsNode) {
  auto pod = make_pod("p", {make_container("c")});
  pod.metadata.labels = {{"a", "x\"y"}, {"b", "z"}};
  pod.spec.service_account_name = "robot";
  const PodFacts facts{"node", "192.0.2.1", {"10.0.0.1", "fd00::1"}, 0, 0};
  for (const auto& [path, expected] : std::map<std::string, std::string>{
           {"metadata.name", "p"},
           {"metadata.labels['b']", "z"},
           {"metadata.annotations['none']", ""},
           {"metadata.labels", "a=\"x\\\"y\"\nb=\"z\""},
           {"spec.nodeName", "node"},
           {"spec.serviceAccountName", "robot"},
           {"status.hostIP", "192.0.2.1"},
           {"status.podIP", "10.0.0.1"},
           {"status.podIPs", "10.0.0.1,fd00::1"},
       }) {
    EXPECT_EQ(*field_value(pod, facts, path), expected) << path;
  }
  EXPECT_THAT(field_value(pod, facts, "spec.secrets").error().message, HasSubstr("unsupported"));
}

TEST(ResourceValue, RoundsUpToTheDivisorAndFallsBackToTheNode) {
  auto container = make_container("c");
  container.resources.limits["cpu"] = *api::Quantity::parse("1500m");
  container.resources.requests["memory"] = *api::Quantity::parse("64Mi");
  const PodFacts facts{"", "", {}, 4000, 8ll << 30};
  EXPECT_EQ(*resource_value(container, facts, "limits.cpu", {}), "2");
  EXPECT_EQ(*resource_value(container, facts, "limits.cpu", *api::Quantity::parse("1m")), "1500");
  EXPECT_EQ(*resource_value(container, facts, "requests.memory", *api::Quantity::parse("1Mi")),
            "64");
  EXPECT_EQ(*resource_value(container, facts, "limits.memory", *api::Quantity::parse("1Gi")), "8");
  EXPECT_FALSE(resource_value(container, facts, "cpu", {}));
}

TEST(ServiceVariables, FollowDockersOldLinks) {
  core::Service service;
  service.metadata.name = "my-db.x";
  service.spec.cluster_ip = "10.96.0.9";
  core::ServicePort sql, admin;
  sql.name = "sql";
  sql.port = 5432;
  sql.protocol = "TCP";
  admin.port = 53;
  admin.protocol = "UDP";
  service.spec.ports = {sql, admin};
  Environment out;
  add_service_variables(service, out);
  EXPECT_EQ(out, (Environment{{"MY_DB_X_SERVICE_HOST", "10.96.0.9"},
                              {"MY_DB_X_SERVICE_PORT", "5432"},
                              {"MY_DB_X_SERVICE_PORT_SQL", "5432"},
                              {"MY_DB_X_PORT", "tcp://10.96.0.9:5432"},
                              {"MY_DB_X_PORT_5432_TCP", "tcp://10.96.0.9:5432"},
                              {"MY_DB_X_PORT_5432_TCP_PROTO", "tcp"},
                              {"MY_DB_X_PORT_5432_TCP_PORT", "5432"},
                              {"MY_DB_X_PORT_5432_TCP_ADDR", "10.96.0.9"},
                              {"MY_DB_X_PORT_53_UDP", "udp://10.96.0.9:53"},
                              {"MY_DB_X_PORT_53_UDP_PROTO", "udp"},
                              {"MY_DB_X_PORT_53_UDP_PORT", "53"},
                              {"MY_DB_X_PORT_53_UDP_ADDR", "10.96.0.9"}}));
  out.clear();
  service.spec.cluster_ip = "None";
  add_service_variables(service, out);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace pinnace::kubelet::testing

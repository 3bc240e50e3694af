// Which flow schema a request falls under, with those that every cluster has.
#include "apiserver/fairness/model.h"

#include <gtest/gtest.h>

#include "apiserver/fairness/default_objects.h"
#include "apiserver/fairness/digest.h"

namespace pinnace::apiserver::fairness {
namespace {

class BootstrapFlowSchemas : public ::testing::Test {
 protected:
  BootstrapFlowSchemas() : schemas_(digest({}, {}, 600).schemas) {
    for (const DefaultObject& object : default_objects()) {
      if (object.is_schema && !object.is_mandatory) {
        schemas_.push_back(read_flow_schema(object.tree));
      }
    }
    sort_flow_schemas(schemas_);
  }
  std::string schema_of(const User& user, std::string_view method, std::string_view path) {
    const auto info = parse_request_info(method, path, Query::parse("").value()).value();
    for (const auto& schema : schemas_) {
      if (schema.matches(user, info)) return schema.name;
    }
    return "";
  }
  std::vector<FlowSchema> schemas_;
};

TEST_F(BootstrapFlowSchemas, SendEachRequestWhereItBelongs) {
  const User admin{"admin", "", {"system:masters", "system:authenticated"}, {}};
  const User node{"system:node:a", "", {"system:nodes", "system:authenticated"}, {}};
  const User manager{"system:kube-controller-manager", "", {"system:authenticated"}, {}};
  const User account{"system:serviceaccount:default:web",
                     "",
                     {"system:serviceaccounts", "system:authenticated"},
                     {}};
  const User dns{"system:serviceaccount:kube-system:dns",
                 "",
                 {"system:serviceaccounts", "system:authenticated"},
                 {}};
  const User person{"jane", "", {"system:authenticated"}, {}};
  const User nobody{"system:anonymous", "", {"system:unauthenticated"}, {}};
  const std::string lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a";
  const std::string pods = "/api/v1/namespaces/default/pods";
  EXPECT_EQ(schema_of(admin, "GET", pods), "exempt");
  EXPECT_EQ(schema_of(nobody, "GET", "/healthz"), "probes");
  EXPECT_EQ(schema_of(nobody, "GET", "/version"), "global-default");
  EXPECT_EQ(schema_of(node, "PUT", lease), "system-node-high");
  EXPECT_EQ(schema_of(node, "PATCH", "/api/v1/nodes/a/status"), "system-node-high");
  EXPECT_EQ(schema_of(node, "GET", pods), "system-nodes");
  EXPECT_EQ(schema_of(manager, "PUT", lease), "system-leader-election");
  EXPECT_EQ(schema_of(manager, "GET", pods), "kube-controller-manager");
  EXPECT_EQ(schema_of(dns, "GET", pods), "kube-system-service-accounts");
  EXPECT_EQ(schema_of(dns, "PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/lock"),
            "system-leader-election");
  EXPECT_EQ(schema_of(dns, "PUT", "/api/v1/namespaces/a/configmaps/lock"),
            "kube-system-service-accounts");
  EXPECT_EQ(schema_of(account, "GET", pods), "service-accounts");
  EXPECT_EQ(schema_of(person, "GET", pods), "global-default");
}

TEST_F(BootstrapFlowSchemas, AFlowIsAUserOrANamespaceAsTheSchemaSays) {
  RequestInfo here, there;
  here.ns = "here";
  there.ns = "there";
  FlowSchema schema{.name = "s"};
  EXPECT_EQ(schema.flow_of({"a", "", {}, {}}, here), schema.flow_of({"b", "", {}, {}}, there));
  schema.distinguisher = FlowSchema::Distinguisher::kUser;
  EXPECT_NE(schema.flow_of({"a", "", {}, {}}, here), schema.flow_of({"b", "", {}, {}}, here));
  EXPECT_EQ(schema.flow_of({"a", "", {}, {}}, here), schema.flow_of({"a", "", {}, {}}, there));
  schema.distinguisher = FlowSchema::Distinguisher::kNamespace;
  EXPECT_NE(schema.flow_of({"a", "", {}, {}}, here), schema.flow_of({"a", "", {}, {}}, there));
}

}  // namespace
}  // namespace pinnace::apiserver::fairness

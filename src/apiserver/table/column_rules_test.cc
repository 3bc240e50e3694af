#include "apiserver/table/column_rules.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "apiserver/table/column_expression.h"
#include "apiserver/table/table_columns.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

WallTime at(std::string_view text) {
  WallTime time;
  EXPECT_TRUE(parse_rfc3339(text, time));
  return time;
}

std::string cell(std::string_view rule, std::string_view json) {
  const ColumnRule* found = find_column_rule(rule);
  if (found == nullptr) return "no rule";
  api::Arena arena;
  const Value object = api::parse_json(arena, json).value();
  return found->text(object, at("2026-01-01T01:00:00Z"));
}

// An object with every field that its type has, down to a depth.
Value filled(api::Arena& arena, const api::TypeInfo& type, int depth);

Value filled_one(api::Arena& arena, const api::FieldInfo& field, int depth) {
  using api::Form;
  switch (field.form) {
    case Form::kBool:
      return Value::boolean(true);
    case Form::kInt32:
    case Form::kInt64:
    case Form::kUint32:
    case Form::kUint64:
    case Form::kIntOrString:
      return Value::integer(7);
    case Form::kDouble:
      return Value::number(0.5);
    case Form::kTime:
      return Value::string_ref("2026-01-01T00:00:00Z");
    case Form::kMicroTime:
      return Value::string_ref("2026-01-01T00:00:00.000000Z");
    case Form::kDuration:
      return Value::string_ref("1m0s");
    case Form::kQuantity:
      return Value::string_ref("1Gi");
    case Form::kObject:
      return depth > 0 ? filled(arena, *field.type, depth - 1) : Value::object();
    case Form::kRawObject:
      return Value::object();
    default:
      return Value::string_ref(field.enum_values.empty() ? "text" : field.enum_values[0]);
  }
}

Value filled_field(api::Arena& arena, const api::FieldInfo& field, int depth) {
  const Value one = filled_one(arena, field, depth);
  if (field.container == api::Container::kOne) return one;
  Value many = field.container == api::Container::kList ? Value::array() : Value::object();
  if (many.is_array())
    many.append(arena, one);
  else
    many.set_ref(arena, "key", one);
  return many;
}

Value filled(api::Arena& arena, const api::TypeInfo& type, int depth) {
  if (type.form == api::TypeForm::kWrapperList) return filled_field(arena, type.fields[0], depth);
  Value out = Value::object();
  for (const api::FieldInfo& field : type.fields) {
    const Value value = filled_field(arena, field, depth);
    if (!field.is_inline) {
      out.set_ref(arena, field.name, value);
      continue;
    }
    for (const auto& [key, member] : value.members()) out.set_ref(arena, key, member);
  }
  return out;
}

TEST(Columns, OfEveryKindAreParsedAndFillRowsOfWhateverIsThere) {
  std::size_t columns = 0;
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    const auto parsed = TableColumns::of(resource);
    ASSERT_TRUE(parsed) << resource.kind << ": " << parsed.error().message;
    api::Arena arena;
    const Value objects[] = {Value::object(), filled(arena, *resource.type, 7)};
    for (const Value& object : objects) {
      std::string text;
      (*parsed)->write_cells(text, arena, object, at("2026-01-01T01:00:00Z"));
      const auto cells = api::parse_json(arena, text);
      ASSERT_TRUE(cells) << text;
      EXPECT_EQ(cells->size(), std::max<std::size_t>(resource.columns.size(), 2)) << resource.kind;
      for (const Value& one : cells->items()) EXPECT_FALSE(one.is_null()) << resource.kind;
      columns += cells->size();
    }
  }
  EXPECT_GT(columns, 500U);
}

TEST(Columns, OfADeploymentShowWhatItHolds) {
  const auto* deployments = api::builtin_schema().find_resource("apps", "v1", "deployments");
  api::Arena arena;
  std::string text;
  (*TableColumns::of(*deployments))
      ->write_cells(text, arena, filled(arena, *deployments->type, 7), at("2026-01-01T01:00:00Z"));
  // "text" is no operator of a selector.
  EXPECT_EQ(text, R"(["text","7/7",7,7,"60m","text","text","\u003cerror\u003e"])");
}

TEST(PodColumns, CountReadyContainers) {
  constexpr std::string_view kPod = R"({"spec":{"containers":[{},{}],"initContainers":[
      {"name":"side","restartPolicy":"Always"},{"name":"once"}]},
    "status":{"phase":"Running","containerStatuses":[
      {"ready":true,"state":{"running":{}}},{"ready":false,"state":{"running":{}}}],
      "initContainerStatuses":[
      {"name":"side","started":true,"ready":true,"state":{"running":{}}},
      {"name":"once","state":{"terminated":{"exitCode":0}}}]}})";
  EXPECT_EQ(cell("pod-ready", kPod), "2/3");
  EXPECT_EQ(cell("pod-status", kPod), "Running");
}

struct StatusCase {
  const char* status;  // of a Pod with one container and two init containers
  const char* shown;
};

TEST(PodColumns, SayWhatTheContainersSay) {
  const StatusCase cases[] = {
      {R"("phase":"Pending")", "Pending"},
      {R"("phase":"Failed","reason":"Evicted")", "Evicted"},
      {R"("phase":"Pending","conditions":[{"type":"PodScheduled","reason":"SchedulingGated"}])",
       "SchedulingGated"},
      {R"("phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff"}}}])",
       "ImagePullBackOff"},
      {R"("phase":"Failed","containerStatuses":[{"state":{"terminated":{"reason":"Error"}}}])",
       "Error"},
      {R"("phase":"Failed","containerStatuses":[{"state":{"terminated":{"signal":9}}}])",
       "Signal:9"},
      {R"("phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}])",
       "ExitCode:3"},
      {R"("phase":"Pending","initContainerStatuses":[{"state":{"running":{}}}])", "Init:0/2"},
      {R"("phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":0}}},
          {"state":{"waiting":{"reason":"PodInitializing"}}}])",
       "Init:1/2"},
      {R"("phase":"Pending","initContainerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}}}])",
       "Init:CrashLoopBackOff"},
      {R"("phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1}}}])",
       "Init:ExitCode:1"},
      {R"("phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1,"reason":"Error"}}}])",
       "Init:Error"},
      {R"("phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
          {"state":{"terminated":{"reason":"Completed"}}},{"ready":true,"state":{"running":{}}}])",
       "Running"},
      {R"("phase":"Running","containerStatuses":[
          {"state":{"terminated":{"reason":"Completed"}}},{"ready":true,"state":{"running":{}}}])",
       "NotReady"},
  };
  for (const StatusCase& one : cases) {
    const std::string json =
        std::string(R"({"spec":{"containers":[{}],"initContainers":[{},{}]},"status":{)") +
        one.status + "}}";
    EXPECT_EQ(cell("pod-status", json), one.shown) << json;
  }
}

TEST(PodColumns, SayThatItGoes) {
  constexpr std::string_view kMeta = R"("metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"})";
  const auto with = [&](const char* status) {
    return cell("pod-status", "{" + std::string(kMeta) + ",\"status\":" + status + "}");
  };
  EXPECT_EQ(with(R"({"phase":"Running"})"), "Terminating");
  EXPECT_EQ(with(R"({"phase":"Succeeded"})"), "Succeeded");
  EXPECT_EQ(with(R"({"phase":"Running","reason":"NodeLost"})"), "Unknown");
}

TEST(PodColumns, CountRestartsWithTheLastOne) {
  EXPECT_EQ(cell("pod-restarts", R"({"status":{"containerStatuses":[{"restartCount":0}]}})"), "0");
  EXPECT_EQ(cell("pod-restarts", R"({"status":{"containerStatuses":[
      {"restartCount":2,"lastState":{"terminated":{"finishedAt":"2026-01-01T00:30:00Z"}}},
      {"restartCount":1,"lastState":{"terminated":{"finishedAt":"2026-01-01T00:10:00Z"}}}]}})"),
            "3 (30m ago)");
  // While it initialises only init containers count; later only those that restart always.
  EXPECT_EQ(cell("pod-restarts", R"({"status":{"containerStatuses":[{"restartCount":4}],
      "initContainerStatuses":[{"restartCount":2,"state":{"running":{}}}]}})"),
            "2");
  EXPECT_EQ(
      cell("pod-restarts", R"({"spec":{"initContainers":[{"name":"s","restartPolicy":"Always"}]},
      "status":{"containerStatuses":[{"restartCount":4}],"initContainerStatuses":[
      {"name":"s","restartCount":1,"started":true},
      {"name":"o","restartCount":9,"state":{"terminated":{"exitCode":0}}}]}})"),
      "5");
}

struct RuleCase {
  const char* rule;
  const char* object;
  const char* shown;
};

TEST(ColumnRules, WriteTheWordsThatKubectlShows) {
  const RuleCase cases[] = {
      {"readiness-gates", "{}", "<none>"},
      {"readiness-gates",
       R"({"spec":{"readinessGates":[{"conditionType":"a"},{"conditionType":"b"}]},
           "status":{"conditions":[{"type":"a","status":"True"}]}})",
       "1/2"},
      {"ready-replicas", R"({"spec":{"replicas":3},"status":{"readyReplicas":2}})", "2/3"},
      {"job-completions", R"({"spec":{"completions":5},"status":{"succeeded":2}})", "2/5"},
      {"job-completions", R"({"spec":{"parallelism":3}})", "0/1 of 3"},
      {"job-completions", "{}", "0/1"},
      {"job-status", R"({"status":{"conditions":[{"type":"Complete","status":"True"}]}})",
       "Complete"},
      {"job-status", R"({"status":{"conditions":[{"type":"Suspended","status":"True"}]}})",
       "Suspended"},
      {"job-status", "{}", "Running"},
      {"job-duration", R"({"status":{"startTime":"2026-01-01T00:00:00Z"}})", "60m"},
      {"job-duration", R"({"status":{"startTime":"2026-01-01T00:00:00Z",
          "completionTime":"2026-01-01T00:00:42Z"}})",
       "42s"},
      {"suspend", R"({"spec":{"suspend":false}})", "False"},
      {"suspend", R"({"spec":{"suspend":true}})", "True"},
      {"controller", R"({"metadata":{"ownerReferences":[
          {"apiVersion":"apps/v1","kind":"StatefulSet","name":"web","controller":true}]}})",
       "statefulset.apps/web"},
      {"hpa-targets", R"({"spec":{"metrics":[{"type":"Resource","resource":{"name":"cpu",
          "target":{"averageUtilization":80}}}]}})",
       "cpu: <unknown>/80%"},
      {"hpa-targets", R"({"spec":{"metrics":[{"type":"Resource","resource":{"name":"cpu","target":
          {"averageUtilization":80}}}]},"status":{"currentMetrics":[{"type":"Resource","resource":
          {"name":"cpu","current":{"averageUtilization":12}}}]}})",
       "cpu: 12%/80%"},
      {"hpa-targets", R"({"spec":{"metrics":[{"type":"Pods","pods":{"target":{"averageValue":"5"}}},
          {"type":"External","external":{"target":{"averageValue":"2"}}},{"type":"Odd"}]}})",
       "<unknown>/5, <unknown>/2 (avg) + 1 more..."},
      {"node-status", R"({"spec":{"unschedulable":true},"status":{"conditions":[
          {"type":"Ready","status":"True"}]}})",
       "Ready,SchedulingDisabled"},
      {"node-status", R"({"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}})",
       "NotReady"},
      {"node-status", "{}", "Unknown"},
      {"node-roles", R"({"metadata":{"labels":{"node-role.kubernetes.io/worker":"",
          "node-role.kubernetes.io/control-plane":"","kubernetes.io/role":"x"}}})",
       "control-plane,worker,x"},
      {"service-external-ip", R"({"spec":{"type":"ClusterIP"}})", "<none>"},
      {"service-external-ip", R"({"spec":{"type":"LoadBalancer"}})", "<pending>"},
      {"service-external-ip", R"({"spec":{"type":"LoadBalancer","externalIPs":["9.9.9.9"]},
          "status":{"loadBalancer":{"ingress":[{"ip":"2.2.2.2"},{"hostname":"a.b"}]}}})",
       "2.2.2.2,a.b,9.9.9.9"},
      {"service-external-ip", R"({"spec":{"type":"ExternalName","externalName":"a.b"}})", "a.b"},
      {"service-external-ip", "{}", "<unknown>"},
      {"service-ports", R"({"spec":{"ports":[{"port":80,"protocol":"TCP","nodePort":30080},
          {"port":53,"protocol":"UDP"}]}})",
       "80:30080/TCP,53/UDP"},
      {"endpoints", "{}", "<none>"},
      {"endpoints", R"({"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"::1"}],
          "ports":[{"port":1},{"port":2}]}]})",
       "1.1.1.1:1,[::1]:1,1.1.1.1:2 + 1 more..."},
      {"slice-ports", R"({"ports":[{"port":80},{"name":"x"},{}]})", "80,x,*"},
      {"slice-ports", R"({"ports":[{"name":""},{"name":"x"}]})", ",x"},
      {"slice-addresses", "{}", "<unset>"},
      {"ingress-hosts", R"({"spec":{"rules":[{}]}})", "*"},
      {"ingress-hosts",
       R"({"spec":{"rules":[{"host":"a"},{"host":"b"},{"host":"c"},{"host":"d"}]}})",
       "a,b,c + 1 more..."},
      {"ingress-ports", R"({"spec":{"tls":[{}]}})", "80, 443"},
      {"class-parameters", R"({"spec":{"parameters":{"kind":"K","apiGroup":"g","name":"n"}}})",
       "K.g/n"},
      {"parent-ref",
       R"({"spec":{"parentRef":{"resource":"services","namespace":"ns","name":"n"}}})",
       "services/ns/n"},
      {"phase", R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},
          "status":{"phase":"Bound"}})",
       "Terminating"},
      {"default-class-name", R"({"metadata":{"name":"fast","annotations":{
          "storageclass.kubernetes.io/is-default-class":"true"}}})",
       "fast (default)"},
      {"claim-state", "{}", "pending"},
      {"claim-state", R"({"status":{"allocation":{},"reservedFor":[{}]}})", "allocated,reserved"},
      {"quota-requests", R"({"status":{"hard":{"pods":"4","cpu":"1","limits.cpu":"2"},
          "used":{"pods":"1"}}})",
       "cpu: 0/1, pods: 1/4"},
      {"quota-limits", R"({"status":{"hard":{"limits.cpu":"2"}}})", "limits.cpu: 0/2"},
      {"event-object", R"({"involvedObject":{"kind":"Pod","name":"p"}})", "pod/p"},
      {"event-source", R"({"source":{"component":"kubelet","host":"n"}})", "kubelet, n"},
      {"event-source", R"({"reportingComponent":"c"})", "c"},
      {"subject-users", R"({"subjects":[{"kind":"User","name":"a"},{"kind":"User","name":"b"}]})",
       "a, b"},
      {"subject-service-accounts",
       R"({"subjects":[{"kind":"ServiceAccount","namespace":"n","name":"s"}]})", "n/s"},
      {"certificate-condition", R"({"status":{"conditions":[{"type":"Approved"}],
          "certificate":"x"}})",
       "Approved,Issued"},
      {"certificate-condition", "{}", "Pending"},
      {"param-ref", R"({"spec":{"paramRef":{"name":"n","namespace":"ns"}}})", "ns/n"},
      {"param-ref", R"({"spec":{"paramRef":{"name":"n"}}})", "*/n"},
      {"param-ref", "{}", "<unset>"},
      {"api-service-available", R"({"status":{"conditions":[{"type":"Available","status":"False",
          "reason":"Gone"}]}})",
       "False (Gone)"},
      {"component-status", R"({"conditions":[{"type":"Healthy","status":"True"}]})", "Healthy"},
      {"storage-versions", R"({"status":{"storageVersions":[{"apiServerID":"a",
          "encodingVersion":"v1"}]}})",
       "a=v1"},
      {"metrics-cpu", R"({"containers":[{"usage":{"cpu":"100m"}},{"usage":{"cpu":"250m"}}]})",
       "350m"},
  };
  for (const RuleCase& one : cases) {
    EXPECT_EQ(cell(one.rule, one.object), one.shown) << one.rule << " of " << one.object;
  }
}

TEST(RowConditions, MarkPodsThatHaveEnded) {
  const api::Schema& schema = api::builtin_schema();
  const auto& pods = *schema.find_resource("", "v1", "pods");
  const auto& nodes = *schema.find_resource("", "v1", "nodes");
  api::Arena arena;
  const Value done = api::parse_json(arena, R"({"status":{"phase":"Succeeded"}})").value();
  const Value busy = api::parse_json(arena, R"({"status":{"phase":"Running"}})").value();
  EXPECT_NE(row_conditions_json(pods, done).find("\"Completed\""), std::string_view::npos);
  EXPECT_EQ(row_conditions_json(pods, busy), "");
  EXPECT_EQ(row_conditions_json(nodes, done), "");
}

}  // namespace
}  // namespace pinnace::apiserver

// Scenarios of server-side apply as scripts. A script is a list of steps on one object that is not
// there at first:
//
//   - apply: CONFIG      by: NAME   a configuration; `force: true`; `fails: TEXT` for an error
//   - update: OBJECT     by: NAME   the whole object as somebody wrote it; `at: VERSION`
//   - object: OBJECT                what must be there now
//   - managers: {...}               who must manage what; "NAME" applies, "NAME/update" updates
#include <gtest/gtest.h>

#include <string>

#include "api/apply/ownership.h"
#include "api/apply/test_versions.h"
#include "api/json.h"
#include "api/yaml.h"

namespace pinnace::api::apply {
namespace {

struct Scenario {
  const char* name;
  const char* group;
  const char* version;
  const char* resource;
  const char* script;
};

class Player {
 public:
  explicit Player(const Scenario& scenario)
      : versions_(scenario.group, scenario.resource), version_(scenario.version) {
    object_ = Value::object();
  }

  void play(const Value& step) {
    if (const Value* config = step.find("apply")) return apply(step, *config);
    if (const Value* object = step.find("update")) return update(step, *object);
    if (const Value* object = step.find("object")) {
      const Value expected = complete(*object, version_);
      EXPECT_TRUE(equal(object_, expected))
          << "is       " << to_json_text(object_) << "\nexpected " << to_json_text(expected);
      return;
    }
    if (const Value* managers = step.find("managers")) return expect_managers(*managers);
    FAIL() << "no such step: " << to_json_text(step);
  }

 private:
  Writer writer(const Value& step) {
    const std::string_view at = step.string_at("at");
    return {.manager = step.string_at("by"),
            .subresource = step.string_at("subresource"),
            .api_version = at.empty() ? std::string_view(version_) : at,
            .kind = versions_.find(version_)->kind,
            .now = "2026-01-01T00:00:00Z"};
  }
  Value complete(const Value& said, std::string_view version) {
    Value object = deep_copy(arena_, said);
    object.set(arena_, "apiVersion", Value::string(arena_, version));
    object.set(arena_, "kind", Value::string_ref(versions_.find(version)->kind));
    return object;
  }
  void apply(const Value& step, const Value& config) {
    const Writer who = writer(step);
    const Value said = complete(config, who.api_version);
    const bool is_new = object_.empty();
    Value live = is_new ? complete(Value::object(), who.api_version)
                        : *versions_.convert(arena_, object_, version_, who.api_version);
    auto applied =
        apply_configuration(arena_, versions_, who, step.bool_at("force"), live, said, managers_);
    const std::string_view fails = step.string_at("fails");
    EXPECT_EQ(applied ? "" : applied.error().message, fails);
    if (!applied) return;
    object_ =
        deep_copy(arena_, *versions_.convert(arena_, applied->object, who.api_version, version_));
  }
  void update(const Value& step, const Value& object) {
    const Writer who = writer(step);
    Value next = complete(object, who.api_version);
    const bool is_new = object_.empty();
    const Value live =
        is_new ? Value::object() : *versions_.convert(arena_, object_, version_, who.api_version);
    ASSERT_TRUE(track_update(arena_, versions_, who, live, next, managers_));
    object_ = deep_copy(arena_, *versions_.convert(arena_, next, who.api_version, version_));
  }
  void expect_managers(const Value& expected) {
    Value actual = Value::object();
    const Value list = encode_managers(arena_, managers_);
    for (const Value& entry : list.items()) {
      std::string name(entry.string_at("manager"));
      if (entry.string_at("operation") == "Update") name += "/update";
      if (const auto sub = entry.string_at("subresource"); !sub.empty()) {
        name += "/" + std::string(sub);
      }
      actual.set(arena_, name, *entry.find("fieldsV1"));
    }
    EXPECT_TRUE(equal(actual, expected))
        << "is       " << to_json_text(actual) << "\nexpected " << to_json_text(expected);
  }

  Arena arena_;
  testing::BuiltinVersions versions_;
  std::string version_;
  Value object_;
  Managers managers_;
};

class ScenarioTest : public ::testing::TestWithParam<Scenario> {};

TEST_P(ScenarioTest, Plays) {
  Arena arena;
  const auto script = parse_yaml(arena, GetParam().script);
  ASSERT_TRUE(script) << script.error().message;
  Player player(GetParam());
  for (const Value& step : script->items()) {
    SCOPED_TRACE(to_json_text(step));
    player.play(step);
  }
}

constexpr Scenario kScenarios[] = {
    {"TwoAppliersOfDifferentFields", "apps", "apps/v1", "deployments", R"(
- {by: a, apply: {spec: {replicas: 3}}}
- {by: b, apply: {spec: {paused: true}}}
- object: {spec: {replicas: 3, paused: true}}
- managers: {a: {f:spec: {f:replicas: {}}}, b: {f:spec: {f:paused: {}}}}
)"},
    {"ConflictsAndForce", "apps", "apps/v1", "deployments", R"(
- {by: a, apply: {spec: {replicas: 3, paused: true}}}
- by: b
  apply: {spec: {replicas: 4}}
  fails: 'Apply failed with 1 conflict: conflict with "a": .spec.replicas'
- by: b
  apply: {spec: {replicas: 4, paused: false}}
  fails: "Apply failed with 2 conflicts: conflicts with \"a\":\n- .spec.paused\n- .spec.replicas"
- object: {spec: {replicas: 3, paused: true}}
- {by: b, force: true, apply: {spec: {replicas: 4}}}
- object: {spec: {replicas: 4, paused: true}}
- managers: {a: {f:spec: {f:paused: {}}}, b: {f:spec: {f:replicas: {}}}}
)"},
    {"ConflictWithAnUpdaterNamesItsVersion", "apps", "apps/v1", "deployments", R"(
- {by: c, update: {spec: {replicas: 1}}}
- by: a
  apply: {spec: {replicas: 2}}
  fails: 'Apply failed with 1 conflict: conflict with "c" using apps/v1: .spec.replicas'
- {by: s, subresource: status, update: {spec: {replicas: 7}}}
- by: a
  apply: {spec: {replicas: 2}}
  fails: >-
    Apply failed with 1 conflict: conflict with "s" with subresource "status" using apps/v1: .spec.replicas
)"},
    {"TheSameValueIsShared", "apps", "apps/v1", "deployments", R"(
- {by: a, apply: {spec: {replicas: 3}}}
- {by: b, apply: {spec: {replicas: 3}}}
- managers: {a: {f:spec: {f:replicas: {}}}, b: {f:spec: {f:replicas: {}}}}
- {by: a, apply: {}}
- object: {spec: {replicas: 3}}
- managers: {b: {f:spec: {f:replicas: {}}}}
- {by: b, apply: {}}
- object: {}
- managers: {}
)"},
    {"AnUpdateTakesAndSetsNothingFree", "apps", "apps/v1", "deployments", R"(
- {by: a, apply: {spec: {replicas: 3}}}
- {by: u, update: {spec: {replicas: 5}}}
- managers: {u/update: {f:spec: {f:replicas: {}}}}
- {by: a, force: true, apply: {spec: {replicas: 3}}}
- managers: {a: {f:spec: {f:replicas: {}}}}
- {by: u, update: {}}
- managers: {}
)"},
    {"WhatAnUpdaterSetIsNotPruned", "", "v1", "configmaps", R"(
- {by: u, update: {data: {x: "1"}}}
- {by: a, apply: {data: {x: "1", z: "2"}}}
- {by: a, apply: {data: {z: "2"}}}
- object: {data: {x: "1", z: "2"}}
- managers: {a: {f:data: {f:z: {}}}, u/update: {f:data: {.: {}, f:x: {}}}}
)"},
    {"MapsAreGranular", "", "v1", "configmaps", R"(
- {by: a, apply: {metadata: {labels: {x: "1"}}, data: {k: v}}}
- {by: b, apply: {metadata: {labels: {y: "1"}}, data: {l: w}}}
- {by: a, apply: {data: {k: v}}}
- object: {metadata: {labels: {y: "1"}}, data: {k: v, l: w}}
- {by: b, apply: {}}
- object: {data: {k: v}}
- {by: a, apply: {}}
- object: {}
)"},
    {"AnEmptyMapIsALeaf", "", "v1", "configmaps", R"(
- {by: a, apply: {data: {}}}
- managers: {a: {f:data: {}}}
- {by: b, apply: {data: {k: v}}}
- object: {data: {k: v}}
- managers: {a: {f:data: {}}, b: {f:data: {f:k: {}}}}
)"},
    {"SetsOfTexts", "", "v1", "configmaps", R"(
- {by: a, apply: {metadata: {finalizers: [example.com/x, example.com/y]}}}
- {by: b, apply: {metadata: {finalizers: [example.com/z, example.com/y]}}}
- object: {metadata: {finalizers: [example.com/x, example.com/z, example.com/y]}}
- managers:
    a: {f:metadata: {f:finalizers: {'v:"example.com/x"': {}, 'v:"example.com/y"': {}}}}
    b: {f:metadata: {f:finalizers: {'v:"example.com/y"': {}, 'v:"example.com/z"': {}}}}
- {by: a, apply: {}}
- object: {metadata: {finalizers: [example.com/z, example.com/y]}}
- by: a
  apply: {metadata: {finalizers: [example.com/x, example.com/x]}}
  fails: >-
    failed to create typed patch object (/; /v1, Kind=ConfigMap):
    .metadata.finalizers: duplicate entries for key [="example.com/x"]
)"},
    {"KeyedListsMergeByKey", "apps", "apps/v1", "deployments", R"(
- by: a
  apply: {spec: {template: {spec: {containers: [{name: main, image: "i:1"}]}}}}
- by: b
  apply: {spec: {template: {spec: {containers: [{name: main, tty: true}, {name: side, image: "s:1"}]}}}}
- object:
    {spec: {template: {spec: {containers: [{name: main, image: "i:1", tty: true}, {name: side, image: "s:1"}]}}}}
- managers:
    a: {f:spec: {f:template: {f:spec: {f:containers: {'k:{"name":"main"}': {.: {}, f:image: {}, f:name: {}}}}}}}
    b: {f:spec: {f:template: {f:spec: {f:containers: {'k:{"name":"main"}': {.: {}, f:name: {}, f:tty: {}}, 'k:{"name":"side"}': {.: {}, f:image: {}, f:name: {}}}}}}}
- {by: b, apply: {}}
- object: {spec: {template: {spec: {containers: [{name: main, image: "i:1"}]}}}}
- {by: a, apply: {}}
- object: {}
)"},
    {"OwnedPartsOfAnItemStay", "apps", "apps/v1", "deployments", R"(
- by: a
  apply: {spec: {template: {spec: {containers: [{name: main, image: "i:1", tty: true}]}}}}
- by: b
  apply: {spec: {template: {spec: {containers: [{name: main, image: "i:1"}]}}}}
- {by: a, apply: {}}
- object: {spec: {template: {spec: {containers: [{name: main, image: "i:1"}]}}}}
)"},
    {"KeysHaveDefaults", "", "v1", "services", R"(
- {by: a, apply: {spec: {ports: [{port: 53}, {port: 53, protocol: UDP}]}}}
- managers:
    a: {f:spec: {f:ports: {'k:{"port":53,"protocol":"TCP"}': {.: {}, f:port: {}}, 'k:{"port":53,"protocol":"UDP"}': {.: {}, f:port: {}, f:protocol: {}}}}}
- by: b
  apply: {spec: {ports: [{port: 53, protocol: TCP}, {port: 53}]}}
  fails: >-
    failed to create typed patch object (/; /v1, Kind=Service):
    .spec.ports: duplicate entries for key [port=53,protocol="TCP"]
- {by: b, apply: {spec: {ports: [{port: 53, protocol: TCP, name: dns}]}}}
- object: {spec: {ports: [{port: 53, protocol: TCP, name: dns}, {port: 53, protocol: UDP}]}}
)"},
    {"AtomicListsAndStructsHaveOneOwner", "apps", "apps/v1", "deployments", R"(
- {by: a, apply: {spec: {selector: {matchLabels: {app: x}}, template: {spec: {containers: [{name: m, args: [a]}]}}}}}
- managers:
    a: {f:spec: {f:selector: {}, f:template: {f:spec: {f:containers: {'k:{"name":"m"}': {.: {}, f:args: {}, f:name: {}}}}}}}
- by: b
  apply: {spec: {template: {spec: {containers: [{name: m, args: [b]}]}}}}
  fails: >-
    Apply failed with 1 conflict: conflict with "a": .spec.template.spec.containers[name="m"].args
)"},
    {"OrdersOfLists", "", "v1", "pods", R"(
- {by: a, apply: {spec: {containers: [{name: a}, {name: b}, {name: c}]}}}
- {by: b, apply: {spec: {containers: [{name: c}, {name: x}, {name: a}]}}}
- object: {spec: {containers: [{name: b}, {name: c}, {name: x}, {name: a}]}}
)"},
    {"ReapplyingFewerItemsRemovesThem", "", "v1", "pods", R"(
- {by: a, apply: {spec: {containers: [{name: a, env: [{name: X, value: "1"}, {name: Z, value: "2"}]}, {name: b}]}}}
- {by: a, apply: {spec: {containers: [{name: a, env: [{name: Z, value: "2"}]}]}}}
- object: {spec: {containers: [{name: a, env: [{name: Z, value: "2"}]}]}}
)"},
    {"ANewItemByAnUpdateStays", "", "v1", "pods", R"(
- {by: a, apply: {spec: {containers: [{name: a, image: x}]}}}
- {by: u, update: {spec: {containers: [{name: a, image: x}, {name: b, image: y}]}}}
- {by: a, apply: {spec: {containers: [{name: a, image: z}]}}}
- object: {spec: {containers: [{name: a, image: z}, {name: b, image: y}]}}
- managers:
    a: {f:spec: {f:containers: {'k:{"name":"a"}': {.: {}, f:image: {}, f:name: {}}}}}
    u/update: {f:spec: {f:containers: {'k:{"name":"b"}': {.: {}, f:image: {}, f:name: {}}}}}
)"},
    {"UnknownFieldsAndWrongTypes", "apps", "apps/v1", "deployments", R"(
- by: a
  apply: {metadata: {name: web, namespace: d}, spec: {nope: 1}}
  fails: >-
    failed to create typed patch object (d/web; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema
- by: a
  apply: {metadata: {name: web}, spec: {replicas: many, paused: 1}}
  fails: "failed to create typed patch object (/web; apps/v1, Kind=Deployment): errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.paused: expected boolean, got &{1}"
- by: a
  apply: {metadata: {name: web}, spec: {template: {spec: {containers: {name: x}, nodeName: 5}}}}
  fails: "failed to create typed patch object (/web; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers: expected list, got &{map[name:x]}\n  .spec.template.spec.nodeName: expected string, got &value.valueUnstructured{Value:5}"
- by: a
  apply: {metadata: {managedFields: []}}
  fails: metadata.managedFields must be nil
)"},
    {"BeforeTheFirstApply", "", "v1", "configmaps", R"(
- {by: a, apply: {data: {k: v}}}
- managers: {a: {f:data: {f:k: {}}}}
)"},
    {"AnyJsonIsOneField", "apps", "apps/v1", "controllerrevisions", R"(
- {by: a, apply: {data: {x: {y: 1}}, revision: 1}}
- managers: {a: {f:data: {}, f:revision: {}}}
)"},
    {"OtherVersionsAreConverted", "autoscaling", "autoscaling/v2", "horizontalpodautoscalers", R"(
- by: old
  at: autoscaling/v1
  apply: {spec: {maxReplicas: 5, targetCPUUtilizationPercentage: 50}}
- managers: {old: {f:spec: {f:maxReplicas: {}, f:targetCPUUtilizationPercentage: {}}}}
- {by: new, apply: {spec: {maxReplicas: 6}},
   fails: 'Apply failed with 1 conflict: conflict with "old": .spec.maxReplicas'}
- {by: new, force: true, apply: {spec: {maxReplicas: 6}}}
- managers:
    new: {f:spec: {f:maxReplicas: {}}}
    old: {f:spec: {f:targetCPUUtilizationPercentage: {}}}
)"},
};

INSTANTIATE_TEST_SUITE_P(Apply, ScenarioTest, ::testing::ValuesIn(kScenarios),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace pinnace::api::apply

#include <gtest/gtest.h>

#include "api/json.h"
#include "api/yaml.h"
#include "cluster/containerd_config.h"
#include "cluster/toml_writer.h"
#include "cluster/yaml_writer.h"

namespace pinnace::cluster {
namespace {

api::Value parse(api::Arena& arena, std::string_view json) { return *api::parse_json(arena, json); }

TEST(YamlWriter, WritesBlocksAsKubectlDoes) {
  api::Arena arena;
  EXPECT_EQ(write_yaml(parse(arena, R"({"a":[{"b":1,"c":"x"},"d"],"e":{"f":[]},"g":""})")),
            "a:\n- b: 1\n  c: x\n- d\ne:\n  f: []\ng: \"\"\n");
}

TEST(YamlWriter, WhatItWritesReadsBackTheSame) {
  for (const char* json :
       {R"({"a":"true","b":"1","c":"~","d":"a: b","e":"- x","f":"#","g":"multi\nline","yes":"no"})",
        R"([[1,2],[{"a":[{"b":{}}]}],null,"\u0001"])", R"({"":{"x y":1.5,"é":"ü"}})", "[]",
        "\"x\""}) {
    api::Arena arena;
    const api::Value value = parse(arena, json);
    const std::string text = write_yaml(value);
    const auto back = api::parse_yaml(arena, text);
    ASSERT_TRUE(back) << text;
    EXPECT_TRUE(api::equal(*back, value)) << text;
  }
}

TEST(TomlWriter, WritesTablesAfterValues) {
  api::Arena arena;
  EXPECT_EQ(write_toml(parse(arena, R"({"t":{"u.v":{"x":[1,"y"]},"w":true},"a":"b\"c"})")),
            "\"a\" = \"b\\\"c\"\n\n[\"t\"]\n\"w\" = true\n\n[\"t\".\"u.v\"]\n\"x\" = [1,\"y\"]\n");
}

TEST(ContainerdConfig, NamesOnlyFilesOfItsOwnCluster) {
  Settings settings;
  settings.name = "two";
  settings.data_dir = "/data/two";
  settings.run_dir = "/run/pinnace/two";
  const std::string text = containerd_config_text(settings);
  EXPECT_NE(text.find("\"root\" = \"/data/two/containerd\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"address\" = \"/run/pinnace/two/containerd.sock\""), std::string::npos);
  EXPECT_EQ(text.find("/run/containerd"), std::string::npos);
  api::Arena arena;
  EXPECT_TRUE(api::parse_json(arena, cni_config_text(settings, 0)));
}

}  // namespace
}  // namespace pinnace::cluster

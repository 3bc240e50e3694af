// What tests of custom kinds share: a server with a definition in it.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/testing.h"

namespace pinnace::apiserver::testing {

inline constexpr char kDefinitions[] = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
inline constexpr char kWidgets[] = "/apis/example.com/v1/namespaces/default/widgets";

// A definition of widgets.example.com whose version v1 has these properties of its schema; `more`
// are further members of the version, each with a comma before it.
inline std::string widget_definition(std::string_view properties, std::string_view more = "") {
  return R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",)"
         R"("metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com",)"
         R"("names":{"plural":"widgets","kind":"Widget","shortNames":["wd"],"categories":["all"]},)"
         R"("scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true,)"
         R"("schema":{"openAPIV3Schema":{"type":"object","properties":{)" +
         std::string(properties) + "}}}" + std::string(more) + "}]}}";
}

class CustomTest : public ::testing::Test {
 protected:
  CustomTest() { (void)server_.server(); }

  AnswerRef define(const std::string& definition) {
    const auto answer = server_.post(kDefinitions, definition);
    settle();
    return answer;
  }
  AnswerRef make(std::string_view name, std::string_view members) {
    return server_.post(kWidgets, R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":)"
                                  R"({"name":")" +
                                      std::string(name) + "\"}" + (members.empty() ? "" : ",") +
                                      std::string(members) + "}");
  }
  AnswerRef get(std::string_view name) {
    return server_.get(std::string(kWidgets) + "/" + std::string(name));
  }
  void settle() { server_.executor().run_until_idle(); }

  TestServer server_;
};

}  // namespace pinnace::apiserver::testing

#include "api/names.h"

#include <gtest/gtest.h>

#include "api/field_path.h"

namespace pinnace::api {
namespace {

bool good(const Complaints& complaints) { return complaints.empty(); }

TEST(Names, AcceptsAndRefusesLabels) {
  for (const char* text : {"a", "my-name", "123-abc", "0"})
    EXPECT_TRUE(good(check_dns1123_label(text)));
  for (const char* text : {"", "-a", "a-", "A", "a.b", "a_b", "ä"}) {
    EXPECT_FALSE(good(check_dns1123_label(text))) << text;
  }
  EXPECT_TRUE(good(check_dns1123_label(std::string(63, 'a'))));
  EXPECT_EQ(check_dns1123_label(std::string(64, 'a')),
            Complaints{"must be no more than 63 characters"});
  EXPECT_EQ(check_label_value(std::string(64, 'a')), Complaints{"must be no more than 63 bytes"});
  EXPECT_EQ(check_dns1123_label("a.b"), Complaints{"must not contain dots"});
  EXPECT_FALSE(good(check_dns1035_label("1a")));
  EXPECT_TRUE(good(check_dns1035_label("a1")));
}

TEST(Names, SubdomainMessageIsTheOneUsersKnow) {
  EXPECT_TRUE(good(check_dns1123_subdomain("nodehelloworld.example.com")));
  EXPECT_EQ(
      check_dns1123_subdomain("Bad_Name"),
      Complaints{
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
          "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
          "regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"});
  EXPECT_FALSE(good(check_dns1123_subdomain("a..b")));
  EXPECT_TRUE(good(check_wildcard_dns1123_subdomain("*.example.com")));
  EXPECT_FALSE(good(check_wildcard_dns1123_subdomain("*example.com")));
}

TEST(Names, QualifiedNamesHaveAnOptionalPrefix) {
  EXPECT_TRUE(good(check_qualified_name("app")));
  EXPECT_TRUE(good(check_qualified_name("app.kubernetes.io/Name_1")));
  EXPECT_EQ(check_qualified_name("/a"), Complaints{"prefix part must be non-empty"});
  EXPECT_EQ(check_qualified_name("a b"),
            Complaints{"name part must consist of alphanumeric characters, '-', '_' or '.', and "
                       "must start and end with an alphanumeric character (e.g. 'MyName',  or "
                       "'my.name',  or '123-abc', regex used for validation is "
                       "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"});
  EXPECT_FALSE(good(check_qualified_name("a/b/c")));
  EXPECT_FALSE(good(check_qualified_name("")));
}

TEST(Names, LabelValuesMayBeEmpty) {
  EXPECT_TRUE(good(check_label_value("")));
  EXPECT_TRUE(good(check_label_value("MyValue")));
  EXPECT_FALSE(good(check_label_value("-x")));
  EXPECT_FALSE(good(check_label_value(std::string(64, 'x'))));
}

TEST(Names, FileLikeNamesMustNotLeaveTheirDirectory) {
  EXPECT_TRUE(good(check_config_map_key("app.properties")));
  EXPECT_EQ(check_config_map_key(".."), Complaints{"must not be '..'"});
  EXPECT_EQ(check_config_map_key("..x"), Complaints{"must not start with '..'"});
  EXPECT_FALSE(good(check_config_map_key("a/b")));
  EXPECT_TRUE(good(check_env_var_name("MY_ENV.NAME")));
  EXPECT_FALSE(good(check_env_var_name("1A")));
  EXPECT_TRUE(good(check_relaxed_env_var_name("1 A")));
  EXPECT_FALSE(good(check_relaxed_env_var_name("A=B")));
  EXPECT_FALSE(good(check_path_segment_name("a/b")));
  EXPECT_TRUE(good(check_path_segment_name("system:node")));
}

TEST(Names, PortNamesAndNumbers) {
  EXPECT_TRUE(good(check_port_name("nodejs-port")));
  EXPECT_EQ(check_port_name("80"), Complaints{"must contain at least one letter (a-z)"});
  EXPECT_FALSE(good(check_port_name("this-is-much-too-long")));
  EXPECT_FALSE(good(check_port_name("a--b")));
  EXPECT_FALSE(good(check_port_name("-a")));
  EXPECT_TRUE(good(check_port_number(65535)));
  EXPECT_FALSE(good(check_port_number(0)));
}

TEST(Names, AddressesAndNetworks) {
  EXPECT_TRUE(good(check_ip("10.0.0.1")));
  EXPECT_TRUE(good(check_ip("2001:db8::1")));
  EXPECT_FALSE(good(check_ip("10.0.0.256")));
  EXPECT_TRUE(good(check_cidr("10.0.0.0/8")));
  EXPECT_FALSE(good(check_cidr("10.0.0.0/33")));
  EXPECT_FALSE(good(check_cidr("10.0.0.0")));
  EXPECT_TRUE(good(check_percent("25%")));
  EXPECT_FALSE(good(check_percent("%")));
  EXPECT_TRUE(good(check_http_header_name("X-Header")));
  EXPECT_FALSE(good(check_c_identifier("1a")));
}

TEST(FieldPath, ReadsAsInMessages) {
  EXPECT_EQ(FieldPath("spec").child("containers").index(2).child("env").key("A").text(),
            "spec.containers[2].env[A]");
  EXPECT_EQ(FieldPath().text(), "<nil>");
}

}  // namespace
}  // namespace pinnace::api

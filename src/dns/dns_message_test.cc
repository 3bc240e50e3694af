#include "dns/dns_message.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace pinnace::dns {
namespace {

DnsMessage query(std::string name, Type type) {
  DnsMessage message;
  message.id = 0x1234;
  message.recursion_desired = true;
  message.question = Question{std::move(name), type};
  return message;
}

Record a_record(std::string name, std::uint32_t address) {
  Record record;
  record.name = std::move(name);
  record.ttl = 5;
  record.address.value = address;
  return record;
}

TEST(DnsMessage, EncodesAQueryAsTheRfcSays) {
  EXPECT_EQ(hex_encode(encode(query("a.bc", Type::kA))),
            "123401000001000000000000"
            "0161"
            "026263"
            "00"
            "00010001");
}

TEST(DnsMessage, SurvivesARoundTripWithCompressedNames) {
  auto message = query("web.default.svc.cluster.local", Type::kSrv);
  message.response = message.authoritative = true;
  message.udp_size = 1232;
  Record srv;
  srv.name = "_http._tcp.web.default.svc.cluster.local";
  srv.type = Type::kSrv;
  srv.ttl = 30;
  srv.weight = 100;
  srv.port = 80;
  srv.target = "web.default.svc.cluster.local";
  message.answers = {srv};
  message.additional = {a_record("web.default.svc.cluster.local", 0x0a600001)};
  const auto bytes = encode(message);
  const auto again = decode(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->answers[0].name, srv.name);
  EXPECT_EQ(again->answers[0].target, srv.target);
  EXPECT_EQ(again->answers[0].port, 80);
  EXPECT_EQ(again->additional[0].address.text(), "10.96.0.1");
  EXPECT_EQ(again->udp_size, 1232);
  EXPECT_LT(bytes.size(), 150u) << "the second and third name are pointers";
}

TEST(DnsMessage, KeepsDotsInsideLabels) {
  const std::string bytes = encode(query("my\\.printer.local", Type::kA));
  const auto again = decode(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->question->name, "my\\.printer.local");
  EXPECT_EQ(bytes[12], 10) << "one label of ten bytes";
}

TEST(DnsMessage, LeavesOutWhatDoesNotFitAndSaysTruncated) {
  auto message = query("many.default.svc.cluster.local", Type::kA);
  message.udp_size = 1232;
  for (std::uint32_t i = 0; i < 100; ++i) {
    message.answers.push_back(a_record("many.default.svc.cluster.local", i));
  }
  const auto bytes = encode(message, 512);
  EXPECT_LE(bytes.size(), 512u);
  const auto again = decode(bytes);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->truncated);
  EXPECT_GT(again->answers.size(), 20u);
  EXPECT_EQ(again->udp_size, 1232) << "the OPT record always fits";
}

TEST(DnsMessage, RefusesMalformedBytes) {
  const std::string good = encode(query("a.bc", Type::kA));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(good).substr(0, size))) << size;
  }
  std::string loop = good.substr(0, 12) + "\xc0\x0c" + std::string("\0\1\0\1", 4);
  EXPECT_FALSE(decode(loop)) << "a name that points to itself";
  std::string two = good;
  two[5] = 2;
  EXPECT_FALSE(decode(two)) << "two questions";
}

TEST(DnsMessage, EditsTtlsInPlace) {
  auto message = query("a.b", Type::kA);
  message.answers = {a_record("a.b", 1), a_record("a.b", 2)};
  message.udp_size = 4096;
  std::string bytes = encode(message);
  EXPECT_TRUE(edit_ttls(bytes, [](std::uint32_t ttl) { return ttl + 70000; }));
  const auto again = decode(bytes);
  EXPECT_EQ(again->answers[1].ttl, 70005u);
  EXPECT_EQ(again->udp_size, 4096);
  std::string cut = bytes.substr(0, bytes.size() - 1);
  EXPECT_FALSE(edit_ttls(cut, [](std::uint32_t ttl) { return ttl; }));
}

}  // namespace
}  // namespace pinnace::dns

#include "cluster/store_options.h"

#include <gtest/gtest.h>

namespace pinnace::cluster {
namespace {

Result<StoreSettings> resolve(std::map<std::string, std::string, std::less<>> options) {
  Arguments arguments;
  arguments.options = std::move(options);
  return resolve_store_settings(arguments);
}

TEST(StoreOptions, WithoutAnyTheStoreIsEmbedded) {
  const auto settings = resolve({}).value();
  EXPECT_FALSE(settings.is_shared());
  EXPECT_EQ(settings.etcd_prefix, "/registry");
}

TEST(StoreOptions, TakeWhatKubeApiserverTakes) {
  const auto settings = resolve({{"etcd-servers", "https://a:2379,https://b:2379"},
                                 {"etcd-cafile", "ca.crt"},
                                 {"etcd-certfile", "client.crt"},
                                 {"etcd-keyfile", "client.key"},
                                 {"etcd-prefix", "/other"},
                                 {"etcd-compaction-interval", "1m30s"}})
                            .value();
  EXPECT_TRUE(settings.is_shared());
  EXPECT_EQ(settings.etcd_servers, (std::vector<std::string>{"https://a:2379", "https://b:2379"}));
  EXPECT_EQ(settings.etcd_authority_file, "ca.crt");
  EXPECT_EQ(settings.etcd_certificate_file, "client.crt");
  EXPECT_EQ(settings.etcd_key_file, "client.key");
  EXPECT_EQ(settings.etcd_prefix, "/other");
  EXPECT_EQ(settings.etcd_compaction_interval, std::chrono::seconds(90));
}

TEST(StoreOptions, ErrorsNameTheFlag) {
  const std::pair<const char*, const char*> bad[] = {
      {"etcd-servers", "localhost:2379"}, {"etcd-servers", ""},
      {"etcd-prefix", "registry"},        {"etcd-prefix", "/registry/"},
      {"etcd-compaction-interval", "x"},  {"etcd-compaction-interval", "-5m"}};
  for (const auto& [flag, value] : bad) {
    const auto refused = resolve({{flag, value}});
    ASSERT_FALSE(refused.has_value()) << flag << '=' << value;
    EXPECT_EQ(refused.error().code, 400);
    EXPECT_TRUE(refused.error().message.starts_with("--" + std::string(flag) + ": "));
  }
}

}  // namespace
}  // namespace pinnace::cluster

// Encryption at rest: what its configuration may say, what the providers make, and that nothing
// plain is left on the disk.
#include <gtest/gtest.h>

#include <filesystem>

#include "apiserver/encryption/keeper.h"
#include "base/clock.h"
#include "base/strings.h"
#include "io/files.h"
#include "io/sim_executor.h"
#include "store/test_support.h"

namespace pinnace::apiserver::encryption {
namespace {

using store::Key;
using store::testing::ScratchDirectory;

std::string text_of(std::string_view providers, std::string_view resources = "[secrets]") {
  return "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
         "- resources: " +
         std::string(resources) + "\n  providers: " + std::string(providers) + "\n";
}
std::string key(std::string_view name, std::size_t bytes = 32, char fill = 'k') {
  return "{name: " + std::string(name) + ", secret: " + base64_encode(std::string(bytes, fill)) +
         "}";
}
std::string aesgcm(std::string_view keys) {
  return "{aesgcm: {keys: [" + std::string(keys) + "]}}";
}

std::string fault_of(const std::string& text) {
  const auto parsed = parse_configuration(text);
  return parsed ? "" : parsed.error().message;
}

std::shared_ptr<ConfiguredTransformer> transformer_of(const std::string& text) {
  static io::SimExecutor executor;
  return ConfiguredTransformer::create(parse_configuration(text).value(), executor.clock()).value();
}

TEST(EncryptionConfiguration, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"kind: Pod", "must be an EncryptionConfiguration of apiserver.config.k8s.io/v1"},
      {text_of("[]"), "resources[0].providers: Required value: at least one providers is required"},
      {text_of("[{identity: {}}]", "[]"),
       "resources[0].resources: Required value: at least one resources is required"},
      {text_of("[{identity: {}, aesgcm: {}}]"), "more than one provider specified"},
      {text_of("[" + aesgcm(key("a", 31)) + "]"),
       "secret is not of the expected length, got 31, expected one of [16 24 32]"},
      {text_of("[" + aesgcm("{name: a, secret: '***'}") + "]"), "secrets must be base64 encoded"},
      {text_of("[" + aesgcm("{secret: " + base64_encode(std::string(32, 'k')) + "}") + "]"),
       "resources[0].providers[0].aesgcm.keys[0].name: Required value: name is a mandatory field"},
      {text_of("[{kms: {apiVersion: v1, name: a, endpoint: 'unix:///s'}}]"), "Use KMSv2 instead"},
      {text_of("[{kms: {apiVersion: v2, name: a, endpoint: 'https://s'}}]"),
       "unsupported scheme \"https\" for KMS provider, only unix is supported"},
      {text_of("[{kms: {apiVersion: v2, name: 'a:b', endpoint: 'unix:///s'}}]"),
       "must not contain ':'"},
      {text_of("[{identity: {}}]", "['*']"), "use '*.' to encrypt all the resources"},
      {text_of("[{identity: {}}]", "[Secrets]"),
       "resource name should not contain capital letters"},
      {text_of("[{identity: {}}]", "[secrets, '*.']"), "using overlapping resources"},
      {text_of("[{identity: {}}]", "[secrets, secrets]"), "cannot be specified multiple times"},
      {text_of("[{identity: {}}]", "['*.*']") +
           "- resources: [secrets]\n  providers: [{identity: {}}]",
       "resource \"secrets\" is masked by earlier rule \"*.*\""},
      {text_of("[{identity: {}, }]") + "colour: blue\n", "colour: Forbidden: unknown field"},
      {text_of("[{identity: {}}, text]"),
       "providers[1]: Invalid value: \"text\": must be an object"},
      {text_of("[{aesgcm: 1}]"), "providers[0].aesgcm: Invalid value: 1: must be an object"},
      {text_of("[{aesgcm: {keys: [1]}}]"), "keys[0]: Invalid value: 1: must be an object"},
      {text_of("[{kms: []}]"), "providers[0].kms: Invalid value: []: must be an object"},
      {text_of("[{identity: {}}]") + "- 5\n", "resources[1]: Invalid value: 5: must be an object"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(fault_of(text).find(expected), std::string::npos) << text << "\n" << fault_of(text);
  }
  EXPECT_EQ(fault_of(text_of("[" + aesgcm(key("a") + "," + key("b", 16)) + ", {identity: {}}]")),
            "");
}

TEST(EncryptionConfiguration, TheClosestPatternCounts) {
  const auto made =
      transformer_of(text_of("[{identity: {}}]", "[configmaps]") +
                     "- resources: ['*.apps', '*.']\n  providers: [" + aesgcm(key("a")) +
                     "]\n- resources: ['*.*']\n  providers: [{identity: {}}]\n");
  EXPECT_FALSE(made->seals("configmaps"));
  EXPECT_TRUE(made->seals("secrets"));
  EXPECT_TRUE(made->seals("apps/deployments"));
  EXPECT_FALSE(made->seals("batch/jobs"));
}

TEST(Encryption, EveryProviderSealsAndOpensUnderItsPrefix) {
  const Key where{"secrets", "default", "a"};
  for (const std::string kind : {"aesgcm", "aescbc", "secretbox"}) {
    const auto made = transformer_of(text_of("[{" + kind + ": {keys: [" + key("one") + "]}}]"));
    const auto sealed = made->seal(where, R"({"data":1})").value();
    EXPECT_TRUE(sealed.starts_with("k8s:enc:" + kind + ":v1:one:")) << kind;
    const auto opened = made->open(where, sealed).value();
    EXPECT_EQ(opened.plain, R"({"data":1})");
    EXPECT_FALSE(opened.is_stale);
  }
}

TEST(Encryption, TheFirstKeyWritesAndAllRead) {
  const Key where{"secrets", "default", "a"};
  const std::string one = key("one", 32, '1'), two = key("two", 32, '2');
  const auto old = transformer_of(text_of("[" + aesgcm(one) + ", {identity: {}}]"));
  const auto both = transformer_of(text_of("[" + aesgcm(two + "," + one) + ", {identity: {}}]"));
  const auto sealed = old->seal(where, "{}").value();
  EXPECT_TRUE(both->open(where, sealed)->is_stale);
  EXPECT_FALSE(both->open(where, both->seal(where, "{}").value())->is_stale);
  EXPECT_TRUE(both->open(where, "{}")->is_stale);  // Plain, from before.
  EXPECT_FALSE(old->open(where, both->seal(where, "{}").value()).has_value());
}

TEST(Encryption, AValueStaysWithItsObject) {
  const auto made = transformer_of(text_of("[" + aesgcm(key("one")) + "]"));
  const auto sealed = made->seal({"secrets", "default", "a"}, "{}").value();
  EXPECT_FALSE(made->open({"secrets", "default", "b"}, sealed).has_value());
}

// Wraps by turning around; its key can be changed, and it can fail.
struct FakeKeyService final : KeyService {
  static inline std::string key_id = "one";
  static inline bool is_well = true;
  static inline int unwraps = 0;
  Result<Status> status() override {
    if (!is_well) return errors::unavailable("not well");
    return Status{"v2", "ok", key_id};
  }
  Result<Wrapped> wrap(const std::string& plain, const std::string&) override {
    return Wrapped{std::string(plain.rbegin(), plain.rend()), key_id, {{"kms.example.org", "x"}}};
  }
  Result<std::string> unwrap(const Wrapped& wrapped, const std::string&) override {
    ++unwraps;
    if (!is_well) return errors::unavailable("not well");
    return std::string(wrapped.ciphertext.rbegin(), wrapped.ciphertext.rend());
  }
};

TEST(Encryption, AKeyServiceWrapsSeedsAndItsNewKeyMakesOldValuesStale) {
  FakeKeyService::is_well = true;
  FakeKeyService::key_id = "one";
  io::SimExecutor executor;
  const auto made =
      ConfiguredTransformer::create(
          parse_configuration(
              text_of("[{kms: {apiVersion: v2, name: k, endpoint: 'unix:///s'}}, {identity: {}}]"))
              .value(),
          executor.clock(),
          [](const std::string&, Duration) -> std::unique_ptr<KeyService> {
            return std::make_unique<FakeKeyService>();
          })
          .value();
  const Key where{"secrets", "default", "a"};
  const auto sealed = made->seal(where, "{}").value();
  EXPECT_TRUE(sealed.starts_with("k8s:enc:kms:v2:k:"));
  EXPECT_FALSE(made->open(where, sealed)->is_stale);
  EXPECT_EQ(FakeKeyService::unwraps, 0);  // Its own seed is known.
  FakeKeyService::key_id = "two";
  EXPECT_TRUE(made->refresh().value());
  EXPECT_TRUE(made->open(where, sealed)->is_stale);
  EXPECT_FALSE(made->refresh().value());
  // Without the service what is known is read, and writing ends after a while.
  FakeKeyService::is_well = false;
  EXPECT_FALSE(made->refresh().has_value());
  EXPECT_TRUE(made->seal(where, "{}").has_value());
  executor.advance(KmsProvider::kSeedLife);
  EXPECT_EQ(made->seal(where, "{}").error().code, 503);
  EXPECT_TRUE(made->open(where, sealed).has_value());
}

// Whether any file below the directory has these bytes.
bool disk_has(const std::string& directory, std::string_view bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    if (io::read_file(entry.path()).value().find(bytes) != std::string::npos) return true;
  }
  return false;
}

class EncryptionOnDisk : public ::testing::Test {
 protected:
  EncryptionOnDisk() { write(text_of("[" + aesgcm(key("one")) + ", {identity: {}}]")); }
  void write(const std::string& text) { ASSERT_TRUE(io::write_file_atomic(file_, text)); }
  void open() {
    close();
    keeper_ =
        Keeper::create({.file = file_, .clock = executor_.clock(), .metrics = metrics_}).value();
    start(keeper_->transformer());
    keeper_->watch(*store_);
  }
  void start(std::shared_ptr<store::Transformer> transformer) {
    store_ = store::EmbeddedStore::create({.directory = db_, .transformer = std::move(transformer)})
                 .value();
  }
  void close() {
    store_.reset();
    keeper_.reset();
  }
  void put(const std::string& name, const std::string& payload) {
    ASSERT_TRUE(
        store_->commit_and_wait(store::testing::create("default", name, payload, "secrets")));
  }

  ScratchDirectory scratch_;
  const std::string file_ = scratch_.path() + "/encryption.yaml", db_ = scratch_.path() + "/db";
  io::SimExecutor executor_;
  metrics::Registry metrics_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<store::EmbeddedStore> store_;
};

// Neither the log, nor the history, nor the tables have a secret's text, plain or in base64.
TEST_F(EncryptionOnDisk, NothingPlainIsOnTheDisk) {
  const std::string secret = "correct horse battery staple", coded = base64_encode(secret);
  open();
  put("a", coded);
  const auto made = store_->get({"secrets", "default", "a"}).value();
  const auto changed =
      store_->commit_and_wait(store::testing::update(made, coded + secret)).value();
  put("gone", secret);
  ASSERT_TRUE(store_->commit_and_wait(
      store::testing::remove(store_->get({"secrets", "default", "gone"}).value())));
  ASSERT_TRUE(store_->commit_and_wait(store::testing::create("default", "p", "a pod's text")));
  EXPECT_FALSE(disk_has(db_, coded));
  EXPECT_FALSE(disk_has(db_, secret));
  EXPECT_TRUE(disk_has(db_, "a pod's text"));  // The search finds what is there.
  open();
  EXPECT_EQ(store_->get({"secrets", "default", "a"}).value()->json.text(), changed->json.text());
  EXPECT_FALSE(disk_has(db_, coded));
  EXPECT_FALSE(disk_has(db_, secret));
}

TEST_F(EncryptionOnDisk, WhatWasPlainIsReadAndLeavesTheDisk) {
  const std::string secret = "written before there was a key";
  start(nullptr);
  put("a", secret);
  const auto before = store_->get({"secrets", "default", "a"}).value()->json.text();
  EXPECT_TRUE(disk_has(db_, secret));
  open();
  EXPECT_EQ(store_->get({"secrets", "default", "a"}).value()->json.text(), before);
  close();
  EXPECT_FALSE(disk_has(db_, secret));
}

TEST_F(EncryptionOnDisk, ANewKeyRewritesEverythingSoThatTheOldOneMayGo) {
  open();
  put("a", "text");
  put("b", "text");
  write(text_of("[" + aesgcm(key("two", 32, '2') + "," + key("one")) + ", {identity: {}}]"));
  keeper_->look();
  write(text_of("[" + aesgcm(key("two", 32, '2')) + "]"));
  keeper_->look();
  open();
  EXPECT_EQ(store_->count("secrets"), 2u);
  EXPECT_NE(metrics_.text().find("automatic_reloads_total{status=\"success\"} 2"),
            std::string::npos);
  // A file that is wrong changes nothing.
  write("kind: nonsense");
  keeper_->look();
  put("c", "text");
  EXPECT_NE(metrics_.text().find("automatic_reloads_total{status=\"failure\"} 1"),
            std::string::npos);
}

TEST_F(EncryptionOnDisk, WithoutItsKeyTheStoreDoesNotOpen) {
  open();
  put("a", "text");
  close();
  const auto plain = store::EmbeddedStore::create({.directory = db_});
  ASSERT_FALSE(plain.has_value());
  EXPECT_EQ(plain.error().message,
            "secrets/default/a is encrypted, and no encryption configuration is given");
}

TEST_F(EncryptionOnDisk, AWriteThatCannotBeSealedFailsAlone) {
  struct Broken final : store::Transformer {
    bool seals(std::string_view resource) const override { return resource == "secrets"; }
    Result<std::string> seal(const Key&, std::string_view) override {
      return errors::unavailable("no key");
    }
    Result<Opened> open(const Key&, std::string_view kept) override {
      return Opened{std::string(kept), false};
    }
  };
  start(std::make_shared<Broken>());
  const auto refused =
      store_->commit_and_wait(store::testing::create("default", "a", "text", "secrets"));
  EXPECT_EQ(refused.error().message, "no key");
  EXPECT_TRUE(store_->commit_and_wait(store::testing::create("default", "p")).has_value());
}

}  // namespace
}  // namespace pinnace::apiserver::encryption

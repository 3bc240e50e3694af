#include "cluster/controller_flags.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "controllers/support/certificate_requests.h"
#include "io/files.h"

namespace pinnace::cluster {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

class ControllerFlags : public ::testing::Test {
 protected:
  ControllerFlags() {
    directory_ =
        std::filesystem::temp_directory_path() / ("controller-flags-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    pki_.authority = net::make_authority("cluster", kNow, kNow + std::chrono::hours(1)).value();
    pki_.service_account_key_pem = "a key";
  }
  ~ControllerFlags() override { std::filesystem::remove_all(directory_); }
  // Sets both flags of an authority that it makes, which is returned.
  net::CertificateAndKey give(const std::string& flag) {
    auto made = net::make_authority(flag, kNow, kNow + std::chrono::hours(1)).value();
    const std::string path = directory_ / flag;
    EXPECT_TRUE(io::write_file(path + ".crt", made.certificate_pem));
    EXPECT_TRUE(io::write_file(path + ".key", made.private_key_pem));
    arguments_.options[flag + "-cert-file"] = path + ".crt";
    arguments_.options[flag + "-key-file"] = path + ".key";
    return made;
  }
  std::string signer(std::string_view name) {
    return settings_.signers.find(name)->second.certificate_pem;
  }

  std::filesystem::path directory_;
  Pki pki_;
  Arguments arguments_;
  controllers::Settings settings_;
};

TEST_F(ControllerFlags, TheClustersAuthoritySignsIfNoOtherIsNamed) {
  ASSERT_TRUE(apply_controller_flags(arguments_, pki_, settings_));
  EXPECT_EQ(settings_.signers.size(), 4u);
  EXPECT_EQ(signer(controllers::kLegacySigner), pki_.authority.certificate_pem);
  EXPECT_EQ(settings_.cluster_signing_duration, std::chrono::hours(8760));
  EXPECT_EQ(settings_.root_ca_pem, pki_.authority.certificate_pem);
}

TEST_F(ControllerFlags, AnAuthorityOfASignerIsForThatOneAlone) {
  const auto all = give("cluster-signing");
  const auto kubelets = give("cluster-signing-kubelet-client");
  arguments_.options["cluster-signing-duration"] = "2h";
  ASSERT_TRUE(apply_controller_flags(arguments_, pki_, settings_));
  EXPECT_EQ(signer(controllers::kClientSigner), all.certificate_pem);
  EXPECT_EQ(signer(controllers::kKubeletClientSigner), kubelets.certificate_pem);
  EXPECT_EQ(settings_.cluster_signing_duration, std::chrono::hours(2));
}

TEST_F(ControllerFlags, RefuseHalvesStrangersAndShortLives) {
  const auto wrong = [&] {
    const auto applied = apply_controller_flags(arguments_, pki_, settings_);
    return applied ? "" : applied.error().message;
  };
  give("cluster-signing");
  const std::string key = arguments_.options["cluster-signing-key-file"];
  arguments_.options.erase("cluster-signing-key-file");
  EXPECT_EQ(wrong(), "--cluster-signing-cert-file and --cluster-signing-key-file go together");
  give("cluster-signing-legacy-unknown");
  arguments_.options["cluster-signing-key-file"] =
      arguments_.options["cluster-signing-legacy-unknown-key-file"];
  EXPECT_NE(wrong().find("--cluster-signing-key-file: is not the key of"), std::string::npos);
  arguments_.options["cluster-signing-key-file"] = key;
  arguments_.options["cluster-signing-duration"] = "1m";
  EXPECT_EQ(wrong(), "--cluster-signing-duration: takes a duration of at least 10m");
}

}  // namespace
}  // namespace pinnace::cluster

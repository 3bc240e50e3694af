#include "controllers/certificate_cleaner/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::certificate_cleaner {
namespace {

using controllers::testing::at;

constexpr std::int64_t kHour = 3600;

SigningRequest decided(std::string_view how, const std::string& certificate = "") {
  SigningRequest made;
  made.metadata.creation_timestamp = to_time(at(0));
  made.status.certificate = certificate;
  if (how.empty()) return made;
  auto& condition = made.status.conditions.emplace_back();
  condition.type = how;
  condition.last_update_time = to_time(at(0));
  return made;
}

TEST(CertificateCleaner, GivesPeopleADayToDecideAndSignersADayToSign) {
  for (const char* state : {"", "Approved"}) {
    EXPECT_FALSE(has_served(decided(state), at(24 * kHour))) << state;
    EXPECT_TRUE(has_served(decided(state), at(24 * kHour + 1))) << state;
  }
}

TEST(CertificateCleaner, KeepsAnswersForAnHour) {
  for (const char* state : {"Denied", "Failed"}) {
    EXPECT_FALSE(has_served(decided(state), at(kHour))) << state;
    EXPECT_TRUE(has_served(decided(state), at(kHour + 1))) << state;
  }
  EXPECT_FALSE(has_served(decided("Approved", "a certificate"), at(kHour)));
  EXPECT_TRUE(has_served(decided("Approved", "a certificate"), at(kHour + 1)));
}

TEST(CertificateCleaner, DropsCertificatesThatHaveEnded) {
  const auto short_lived = net::make_authority("x", at(0), at(600))->certificate_pem;
  EXPECT_FALSE(has_served(decided("Approved", short_lived), at(600)));
  EXPECT_TRUE(has_served(decided("Approved", short_lived), at(601)));
}

}  // namespace
}  // namespace pinnace::controllers::certificate_cleaner

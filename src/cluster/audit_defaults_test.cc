#include "cluster/audit_defaults.h"

#include <gtest/gtest.h>

namespace pinnace::cluster {
namespace {

using apiserver::AuditMode;

TEST(AuditDefaults, ALogOfOnesOwnHoldsAnswersUntilItHasThem) {
  apiserver::Configuration chosen;
  chosen.audit.is_chosen = true;
  chosen.audit.log_path = "/a.log";
  EXPECT_EQ(with_default_audit(chosen, {}).audit.log_mode, AuditMode::kBlocking);
  chosen.audit.log_mode = AuditMode::kBatch;
  EXPECT_EQ(with_default_audit(chosen, {}).audit.log_mode, AuditMode::kBatch);
}

TEST(AuditDefaults, OurOwnLogHoldsNobodyUp) {
  const auto ours = with_default_audit({}, {}).audit;
  EXPECT_FALSE(ours.log_path.empty());
  EXPECT_FALSE(ours.policy_text.empty());
  EXPECT_EQ(ours.log_mode, std::nullopt);
}

}  // namespace
}  // namespace pinnace::cluster

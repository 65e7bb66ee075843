#include "run/audit.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

const std::vector<std::string> kHosts = {"a", "a", "b", "b"};

AuditRecord evidence(std::uint64_t parameters, std::uint64_t gradient) {
  AuditRecord evidence;
  if (parameters != 0) evidence.parameters = Digest{.low = parameters};
  if (gradient != 0) evidence.gradient = Digest{.low = gradient};
  return evidence;
}

std::string found(const std::vector<AuditRecord>& all) {
  return disagreement_of(all, kHosts).value_or("");
}

TEST(Audit, FindsNothingWhereAllAgree) {
  EXPECT_EQ(found({evidence(0, 0)}), "");
  EXPECT_EQ(found({evidence(5, 7), evidence(0, 7), evidence(5, 7), evidence(0, 7)}), "");
}

TEST(Audit, NamesTheRankThatComputesSomethingElse) {
  EXPECT_EQ(found({evidence(0, 7), evidence(0, 8), evidence(0, 7), evidence(0, 7)}),
            "rank 1 on a computes another gradient of the same microbatch than most others\n"
            "  suspect that memory or processor");
  EXPECT_TRUE(found({evidence(0, 8), evidence(0, 7), evidence(0, 7)}).starts_with("rank 0 on a "));
}

TEST(Audit, OfEquallyManyEitherMayBeWrong) {
  EXPECT_EQ(found({evidence(0, 7), evidence(0, 8)}),
            "rank 1 on a computes another gradient of the same microbatch than as many others\n"
            "  suspect either side's memory or processor");
}

TEST(Audit, OtherParametersExplainOtherGradients) {
  EXPECT_TRUE(found({evidence(5, 7), evidence(0, 7), evidence(6, 8), evidence(0, 8)})
                  .starts_with("rank 2 on b holds other parameters than as many others"));
}

TEST(Audit, WhatChangedBetweenUpdatesComesFirst) {
  std::vector<AuditRecord> all{evidence(5, 7), evidence(0, 7), evidence(6, 8), evidence(0, 8)};
  all[1].intact = all[3].intact = false;
  EXPECT_TRUE(
      found(all).starts_with("the parameters or the optimizer state of rank 1 on a and "
                             "rank 3 on b changed between two updates\n"));
}

}  // namespace
}  // namespace lockstep

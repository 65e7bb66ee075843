// Faults of machines: flipped bits and wrong results are found, ranks and hosts are named, and the
// run goes on to the bits of an undisturbed one, or ends with 81.
#include <unistd.h>

#include <array>

#include "system/faulty_rank.hpp"

namespace lockstep::system_test {
namespace {

class AuditTest : public FaultyRankTest {
 protected:
  AuditTest() : FaultyRankTest("steps = 1200") {}

  static void expect_named(const Outcome& outcome, int rank, const std::string& what) {
    std::array<char, 256> host{};
    ASSERT_EQ(::gethostname(host.data(), host.size() - 1), 0);
    const std::string who = fmt::format("rank {} on {}", rank, host.data());
    EXPECT_NE(outcome.err.find(who), std::string::npos) << who << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
  }
};

constexpr const char* kChanged = "changed between two updates";

TEST_F(AuditTest, AFlippedBitIsNamedAndRolledBackToTheSameBits) {
  const std::string undisturbed = whole("whole", {"audit.action=rollback"});
  for (const int ranks : {2, 3}) {
    const std::string run = fmt::format("flipped{}", ranks);
    SCOPED_TRACE(run);
    const Outcome outcome = run_with("flip", ranks, 0, run, {"audit.action=rollback"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    expect_named(outcome, owner(ranks), kChanged);
    EXPECT_EQ(count(outcome.err, "back to step"), 1) << outcome.err;
    EXPECT_TRUE(latest(run) == undisturbed);
  }
}

TEST_F(AuditTest, AFlippedBitOfOneNodesCopyIsNamedAndRolledBackToTheSameBits) {
  // The first node, ranks 0 and 1, which receive what ranks 2 and 3 own.
  ASSERT_GE(owner(4), 2);
  const Outcome outcome =
      run_with("flip", 4, 0, "copy", {"audit.action=rollback"}, {"--ranks-per-node", "2"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  expect_named(outcome, owner(4) - 2, kChanged);
  EXPECT_EQ(count(outcome.err, "back to step"), 1) << outcome.err;
  EXPECT_TRUE(latest("copy") == whole("whole", {"audit.action=rollback"}));
}

TEST_F(AuditTest, AFlippedBitEndsTheRunBeforeItIsSaved) {
  const std::string undisturbed = whole("whole", {});
  // Each step saves: the checkpoint after the fault must not be one of them.
  const Outcome outcome =
      run_with("flip", 3, 0, "stopped", {"checkpoint.every=\"1 steps\"", "checkpoint.keep=1000"});
  EXPECT_EQ(outcome.code, 81) << outcome.err;
  expect_named(outcome, owner(3), kChanged);
  EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  EXPECT_TRUE(status("stopped").starts_with("failed 81 ")) << status("stopped");
  const Outcome second =
      system_test::run(train(2, "stopped", {"--resume", "auto", "--set", "data.holdout=0"}));
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_TRUE(latest("stopped") == undisturbed);
}

TEST_F(AuditTest, ARankThatComputesWronglyIsNamed) {
  const Outcome outcome = run_with("wrong", 3, 1, "wrong", {"audit.every=\"10 steps\""});
  EXPECT_EQ(outcome.code, 81) << outcome.err;
  expect_named(outcome, 1, "computes another gradient of the same microbatch than most others");
  EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
}

TEST_F(AuditTest, AFaultThatStaysEndsTheRunAfterAll) {
  const Outcome outcome =
      run_with("wrong", 4, 2, "stays", {"audit.every=\"10 steps\"", "audit.action=rollback"});
  EXPECT_EQ(outcome.code, 81) << outcome.err;
  expect_named(outcome, 2, "computes another gradient");
  EXPECT_EQ(count(outcome.err, "back to step"), 3) << outcome.err;
}

}  // namespace
}  // namespace lockstep::system_test

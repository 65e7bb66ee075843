// One installation for processors of several kinds: which of its instruction sets a process takes,
// what it says where that cannot be, and that no bit depends on it.
#include "lockstep/base/instruction_set.hpp"

#include <nlohmann/json.hpp>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

class InstructionSetTest : public FaultTest {
 protected:
  InstructionSetTest() : FaultTest("steps = 20") {}

  [[nodiscard]] Outcome version_with(const std::string& set) const {
    Command command = command_in(directory_, 0, {"--version"});
    command.environment.push_back("LOCKSTEP_ISA=" + set);
    return system_test::run(command);
  }
};

TEST_F(InstructionSetTest, EverySetThatThisProcessorHasCanBeForced) {
  std::string digest;
  for (const std::string& set : instruction_sets()) {
    const Outcome outcome = version_with(set);
    if (outcome.code == 71) {
      EXPECT_EQ(count(outcome.err, "this processor cannot run " + set), 1) << outcome.err;
      continue;
    }
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("SIMD        " + set + ", of "), std::string::npos) << outcome.out;
    const Outcome trained = system_test::run(train(2, set, {}, {"LOCKSTEP_ISA=" + set}));
    EXPECT_EQ(trained.code, 0) << trained.err;
    EXPECT_NE(trained.out.find("  " + set + "\n"), std::string::npos) << trained.out;
    const auto manifest = nlohmann::json::parse(read_text(path(set) / "manifest.json"));
    for (const auto& place : manifest.at("places")) EXPECT_EQ(place.at("instruction_set"), set);
    EXPECT_EQ(manifest.at("lockstep").at("instruction_sets"), nlohmann::json(instruction_sets()));
    if (digest.empty()) digest = latest(set);
    EXPECT_TRUE(latest(set) == digest) << set;
  }
  EXPECT_FALSE(digest.empty());
}

TEST_F(InstructionSetTest, ASetThatWasNotBuiltIsRefused) {
  const Outcome outcome = version_with("sse9");
  EXPECT_EQ(outcome.code, 78);
  EXPECT_EQ(count(outcome.err, "LOCKSTEP_ISA: 'sse9' was not built; there are: "), 1)
      << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST_F(InstructionSetTest, OfTheRanksOfAMachineOneSpeaks) {
  const Outcome outcome = system_test::run(train(3, "none", {}, {"LOCKSTEP_ISA=sse9"}));
  EXPECT_EQ(outcome.code, 78);
  EXPECT_EQ(count(outcome.err, "was not built"), 1) << outcome.err;
}

TEST_F(InstructionSetTest, ShortNamesWillDo) {
  for (const std::string& set : instruction_sets()) {
    if (!set.starts_with("x86-64-v")) continue;
    const Outcome outcome = version_with(set.substr(set.size() - 2));
    EXPECT_TRUE(outcome.code == 0 || outcome.code == 71) << outcome.err;
  }
}

}  // namespace
}  // namespace lockstep::system_test

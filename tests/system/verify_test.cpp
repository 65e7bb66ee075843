// The digests that src/README.md lists: the same for every instruction set, number of ranks,
// threads and nodes, and whatever the caches are.
#include <nlohmann/json.hpp>

#include "lockstep/base/instruction_set.hpp"
#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

class VerifyTest : public FaultTest {
 protected:
  VerifyTest() : FaultTest("steps = 20") {}

  [[nodiscard]] Outcome verify(int ranks, const Arguments& more,
                               const std::string& variable = "NOTHING=") const {
    Arguments line = {"verify"};
    line.insert(line.end(), more.begin(), more.end());
    Command command = command_in(directory_, ranks, line);
    command.environment.push_back(variable);
    return system_test::run(command);
  }

  static void expect_right(const Outcome& outcome) {
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
    EXPECT_EQ(count(outcome.out, "  right  "), 6) << outcome.out;
  }
};

TEST_F(VerifyTest, OnAnyRanksThreadsAndNodes) {
  for (const auto& [ranks, threads, nodes] : std::vector<std::tuple<int, std::string, std::string>>{
           {0, "1", ""}, {2, "2", ""}, {3, "3", "1,2"}, {5, "1", "2,3"}, {8, "2", "4"}}) {
    SCOPED_TRACE(fmt::format("{} ranks, {} threads, nodes of {}", ranks, threads, nodes));
    Arguments more = {"--threads", threads};
    if (!nodes.empty()) more.insert(more.end(), {"--ranks-per-node", nodes});
    expect_right(verify(ranks, more));
  }
}

TEST_F(VerifyTest, WithAnyInstructionSet) {
  int sets = 0;
  for (const std::string& set : instruction_sets()) {
    const Outcome outcome = verify(2, {"--threads", "2"}, "LOCKSTEP_ISA=" + set);
    if (outcome.code == 71) continue;  // not of this processor
    ++sets;
    expect_right(outcome);
    EXPECT_EQ(count(outcome.out, "  " + set + "  "), 1) << outcome.out;
  }
  EXPECT_GE(sets, 1);
}

TEST_F(VerifyTest, RanksWithSetsOfTheirOwn) {
  std::vector<std::string> mine;
  for (const std::string& set : instruction_sets()) {
    if (verify(0, {"--help"}, "LOCKSTEP_ISA=" + set).code == 0) mine.push_back(set);
  }
  ASSERT_FALSE(mine.empty());
  const auto rank_with = [](const std::string& set) {
    return Arguments{"-np", "1", "-x", "LOCKSTEP_ISA=" + set, LOCKSTEP_TRAINER, "verify"};
  };
  Command command = command_in(directory_, 0, {});
  command.arguments = {LOCKSTEP_MPIEXEC, "-q", "--oversubscribe"};
  const Arguments first = rank_with(mine.front()), last = rank_with(mine.back());
  command.arguments.insert(command.arguments.end(), first.begin(), first.end());
  command.arguments.emplace_back(":");
  command.arguments.insert(command.arguments.end(), last.begin(), last.end());
  expect_right(system_test::run(command));
}

TEST_F(VerifyTest, WithAnyCaches) {
  for (const std::string caches :
       {"1,1,1", "3,7,11", "32,512,8192", "48,2048,65536", "16,100,5", "1000,1000000,1000000"}) {
    SCOPED_TRACE(caches);
    expect_right(verify(0, {"--threads", "2"}, "LOCKSTEP_CACHES=" + caches));
  }
}

TEST_F(VerifyTest, CachesThatAreNoneAreRefused) {
  for (const std::string text : {"32K", "32;512;8192", "1,2", "1,2,3,4", "0,1,1", "-3,1,1"}) {
    const Outcome outcome = verify(2, {}, "LOCKSTEP_CACHES=" + text);
    EXPECT_EQ(outcome.code, 78) << text;
    EXPECT_EQ(count(outcome.err, "LOCKSTEP_CACHES: expected three sizes in KiB"), 1) << outcome.err;
  }
}

TEST_F(VerifyTest, AsJson) {
  const Outcome outcome = verify(0, {"--json"});
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json.at("runs").size(), 6u);
  for (const auto& run : json.at("runs")) EXPECT_EQ(run.at("digest"), run.at("known"));
}

TEST_F(VerifyTest, ReadmeListsTheDigests) {
  const auto json = nlohmann::json::parse(verify(0, {"--json"}).out);
  const std::string readme =
      read_text(std::filesystem::path(LOCKSTEP_SOURCE_DIR) / "src/README.md");
  for (const auto& run : json.at("runs")) {
    EXPECT_EQ(count(readme, run.at("known").get<std::string>()), 1) << run;
  }
}

TEST_F(VerifyTest, MoreRanksThanPartsAreRefused) {
  const Outcome outcome = verify(17, {});
  EXPECT_EQ(outcome.code, 64);
  EXPECT_EQ(count(outcome.err, "17 ranks were started"), 1) << outcome.err;
}

}  // namespace
}  // namespace lockstep::system_test

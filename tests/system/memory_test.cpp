// What the header says of memory is what the processes take.
#include <sstream>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

// 3.8 million parameters, saved after every step.
constexpr std::string_view kMemoryConfig = R"(
[run]
name = "memory"
epochs = 2
[data]
train = "x.csv"
holdout = 0.0
batch = 16
[[layer]]
type = "linear"
out = 28000
[[layer]]
type = "linear"
out = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "adam"
lr = 1e-3
[checkpoint]
every = "1 steps"
)";

/// MiB that the ranks with this mark have, what they share counted once.
double memory_of(const std::string& mark) {
  double kilobytes = 0;
  for (const pid_t pid : ranks_with(mark)) {
    std::istringstream table(read_text(fmt::format("/proc/{}/smaps_rollup", pid)));
    for (std::string word; table >> word;) {
      double number = 0;
      if (word == "Pss:" && table >> number) kilobytes += number;
    }
  }
  return kilobytes / 1024;
}

TEST(Memory, IsWhatTheHeaderSays) {
  TemporaryDirectory directory;
  directory.write("config.toml", std::string(kMemoryConfig));
  directory.write("x.csv", class_table(64, 128, 3));
  for (const int ranks : {0, 4}) {
    SCOPED_TRACE(fmt::format("{} ranks", ranks));
    const std::string mark = fmt::format("LOCKSTEP_TEST_MARK=memory{}.{}", ranks, ::getpid());
    Command command = command_in(
        directory, ranks, {"train", "config.toml", "--run-dir", fmt::format("run{}", ranks)});
    command.environment.push_back(mark);
    Process process(command);
    double most = 0;
    while (!process.ended()) {
      most = std::max(most, memory_of(mark));
      sleep_seconds(0.01);
    }
    const Outcome outcome = process.wait();
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const std::size_t at = outcome.out.find("memory ");
    ASSERT_NE(at, std::string::npos) << outcome.out;
    double node = 0, said = 0;
    ASSERT_EQ(std::sscanf(outcome.out.c_str() + at, "memory %lf MiB per node, at most %lf MiB",
                          &node, &said),
              2)
        << outcome.out.substr(at, 80);
    EXPECT_GT(said, node + 40) << "the file of 43 MiB comes on top";
    EXPECT_NEAR(most / said, 1, 0.15) << most << " of " << said << " MiB";
    if (ranks > 0) continue;
    const Outcome resumed = run(command_in(directory, ranks,
                                           {"train", "config.toml", "--run-dir", "run0", "--resume",
                                            "auto", "--set", "run.epochs=3"}));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    const std::size_t line = resumed.out.find("memory ");
    ASSERT_NE(line, std::string::npos) << resumed.out;
    double again = 0;
    ASSERT_EQ(std::sscanf(resumed.out.c_str() + line, "memory %lf MiB per node", &again), 1)
        << resumed.out.substr(line, 80);
    EXPECT_LT(again, node + 30) << "the file of 43 MiB is no longer needed";
  }
}

}  // namespace
}  // namespace lockstep::system_test

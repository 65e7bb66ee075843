// What nobody foresaw ends in one message and an exit code of the table, wherever it happens.
#include <sys/resource.h>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

struct Crash {
  const char* how;
  const char* place;
  int code;
  const char* words;
};

class CrashTest : public FaultTest {
 protected:
  CrashTest() : FaultTest("epochs = 1") {}

  [[nodiscard]] Outcome train(const std::string& how, const std::string& place, int ranks,
                              const std::string& rank = "") const {
    Command command = FaultTest::train(ranks, "run", {"--dry-run"},
                                       {"CRASH=" + how, "CRASH_AT=" + place, "CRASH_RANK=" + rank});
    if (ranks == 0) {
      command.environment.push_back(preloading(directory_, LOCKSTEP_CRASH));
    } else {
      const Arguments preload{"-x", preloading(directory_, LOCKSTEP_CRASH)};
      command.arguments.insert(command.arguments.begin() + 1, preload.begin(), preload.end());
    }
    return run(command);
  }
};

void expect_one_message(const Outcome& outcome, const Crash& crash) {
  EXPECT_EQ(outcome.code, crash.code) << outcome.err;
  EXPECT_EQ(count(outcome.err, "trainer: error: "), 1) << outcome.err;
  EXPECT_EQ(count(outcome.err, crash.words), 1) << outcome.err;
  EXPECT_EQ(count(outcome.err, "internal error"), crash.code == 70 ? 1 : 0) << outcome.err;
  EXPECT_EQ(count(outcome.err, "bug in trainer"), crash.code == 70 ? 1 : 0) << outcome.err;
  EXPECT_EQ(count(outcome.err, "[ 0]"), 0) << outcome.err;  // of a backtrace
}

TEST_F(CrashTest, EndsInOneMessageAndTheCodeOfTheTable) {
  for (const Crash& crash :
       {Crash{"assert", "start", 70, "assertion 'how != \"assert\"' failed"},
        Crash{"assert", "mpi", 70, "assertion 'how != \"assert\"' failed"},
        Crash{"assert in a thread", "mpi", 70, "assertion 'how.empty()' failed"},
        Crash{"throw in a thread", "mpi", 70, "a surprise"},
        Crash{"throw a number", "start", 70, "an exception of unknown type"},
        Crash{"throw", "mpi", 70, "a surprise"},
        Crash{"no memory in a thread", "mpi", 71, "not enough memory"},
        Crash{"abort", "mpi", 70, "aborted"}, Crash{"divide", "mpi", 70, "SIGFPE"},
        Crash{"illegal", "start", 70, "SIGILL"}, Crash{"null", "mpi", 70, "SIGSEGV"},
        Crash{"overflow", "mpi", 70, "SIGSEGV"}, Crash{"full", "mpi", 71, "SIGBUS"}}) {
    SCOPED_TRACE(fmt::format("{} at {}", crash.how, crash.place));
    expect_one_message(train(crash.how, crash.place, 0), crash);
  }
}

TEST_F(CrashTest, EndsTheJob) {
  for (const Crash& crash :
       {Crash{"assert", "mpi", 70, "assertion"}, Crash{"null", "mpi", 70, "SIGSEGV"},
        Crash{"throw in a thread", "mpi", 70, "a surprise"}}) {
    for (const char* rank : {"", "2"}) {
      SCOPED_TRACE(fmt::format("{} on rank {}", crash.how, rank));
      const Outcome outcome = train(crash.how, crash.place, 3, rank);
      expect_one_message(outcome, crash);
      EXPECT_LT(outcome.seconds, 30);
    }
  }
}

TEST_F(CrashTest, LeavesACoreDumpToWhoeverAskedForOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &before), 0);
  std::ifstream pattern_file("/proc/sys/kernel/core_pattern");
  std::string pattern;
  std::getline(pattern_file, pattern);
  rlimit wanted = before;
  wanted.rlim_cur = wanted.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_CORE, &wanted), 0);
  expect_one_message(train("null", "start", 0), {"null", "start", 70, "SIGSEGV"});
  ASSERT_EQ(::setrlimit(RLIMIT_CORE, &before), 0);
  const bool here = wanted.rlim_max != 0 && pattern.find_first_of("/|") == std::string::npos;
  bool dumped = false;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    dumped = dumped || entry.path().filename().string().starts_with("core");
  }
  EXPECT_TRUE(dumped || !here) << pattern;
}

// What another process sends does what it always does.
TEST_F(CrashTest, ASignalFromOutsideIsNoBug) {
  Process process({trainer(0, {"train", "config.toml", "--set", "run.epochs=1000000"}),
                   directory_.path(), launch_environment()});
  ASSERT_TRUE(wait_until(30, [&] { return process.out().find("epoch") != std::string::npos; }));
  process.send(SIGABRT);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 128 + SIGABRT) << outcome.err;
  EXPECT_EQ(outcome.err.find("bug"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace lockstep::system_test

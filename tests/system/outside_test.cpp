// Strange surroundings: run directories that are moved, deleted or replaced while a run trains,
// links in them, output that nobody reads, and too few processes.
#include <sys/stat.h>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

namespace fs = std::filesystem;

class OutsideTest : public FaultTest {
 protected:
  OutsideTest() : FaultTest("steps = 100_000_000") {}

  static Arguments saving() {
    return {"--set", "checkpoint.every=\"50 steps\"", "--set", "checkpoint.best=none"};
  }

  /// All that is in a directory: names and, of files, contents.
  [[nodiscard]] std::map<std::string, std::string> everything(const std::string& name) const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path(name))) {
      found[entry.path().string()] = entry.is_symlink() ? fs::read_symlink(entry.path()).string()
                                     : entry.is_regular_file() ? read_text(entry.path())
                                                               : "";
    }
    return found;
  }

  [[nodiscard]] Command shell(const std::string& line) const { return shell_in(directory_, line); }
};

// With another run at its path, which must not be touched.
TEST_F(OutsideTest, ARunWhoseDirectoryIsTakenAwayLeavesAnotherRunAlone) {
  // A whole run of the same name.
  ASSERT_EQ(system_test::run(train(0, "theirs", {"--set", "run.steps=60"})).code, 0);
  for (const std::string how : {"moved", "deleted", "linked", "emptied"}) {
    SCOPED_TRACE(how);
    const std::string run = "run-" + how;
    Process process(train(how == "moved" ? 2 : 0, run, saving()));
    ASSERT_TRUE(wait_until(30, [&] { return metric_lines(path(run), "checkpoint").size() > 1; }));
    if (how == "emptied") {
      // A file may come into being meanwhile.
      while (!fs::is_empty(path(run))) {
        std::error_code again;
        for (const auto& entry : fs::directory_iterator(path(run))) fs::remove_all(entry, again);
      }
      fs::copy(path("theirs"), path(run),
               fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    } else {
      fs::rename(path(run), path("old-" + how));
      if (how == "deleted") fs::remove_all(path("old-" + how));
      if (how == "linked") {
        fs::create_directory_symlink("theirs", path(run));
      } else {
        fs::copy(path("theirs"), path(run),
                 fs::copy_options::recursive | fs::copy_options::copy_symlinks);
      }
    }
    const auto before = everything(how == "linked" ? "theirs" : run);
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.code, 73) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    EXPECT_NE(outcome.err.find("nothing more"), std::string::npos) << outcome.err;
    EXPECT_TRUE(everything(how == "linked" ? "theirs" : run) == before);
    if (how == "moved") {
      EXPECT_NE(outcome.err.find("is now " + path("old-moved").string()), std::string::npos)
          << outcome.err;
    }
  }
}

TEST_F(OutsideTest, LinksAndPipesInARunDirectoryAreNotWrittenTo) {
  const std::string theirs = directory_.write("theirs.txt", "theirs\n");
  for (const std::string name : {"metrics.jsonl", "log.txt"}) {
    for (const bool link : {true, false}) {
      const std::string run = name + (link ? "-link" : "-pipe");
      fs::create_directory(path(run));
      if (link) {
        fs::create_symlink(theirs, path(run) / name);
      } else {
        ASSERT_EQ(::mkfifo((path(run) / name).c_str(), 0600), 0);
      }
      const Outcome outcome =
          system_test::run(train(0, run, {"--resume", "auto", "--max-steps", "5"}), 20);
      EXPECT_EQ(outcome.code, 73) << outcome.err;
      EXPECT_NE(outcome.err.find(name + " is "), std::string::npos) << outcome.err;
      EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    }
  }
  // Others are replaced as a whole, whatever they were.
  fs::create_directory(path("replaced"));
  for (const char* name : {"STATUS", "config.toml", "config.resolved.toml"}) {
    fs::create_symlink(theirs, path("replaced") / name);
  }
  const Outcome outcome =
      system_test::run(train(0, "replaced", {"--resume", "auto", "--max-steps", "5"}));
  EXPECT_EQ(outcome.code, 75) << outcome.err;
  EXPECT_EQ(read_text(theirs), "theirs\n");
}

// `trainer train ... | head -1`, and a pager that is not looked at.
TEST_F(OutsideTest, WhoeverReadsTheOutputOrDoesNotHoldsUpNoRun) {
  const std::string few = " --set run.steps=300 --set checkpoint.best=none";
  const Outcome left =
      system_test::run(shell("\"$TRAINER\" train config.toml --run-dir left" + few +
                             " --set eval.every='\"1 steps\"' | head -1; echo ${PIPESTATUS[0]}"));
  EXPECT_TRUE(left.out.ends_with("\n0\n")) << left.out << left.err;
  EXPECT_EQ(count(left.out, "\n"), 2) << left.out;
  EXPECT_EQ(left.err, "");
  EXPECT_EQ(status("left"), "done 0\n");
  // The reader waits until the run is done, and then reads all.
  const Outcome slow = system_test::run(
      shell("mkfifo pipe; \"$TRAINER\" train config.toml --run-dir slow" + few +
            " --set data.batch=350 --set parallel.microbatches=8 --set run.steps=2000"
            " --set watchdog.limit='\"2 s\"' --set watchdog.slow_limit='\"2 s\"' > pipe & "
            "exec 3< pipe; for i in $(seq 600); do grep -q done slow/STATUS 2> /dev/null && break;"
            " sleep 0.05; done; sleep 1; cat <&3; wait $!; echo $?"),
      60);
  EXPECT_TRUE(slow.out.ends_with("\n0\n")) << slow.out.substr(slow.out.size() - 300) << slow.err;
  const auto epochs = static_cast<int>(metric_lines(path("slow"), "epoch").size());
  EXPECT_GE(epochs, 1000) << "more than a pipe takes";
  EXPECT_EQ(count(slow.out, "\nepoch "), epochs) << slow.err;
  EXPECT_NE(slow.out.find("\ndigest "), std::string::npos);
}

TEST_F(OutsideTest, OutputThatFailsIsNamedAndNoFileOfARunIsTakenForIt) {
  const Outcome full = system_test::run(shell("\"$TRAINER\" config explain > /dev/full"));
  EXPECT_EQ(full.code, 74);
  EXPECT_NE(full.err.find("standard output cannot be written: No space left on device"),
            std::string::npos)
      << full.err;
  const Outcome enough =
      system_test::run(shell("\"$TRAINER\" config schema | head -1; echo ${PIPESTATUS[0]}"));
  EXPECT_TRUE(enough.out.ends_with("\n0\n")) << enough.out;
  EXPECT_EQ(enough.err, "");
  // Files that are opened must not get the numbers of what was closed.
  const Outcome closed = system_test::run(
      shell("\"$TRAINER\" train config.toml --run-dir closed --max-steps 20 <&- >&- 2>&-"));
  EXPECT_EQ(closed.code, 75);
  EXPECT_EQ(read_text(path("closed") / "LOCK").find("epoch"), std::string::npos);
  EXPECT_EQ(metric_lines(path("closed"), "step").size(), 20u);
}

TEST_F(OutsideTest, ALaunchWhoseReaderHasLeftEndsOnce) {
  const Outcome outcome = system_test::run(
      shell("\"$TRAINER\" launch -np 2 --mpirun \"$MPIEXEC\" train config.toml --run-dir run --set "
            "run.steps=80 --set eval.every='\"1 steps\"' | head -1; echo ${PIPESTATUS[0]}"));
  EXPECT_TRUE(outcome.out.ends_with("\n0\n")) << outcome.out << outcome.err;
  EXPECT_EQ(count(outcome.err, "launch "), 2) << outcome.err;
  EXPECT_EQ(status("run"), "done 0\n");
  EXPECT_EQ(metric_lines(path("run"), "run").size(), 1u);
}

// As by `ulimit -f`.
TEST_F(OutsideTest, FilesThatMayNotBeLargeEnoughForSharedMemoryAreNotBegun) {
  const std::set<std::string> before = shared_segments();
  directory_.write("wide.toml", replaced(small_config("steps = 10"), "out = 128", "out = 100_000"));
  // Too small for MPI, and for the parameters.
  for (const auto& [blocks, message] : std::map<std::string, std::string>{
           {"1000", "error: files of this process may have 1024000 bytes"},
           {"6000", "error: the ranks on "}}) {
    const Outcome outcome = system_test::run(
        shell(fmt::format("\"$MPIEXEC\" -q -np 2 --oversubscribe bash -c 'ulimit -f {0}; exec "
                          "\"$TRAINER\" train wide.toml --run-dir wide{0}'",
                          blocks)),
        30);
    EXPECT_EQ(outcome.code, 71) << outcome.err;
    EXPECT_EQ(count(outcome.err, message), 1) << outcome.err;
  }
  expect_no_segments_but(before);
}

TEST_F(OutsideTest, WithoutThreadsTheRunSaysSo) {
  const Arguments preload = {preloading(directory_, LOCKSTEP_REFUSE_THREADS),
                             "ASAN_OPTIONS=verify_asan_link_order=0",
                             "OMP_NUM_THREADS=2"};  // until --threads is read
  const auto with = [&](int allowed, const std::string& run, const Arguments& more) {
    Arguments environment = preload;
    environment.push_back(fmt::format("ALLOWED_THREADS={}", allowed));
    return system_test::run(train(0, run, more, environment), 30);
  };
  // For the watchdog and OpenMP, for the sign of life of LOCK.
  for (const int allowed : {0, 3, 11, 12}) {
    const std::string run = fmt::format("none{}", allowed);
    const Outcome outcome = with(allowed, run, {"--threads", "12", "--max-steps", "3"});
    EXPECT_EQ(outcome.code, 71) << allowed << outcome.err;
    EXPECT_EQ(count(outcome.err, "error: cannot start "), 1) << outcome.err;
    EXPECT_NE(outcome.err.find("ulimit -u"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find("bug"), std::string::npos) << outcome.err;
  }
  // A save needs no thread of its own.
  const Outcome outcome = with(13, "enough", {"--threads", "12", "--max-steps", "3"});
  EXPECT_EQ(outcome.code, 75) << outcome.err;
  EXPECT_EQ(checkpoints("enough").size(), 1u);
}

}  // namespace
}  // namespace lockstep::system_test

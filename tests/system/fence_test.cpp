// Never two writers in one directory, with locks and where the file system refuses them.
#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

class FenceTest : public FaultTest {
 protected:
  FenceTest() : FaultTest("steps = 100_000_000") {}

  [[nodiscard]] Arguments without_locks() const {
    return {preloading(directory_, LOCKSTEP_REFUSE_FLOCK), "ASAN_OPTIONS=verify_asan_link_order=0"};
  }

  /// Often, or at the end only.
  static Arguments saving(bool often) {
    const std::string every = often ? "200 steps" : "1000000 epochs";
    return {"--set", fmt::format("checkpoint.every=\"{}\"", every), "--set",
            "checkpoint.best=none"};
  }

  using Processes = std::vector<std::unique_ptr<Process>>;

  Processes launch(int count, const std::string& run, const Arguments& environment) {
    Processes processes;
    // Paced by evaluations, so that they take little from each other.
    for (int i = 0; i < count; ++i) {
      processes.push_back(std::make_unique<Process>(train(
          0, run,
          {"--resume", "auto", "--set", "eval.every=\"1 steps\"", "--set", "checkpoint.best=none"},
          environment)));
    }
    return processes;
  }

  static void expect_one_writer(Processes processes) {
    const auto running = [&] {
      return std::ranges::count_if(processes, [](const auto& p) { return !p->ended(); });
    };
    EXPECT_TRUE(wait_until(40, [&] { return running() <= 1; }));
    ASSERT_EQ(running(), 1);
    for (const auto& process : processes) {
      if (!process->ended()) {
        process->send(SIGUSR1);
        const Outcome outcome = process->wait(20);
        EXPECT_EQ(outcome.code, 75) << outcome.err;
        continue;
      }
      const Outcome outcome = process->wait();
      EXPECT_EQ(outcome.code, 73) << outcome.err;
      EXPECT_NE(outcome.err.find("is in use by process "), std::string::npos) << outcome.err;
      EXPECT_NE(outcome.err.find(" on host "), std::string::npos) << outcome.err;
    }
  }
};

TEST_F(FenceTest, OfManyLaunchesAtOnceOneWrites) {
  Processes ten = launch(10, "ten", {});
  Processes leases = launch(3, "leases", without_locks());
  expect_one_writer(std::move(ten));
  expect_one_writer(std::move(leases));
  for (const char* run : {"ten", "leases"}) {
    EXPECT_TRUE(status(run).starts_with("preempted 75 ")) << run;
    EXPECT_EQ(metric_lines(path(run), "run").size(), 1u) << run;
  }
}

// A writer that was taken for dead and is not: the other's file is there, the process is ours.
TEST_F(FenceTest, WhoFindsALaterStartWritesNoMore) {
  for (const bool saves : {true, false}) {
    const int ranks = saves ? 0 : 2;
    const std::string run = fmt::format("overtaken{}", ranks);
    Process process(train(ranks, run, saving(saves)));
    ASSERT_TRUE(trains(run, 250));
    directory_.write(run + "/LOCK.2", "process 7 on host elsewhere\n");
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.code, 73) << outcome.err;
    EXPECT_NE(outcome.err.find("was taken over by process 7 on host elsewhere"), std::string::npos)
        << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    EXPECT_EQ(status(run), "running\n");
    EXPECT_TRUE(metric_lines(path(run), "end").empty());
    EXPECT_EQ(checkpoints(run).empty(), !saves);
  }
}

// Whose the directory is cannot be seen: nothing is written there, and nothing else harmed.
TEST_F(FenceTest, WhoCannotListItsDirectorySavesNothing) {
  for (const bool saves : {true, false}) {
    const int ranks = saves ? 0 : 2;
    const std::string run = fmt::format("unlisted{}", ranks);
    Process process(
        train(ranks, run, saving(saves),
              {preloading(directory_, LOCKSTEP_FAULTY_IO), "ASAN_OPTIONS=verify_asan_link_order=0",
               fmt::format("FAULTY_IO=readdir:80+:{}:{}", EIO, path(run).string())}));
    ASSERT_TRUE(trains(run, 250));
    if (!saves) {
      std::this_thread::sleep_for(std::chrono::seconds(9));  // two beats
      EXPECT_FALSE(process.ended());
      process.send(SIGUSR1);
    }
    const Outcome outcome = process.wait(60);
    EXPECT_EQ(outcome.code, 74) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    EXPECT_NE(outcome.err.find("cannot list "), std::string::npos) << outcome.err;
  }
}

// A dead holder of a lease is found out, and its run goes on.
TEST_F(FenceTest, AKilledHolderOfALeaseIsSucceeded) {
  directory_.write("config.toml", small_config("epochs = 100000"));
  Process first(train(0, "dead", {"--set", "checkpoint.every=\"100 steps\""}, without_locks()));
  ASSERT_TRUE(trains("dead", 250));
  first.send(SIGKILL);
  first.wait();
  // As if that had been long ago.
  std::filesystem::last_write_time(
      path("dead") / "LOCK.1",
      std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
  const Outcome second = system_test::run(
      train(2, "dead", {"--resume", "auto", "--max-steps", "10"}, without_locks()), 30);
  EXPECT_EQ(second.code, 75) << second.err;
  EXPECT_TRUE(std::filesystem::exists(path("dead") / "LOCK.2"));
  EXPECT_FALSE(std::filesystem::exists(path("dead") / "LOCK.1"));
}

}  // namespace
}  // namespace lockstep::system_test

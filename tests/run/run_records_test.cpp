#include "run/run_records.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "io/testing.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

struct Listener : Observer {
  void on_warning(const std::string& text) override { warnings.push_back(text); }
  void on_end(const RunEnd& end) override { ends.push_back(end.status); }

  std::vector<std::string> warnings;
  std::vector<std::string> ends;
};

class RunRecordsTest : public testing::Test {
 protected:
  void open(RunRecords& records, const std::string& resume = "") const {
    RunRequest request;
    request.run_directory = path_;
    request.resume = resume;
    records.open(request, "mlp");
  }
  static void begin(RunRecords& records, std::uint64_t first_step = 0) {
    ManifestFacts facts;
    facts.command_line = {"trainer", "train"};
    records.begin("seed = 1\n", "seed = 1\nepochs = 2\n", facts, first_step);
  }
  static RunEnd done() {
    RunEnd end;
    end.status = "done";
    return end;
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream file(fs::path(path_) / name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  const TemporaryDirectory place_;
  const std::string path_ = place_ / "run";
  Listener listener_;
};

TEST_F(RunRecordsTest, BeginsWithWhatTheRunIs) {
  RunRecords records(listener_);
  EXPECT_FALSE(records.is_open());
  EXPECT_EQ(records.path(), "");
  open(records);
  EXPECT_EQ(records.path(), path_);
  begin(records);
  EXPECT_EQ(content("config.toml"), "seed = 1\n");
  EXPECT_EQ(content("config.resolved.toml"), "seed = 1\nepochs = 2\n");
  EXPECT_EQ(content("STATUS"), "running\n");
  EXPECT_NE(content("manifest.json").find("\"running\""), std::string::npos);
  EXPECT_EQ(records.segment(), 1);
  ASSERT_NE(records.log(), nullptr);
  EXPECT_EQ(records.log()->path(), path_ + "/log.txt");
}

TEST_F(RunRecordsTest, TellsObserversAndTheMetricsFile) {
  RunRecords records(listener_);
  open(records);
  begin(records);
  records.observers().on_checkpoint({.step = 7, .file = "f", .digest = "d"});
  EXPECT_NE(content("metrics.jsonl").find("\"step\":7"), std::string::npos)
      << content("metrics.jsonl");
  records.observers().on_warning("slow");
  EXPECT_EQ(listener_.warnings, std::vector<std::string>{"slow"});
}

TEST_F(RunRecordsTest, EndsEverywhere) {
  RunRecords records(listener_);
  open(records);
  begin(records);
  records.end(done());
  EXPECT_EQ(content("STATUS"), "done 0\n");
  EXPECT_EQ(content("manifest.json").find("\"running\""), std::string::npos);
  EXPECT_NE(content("metrics.jsonl").find("\"done\""), std::string::npos);
  EXPECT_EQ(listener_.ends, std::vector<std::string>{"done"});
}

TEST_F(RunRecordsTest, AResumedRunAddsASegment) {
  {
    RunRecords records(listener_);
    open(records);
    begin(records);
    records.end(done());
  }
  RunRecords records(listener_);
  open(records, "auto");
  begin(records, 10);
  EXPECT_EQ(records.segment(), 2);
}

// The end itself counts more than its record.
TEST_F(RunRecordsTest, AnEndThatCannotBeWrittenIsToldAllTheSame) {
  RunRecords records(listener_);
  open(records);
  begin(records);
  fs::remove(path_ + "/STATUS");
  fs::create_directory(path_ + "/STATUS");
  records.end(done());
  EXPECT_EQ(listener_.warnings.size(), 1u);
  EXPECT_EQ(listener_.ends.size(), 1u);
}

TEST_F(RunRecordsTest, NothingIsSaidOfADirectoryThatAnotherProcessHas) {
  RunRecords records(listener_);
  open(records);
  begin(records);
  fs::rename(path_, place_ / "moved");
  records.end(done());
  EXPECT_EQ(listener_.ends.size(), 0u);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(RunRecordsTest, AStalledJobSaysWhyAndEnds) {
  RunRecords records(listener_);
  EXPECT_EXIT(records.tell_stalled("rank 3 on b does nothing"),
              testing::ExitedWithCode(static_cast<int>(ExitCode::stalled)),
              "trainer: error: rank 3 on b does nothing; watchdog.limit ends the job");
  open(records);
  begin(records);
  EXPECT_EXIT(records.tell_stalled("rank 3 on b does nothing"),
              testing::ExitedWithCode(static_cast<int>(ExitCode::stalled)), "watchdog.limit");
  EXPECT_EQ(content("STATUS"), "failed 82 rank 3 on b does nothing\n");
}

}  // namespace
}  // namespace lockstep

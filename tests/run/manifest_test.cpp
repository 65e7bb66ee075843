#include "lockstep/run/manifest.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

class ManifestTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "manifest-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] nlohmann::json read() const {
    std::ifstream file(directory_ / "manifest.json");
    return nlohmann::json::parse(file);
  }

  static ManifestFacts facts(int ranks) {
    return {.command_line = {"trainer", "train", "mlp.toml"},
            .threads = 2,
            .ranks =
                std::vector<RankPlace>(static_cast<std::size_t>(ranks), {"n1", "0-1", "x86-64-v3"}),
            .data_digests = {{"train", "8c1e0a52"}}};
  }
  static RunEnd end(const std::string& status, std::uint64_t step) {
    RunEnd end;
    end.status = status;
    end.reason = status == "done" ? "" : "signal USR1";
    end.step = step;
    end.seconds = 1.5;
    return end;
  }

  std::filesystem::path directory_;
};

TEST_F(ManifestTest, SaysWhatIsNeededToRepeatTheRun) {
  ::setenv("OMP_PROC_BIND", "close", 1);
  ::setenv("SECRET_TOKEN", "hidden", 1);
  const Manifest manifest(Directory(directory_), facts(3), 0);

  const nlohmann::json json = read();
  EXPECT_EQ(json["command_line"][2], "mlp.toml");
  EXPECT_EQ(json["ranks"], 3);
  EXPECT_EQ(json["threads"], 2);
  EXPECT_EQ(json["nodes"], nlohmann::json({"n1"}));
  EXPECT_EQ(json["places"][2],
            (nlohmann::json{
                {"rank", 2}, {"node", "n1"}, {"cpus", "0-1"}, {"instruction_set", "x86-64-v3"}}));
  EXPECT_EQ(json["libraries"]["mpi"], mpi_library());
  EXPECT_EQ(json["environment"]["OMP_PROC_BIND"], "close");
  EXPECT_FALSE(json["environment"].contains("SECRET_TOKEN"));
  EXPECT_EQ(json["data_digests"]["train"], "8c1e0a52");
  EXPECT_FALSE(json["cpu"].get<std::string>().empty());
  EXPECT_EQ(json["segments"].size(), 1U);
  EXPECT_EQ(json["segments"][0]["status"], "running");
}

TEST_F(ManifestTest, AResumeKeepsEarlierSegments) {
  {
    Manifest manifest(Directory(directory_), facts(4), 0);
    EXPECT_EQ(manifest.segment(), 1);
    manifest.end(end("preempted", 470));
  }
  Manifest manifest(Directory(directory_), facts(1), 470);
  EXPECT_EQ(manifest.segment(), 2);
  manifest.end(end("done", 1175));

  const nlohmann::json segments = read()["segments"];
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[0]["status"], "preempted");
  EXPECT_EQ(segments[0]["reason"], "signal USR1");
  EXPECT_EQ(segments[0]["ranks"], 4);
  EXPECT_EQ(segments[0]["last_step"], 470);
  EXPECT_EQ(segments[1]["first_step"], 470);
  EXPECT_EQ(segments[1]["last_step"], 1175);
  EXPECT_EQ(segments[1]["seconds"], 1.5);
}

TEST_F(ManifestTest, ASegmentThatNeverEndedWasKilled) {
  { const Manifest killed(Directory(directory_), facts(1), 0); }
  const Manifest manifest(Directory(directory_), facts(1), 10);
  EXPECT_EQ(read()["segments"][0]["status"], "failed");
  EXPECT_EQ(read()["segments"][1]["status"], "running");
}

TEST_F(ManifestTest, RefusesWhatIsNoManifest) {
  for (const char* text : {"", "{", "[]", "{\"segments\": [{\"first_step\": \"x\"}]}"}) {
    std::ofstream(directory_ / "manifest.json") << text;
    try {
      const Manifest manifest(Directory(directory_), facts(1), 0);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
    }
  }
}

TEST_F(ManifestTest, TextThatIsNotUtf8DoesNoHarm) {
  ManifestFacts facts = ManifestTest::facts(1);
  facts.command_line[2] = "\xff.toml";
  const Manifest manifest(Directory(directory_), facts, 0);
  EXPECT_EQ(read()["ranks"], 1);
}

TEST(AffinityListTest, NamesTheCpuOfAPinnedThread) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(affinity_list(), std::to_string(cpu));
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace lockstep

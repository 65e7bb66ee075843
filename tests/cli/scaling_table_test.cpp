#include "cli/scale/scaling_table.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/scaling_testing.hpp"

namespace lockstep::cli {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(ScalingTableTest, TheTableAsPeopleReadIt) {
  EXPECT_EQ(scaling_table(small_report()),
            "  ranks  thr  cores          step ms (95 %)  samples/s  speed-up  effic.  Karp-Flatt  "
            "exposed  "
            "wait  note\n"
            "      1    1      1  10.00 (10.00 to 10.00)     10,000      1.00   100 %           -  "
            "   10 %  "
            " 0 %\n"
            "      2    1      2  6.000 (6.000 to 6.000)     16,667      1.67    83 %       0.200  "
            "   10 %  "
            " 0 %\n"
            "      4    1      2  8.000 (8.000 to 8.000)     12,500      1.25       -           -  "
            "   10 %  "
            " 0 %  oversubscribed 2x\n"
            "digest after 60 steps: identical in all 6 runs (d1)\n"
            "fit    refused: 2 points without oversubscription, at least 3 needed\n");
}

TEST(ScalingTableTest, TheSidesOfAnIntervalDiffer) {
  ScalingReport report = small_report();
  report.points.front().step_seconds = {.value = 0.010, .low = 0.0098, .high = 0.0132};
  EXPECT_EQ(scaling_cells(report)[1][3], "10.00 (9.80 to 13.20)");
}

TEST(ScalingTableTest, ASingleRunHasNoInterval) {
  const auto cells = scaling_cells(report_on(plan_for({1}, 2, 1), {measured(1, 1, 0.0279)}));
  EXPECT_EQ(cells[1][3], "27.90");
}

TEST(ScalingTableTest, CsvLeavesOutWhatThereIsNot) {
  const auto lines = lines_of(scaling_csv(small_report()));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(lines[0].starts_with("ranks,threads,oversubscribed,repeats,batch,step_s,"));
  EXPECT_TRUE(lines[0].ends_with("wait_share,checkpoint_share,other_share"));
  EXPECT_EQ(lines[3],
            "4,1,yes,2,100,0.008,0.008,0.008,12500,1.25,1.25,1.25,,,0,0,0.5,0,0.1,0,0,0,"
            "0.4");
  for (const std::string& line : lines) EXPECT_EQ(std::ranges::count(line, ','), 22) << line;
}

TEST(ScalingTableTest, LinesAreOfExtraPsForm) {
  const auto lines = lines_of(scaling_lines({measured(4, 1, 0.008)}));
  ASSERT_EQ(lines.size(), 1 + kPartRows.size());
  EXPECT_EQ(lines[0],
            R"({"params":{"p":4,"t":1},"callpath":"train->step","metric":"time","value":0.008})");
  double sum = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    sum += nlohmann::json::parse(lines[i]).at("value").get<double>();
  }
  EXPECT_DOUBLE_EQ(sum, 0.008);
}

TEST(ScalingTableTest, JsonHoldsTheSameFigures) {
  const ScalingPlan plan = plan_for({1, 2, 4}, 2);
  const auto json = nlohmann::json::parse(scaling_json(plan, small_report(), "runs/scale-mlp"));
  EXPECT_EQ(json.at("points").size(), 3u);
  EXPECT_EQ(json.at("points")[2].at("oversubscribed"), true);
  EXPECT_FALSE(json.at("points")[2].contains("efficiency"));
  EXPECT_EQ(json.at("identical"), true);
  EXPECT_EQ(json.at("digests")[0].at("runs"), 6);
  EXPECT_EQ(json.at("directory"), "runs/scale-mlp");
  EXPECT_TRUE(json.contains("fit_refused"));
}

}  // namespace
}  // namespace lockstep::cli

#include "cli/scale/scaling_measurement.hpp"

#include <gtest/gtest.h>

#include "cli/scaling_testing.hpp"
#include "io/testing.hpp"

namespace lockstep::cli {
namespace {

constexpr std::string_view kEnd = R"({"t":"end","status":"preempted","exit":75,"digest":"abc"})";

/// A run of 2 steps after a warm-up of 1, as if it had written these lines.
class ScalingMeasurementTest : public testing::Test {
 protected:
  ScalingMeasurementTest() : plan_(plan_for({1}, 2)) {
    plan_.request.warmup = 1;
    plan_.request.steps = 2;
    directory_.write("manifest.json", R"({"cpu":"CPU","nodes":["n1","n2"]})");
  }

  [[nodiscard]] Measurement read(const std::string& lines) const {
    directory_.write("metrics.jsonl", lines);
    return read_measurement(directory_.path(), plan_, {{1, 1}, 1});
  }

  TemporaryDirectory directory_;
  ScalingPlan plan_;
};

std::string step(int number, int samples, const std::string& rest) {
  return R"({"t":"step","step":)" + std::to_string(number) + R"(,"samples":)" +
         std::to_string(samples) + "," + rest + "}\n";
}

TEST_F(ScalingMeasurementTest, MedianAndPartsOfTheTimedSteps) {
  const Measurement m =
      read("{\"t\":\"run\",\"v\":1}\n" + step(1, 100, R"("step_s":9.0,"wait_s":9.0)") +
           step(2, 100, R"("step_s":1.0,"forward_s":0.5,"exposed_s":0.25,"other_s":0.25)") +
           step(3, 100, R"("step_s":3.0,"forward_s":1.5,"exposed_s":0.75,"loss":null)") +
           std::string(kEnd) + "\n");
  EXPECT_EQ(m.step_seconds, 2);
  EXPECT_EQ(share_of(m.shares, Part::forward), 0.5);
  EXPECT_EQ(share_of(m.shares, Part::exposed), 0.25);
  EXPECT_EQ(share_of(m.shares, Part::wait), 0) << "the warm-up counts";
  EXPECT_EQ(share_of(m.shares, Part::other), 0.25) << "what no part claims";
  EXPECT_EQ(m.digest, "abc");
  EXPECT_EQ(m.machine, "CPU on n1, n2");
}

TEST_F(ScalingMeasurementTest, SmallerBatchesDoNotCount) {
  const Measurement m = read(step(1, 100, R"("step_s":9.0)") + step(2, 100, R"("step_s":1.0)") +
                             step(3, 30, R"("step_s":0.1)") + std::string(kEnd) + "\n");
  EXPECT_EQ(m.step_seconds, 1);
}

TEST_F(ScalingMeasurementTest, RunsWithoutFiguresAreErrors) {
  const std::string first = step(1, 30, R"("step_s":9.0)");
  expect_error(ExitCode::bad_data, "1 of 3 steps",
               [&] { static_cast<void>(read(first + std::string(kEnd))); });
  expect_error(ExitCode::config, "no timed step has a full batch of 100 samples", [&] {
    static_cast<void>(read(first + step(2, 30, R"("step_s":1.0)") + step(3, 30, R"("step_s":1.0)") +
                           std::string(kEnd)));
  });
  expect_error(ExitCode::bad_data, directory_.path().string(),
               [&] { static_cast<void>(read("{\"t\":\"step\"")); });
}

}  // namespace
}  // namespace lockstep::cli

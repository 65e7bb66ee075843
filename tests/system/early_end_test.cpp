// Runs that end before their last step, and rates that fall, because of what validations or
// gradients tell: decided alike on any number of ranks, and across an interruption at any step.
#include <gtest/gtest.h>

#include "system/deployments.hpp"

namespace lockstep::system_test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNetwork = R"(train = "data.csv"
[[layer]]
type = "linear"
out = 40
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.02
)";

/// 5 steps in each of up to 60 epochs.
std::string config(const std::string& section) {
  return replaced(kHead, "epochs = 2", "epochs = 60") + std::string(kNetwork) + section;
}

class EarlyEndTest : public testing::Test {
 protected:
  EarlyEndTest() { directory_.write("data.csv", class_table(248, 20, 5)); }

  Outcome train(int ranks, const std::string& run, const Arguments& more = {}) {
    Arguments arguments = {"train", "config.toml", "--run-dir", run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Outcome outcome = system_test::run(command_in(directory_, ranks, arguments));
    EXPECT_TRUE(outcome.code == 0 || outcome.code == 75) << outcome.err;
    return outcome;
  }
  [[nodiscard]] fs::path checkpoints(const std::string& run) const {
    return directory_.path() / run / "checkpoints";
  }
  [[nodiscard]] std::string latest(const std::string& run) const {
    return read_text(checkpoints(run) / "latest.h5");
  }
  [[nodiscard]] std::string status(const std::string& run) const {
    return read_text(directory_.path() / run / "STATUS");
  }

  /// The same end on every number of ranks, and after a stop at each of these steps. Returns the
  /// lines of the steps.
  std::vector<std::string> expect_one_end(const std::string& section, const std::string& reason,
                                          const std::vector<int>& stops) {
    directory_.write("config.toml", config(section));
    const Outcome whole = train(0, "whole");
    EXPECT_EQ(whole.code, 0);
    EXPECT_EQ(count(whole.out, "\nstop   " + reason), reason.empty() ? 0 : 1) << whole.out;
    EXPECT_TRUE(status("whole").starts_with(reason.empty() ? "done 0\n" : "done 0 " + reason))
        << status("whole");
    for (const int ranks : {1, 2, 3, 5}) {
      const std::string run = fmt::format("ranks{}", ranks);
      const Outcome outcome = train(ranks, run);
      EXPECT_TRUE(latest(run) == latest("whole")) << ranks << " ranks";
      EXPECT_EQ(status(run), status("whole")) << ranks << " ranks";
    }
    int ranks = 1;
    for (const int step : stops) {
      SCOPED_TRACE(step);
      const std::string run = fmt::format("stopped{}", step);
      EXPECT_EQ(train(ranks, run, {"--max-steps", std::to_string(step)}).code, 75);
      ranks = ranks % 5 + 1;
      EXPECT_EQ(train(ranks, run, {"--resume", "auto"}).code, 0);
      EXPECT_TRUE(latest(run) == latest("whole"));
      EXPECT_EQ(status(run), status("whole"));
    }
    // What has ended stays so.
    EXPECT_EQ(train(2, "ranks3", {"--resume", "auto"}).code, 0);
    EXPECT_TRUE(latest("ranks3") == latest("whole"));
    EXPECT_EQ(status("ranks3"), status("whole"));
    return metric_lines(directory_.path() / "whole", "step");
  }

  TemporaryDirectory directory_;
};

TEST_F(EarlyEndTest, WithoutImprovement) {
  const auto steps =
      expect_one_end("[stop]\npatience = 3\nmin_delta = 0.001\n",
                     "val/loss has not improved in 3 evaluations; best ", {4, 13, 22, 23});
  EXPECT_GT(steps.size(), 15u);
  EXPECT_LT(steps.size(), 200u) << "it ends long before the 300 steps";
  EXPECT_EQ(steps.size() % 5, 0u) << "after an evaluation";
  // The checkpoint of the best evaluation is there, three epochs older than the end.
  const std::string best = fs::read_symlink(checkpoints("whole") / "best.h5");
  EXPECT_EQ(best, fmt::format("step-{:08}.h5", steps.size() - 15));
  EXPECT_TRUE(fs::exists(checkpoints("whole") / best));
  EXPECT_NE(status("whole").find(fmt::format("at step {}\n", steps.size() - 15)),
            std::string::npos);
  // With more patience it goes on.
  EXPECT_EQ(train(2, "ranks2", {"--resume", "auto", "--set", "stop.patience=5"}).code, 0);
  EXPECT_GT(metric_lines(directory_.path() / "ranks2", "step").size(), steps.size() + 5);
}

TEST_F(EarlyEndTest, WithoutSlope) {
  const auto steps = expect_one_end("[stop]\ngradient_norm = 0.25\nsteps = 3\n",
                                    "the slope has vanished: the norm of the gradient was below "
                                    "0.25 in 3 steps in a row",
                                    {10, 21, 22});
  ASSERT_GT(steps.size(), 22u);
  EXPECT_LT(steps.size(), 200u) << "it ends long before the 300 steps";
  const auto norm = [](const std::string& line) {
    const auto at = line.find("\"grad_norm\":");
    return std::atof(line.c_str() + at + 12);
  };
  int flat = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_LT(flat, 3) << "before step " << i + 1;
    flat = norm(steps[i]) < 0.25 ? flat + 1 : 0;
  }
  EXPECT_EQ(flat, 3);
}

TEST_F(EarlyEndTest, ThePlateauLowersTheRate) {
  const auto steps =
      expect_one_end("[schedule]\ntype = \"plateau\"\npatience = 2\nfactor = 0.5\nfinal = 0.004\n",
                     "", {13, 22, 29, 61});
  ASSERT_EQ(steps.size(), 300u);
  // The rate falls two evaluations after the best, or after the last drop, down to the lowest.
  const auto number = [](const std::string& line, const std::string& key) {
    return std::atof(line.c_str() + line.find("\"" + key + "\":") + key.size() + 3);
  };
  const auto evaluations = metric_lines(directory_.path() / "whole", "eval");
  ASSERT_EQ(evaluations.size(), 60u);
  double best = 1e9, rate = 0.02;
  int waited = 0, drops = 0;
  for (std::size_t epoch = 0; epoch < 60; ++epoch) {
    for (std::size_t s = 5 * epoch; s < 5 * epoch + 5; ++s) {
      EXPECT_DOUBLE_EQ(number(steps[s], "lr"), rate) << steps[s];
    }
    const double loss = number(evaluations[epoch], "loss");
    waited = loss < best ? 0 : waited + 1;
    best = std::min(best, loss);
    if (waited < 2) continue;
    waited = 0;
    ++drops;
    rate = std::max(0.02 * std::pow(0.5, drops), 0.004);
  }
  EXPECT_GE(drops, 3);
}

}  // namespace
}  // namespace lockstep::system_test

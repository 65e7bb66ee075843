// Every wrong input ends in one message and its documented exit code, on one rank and on four,
// within seconds, and nothing is created or overwritten.
//
// LOCKSTEP_TEST_SHOW=1 prints the messages, to read them as a user does.
#include <gtest/gtest.h>

#include <map>

#include "system/bad_checkpoints.hpp"
#include "system/bad_configs.hpp"
#include "system/bad_data.hpp"
#include "system/bad_layers.hpp"
#include "system/bad_weights.hpp"

namespace lockstep::system_test {

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

namespace {

namespace fs = std::filesystem;

constexpr double kLimitSeconds = 20;

/// Each file below a directory with its size and time of change. LOCK files are no part of a
/// result.
std::map<std::string, std::string> snapshot(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("LOCK")) continue;
    const auto time =
        entry.is_regular_file() ? entry.last_write_time().time_since_epoch().count() : 0;
    files[entry.path().string()] =
        fmt::format("{} bytes, changed {}", entry.is_regular_file() ? entry.file_size() : 0, time);
  }
  return files;
}

class BadInputTest : public testing::TestWithParam<BadInput> {
 protected:
  static void SetUpTestSuite() {
    if (!checkpoint_.empty()) return;
    const TemporaryDirectory directory;
    directory.write("config.toml", kGoodConfig);
    directory.write("data.csv", good_data());
    const Outcome outcome =
        run(command_in(directory, 0, {"train", "config.toml", "--run-dir", "run"}));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    checkpoint_ = read_text(directory / "run/checkpoints/latest.h5");
  }

  /// One refusal under way, in a directory of its own.
  class Attempt {
   public:
    /// `ranks` 0: without mpirun.
    Attempt(const BadInput& input, int ranks)
        : input_(input), ranks_(ranks), before_(prepare()), process_(command()) {}

    void expect_refusal() {
      SCOPED_TRACE(fmt::format("{} ranks", ranks_));
      const Outcome outcome = process_.wait(kLimitSeconds);
      if (ranks_ == 0 && std::getenv("LOCKSTEP_TEST_SHOW") != nullptr)
        fmt::print("{}", outcome.err);
      EXPECT_FALSE(outcome.timed_out) << "it hangs";
      EXPECT_EQ(outcome.code, static_cast<int>(input_.code)) << outcome.err;
      EXPECT_EQ(outcome.out, "");
      for (const std::string& fragment : input_.fragments) {
        EXPECT_NE(outcome.err.find(fragment), std::string::npos) << "not said: " << fragment << "\n"
                                                                 << outcome.err;
      }
      EXPECT_EQ(count(outcome.err, input_.fragments.front()), 1) << "not once\n" << outcome.err;
      EXPECT_EQ(snapshot(directory_.path()), before_);
    }

   private:
    std::map<std::string, std::string> prepare() {
      directory_.write("config.toml", kGoodConfig);
      directory_.write("data.csv", good_data());
      arguments_ = input_.arrange({directory_, checkpoint_});
      return snapshot(directory_.path());
    }
    [[nodiscard]] Command command() const { return command_in(directory_, ranks_, arguments_); }

    const BadInput& input_;
    int ranks_;
    TemporaryDirectory directory_;
    Arguments arguments_;
    std::map<std::string, std::string> before_;
    Process process_;
  };

 private:
  static std::string checkpoint_;
};

std::string BadInputTest::checkpoint_;

TEST_P(BadInputTest, IsRefused) {
  Attempt on_four(GetParam(), 4);
  if (GetParam().fewest_ranks == 1) Attempt(GetParam(), 0).expect_refusal();
  on_four.expect_refusal();
}

std::string name_of(const testing::TestParamInfo<BadInput>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Configs, BadInputTest, testing::ValuesIn(bad_configs()), name_of);
INSTANTIATE_TEST_SUITE_P(Layers, BadInputTest, testing::ValuesIn(bad_layers()), name_of);
INSTANTIATE_TEST_SUITE_P(Data, BadInputTest, testing::ValuesIn(bad_data()), name_of);
INSTANTIATE_TEST_SUITE_P(Checkpoints, BadInputTest, testing::ValuesIn(bad_checkpoints()), name_of);
INSTANTIATE_TEST_SUITE_P(Weights, BadInputTest, testing::ValuesIn(bad_weights()), name_of);

}  // namespace
}  // namespace lockstep::system_test

// Messages that MPI moves only while both ranks are in its calls: whatever their sizes and however
// many are under way, every run ends, and with the same bits.
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

/// Every pattern of messages: gradients and parameters between nodes, norms, an average that is
/// judged, audits, evaluation, and the state at every save. At most 1024 numbers travel together,
/// so that messages are many.
constexpr std::string_view kUnderWayConfig = R"(
[run]
name = "messages"
seed = 3
epochs = 2
[data]
train = "x.csv"
holdout = 0.25
batch = 40
[[layer]]
name = "fc1"
type = "linear"
out = 1500
[[layer]]
type = "relu"
[[layer]]
name = "fc2"
type = "linear"
out = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "adam"
lr = 1e-3
clip_norm = 1.0
ema = 0.9
[parallel]
bucket = "64 B"
[checkpoint]
every = "1 steps"
[audit]
every = "2 steps"
[watchdog]
limit = "20 s"
slow_limit = "20 s"
)";

/// How Open MPI moves messages.
struct Transport {
  const char* name;
  Arguments settings;
};

const Transport kUsual{"as it is", {"OMPI_MCA_btl_vader_single_copy_mechanism=cma"}};
const Transport kFewAtATime{
    "8 messages at a time",
    {"OMPI_MCA_btl_vader_single_copy_mechanism=cma", "OMPI_MCA_btl_vader_free_list_num=4",
     "OMPI_MCA_btl_vader_free_list_inc=4", "OMPI_MCA_btl_vader_free_list_max=8"}};
const Transport kAllLarge{
    "256 bytes are large",
    {"OMPI_MCA_btl_vader_single_copy_mechanism=cma", "OMPI_MCA_btl_vader_eager_limit=256",
     "OMPI_MCA_btl_vader_rndv_eager_limit=256", "OMPI_MCA_btl_vader_max_send_size=512"}};
const Transport kInPieces{
    "copied in pieces of 512 bytes",
    {"OMPI_MCA_btl_vader_single_copy_mechanism=none", "OMPI_MCA_btl_vader_eager_limit=256",
     "OMPI_MCA_btl_vader_rndv_eager_limit=256", "OMPI_MCA_btl_vader_max_send_size=512"}};
const Transport kSockets{
    "by TCP",
    {"OMPI_MCA_btl=tcp,self", "OMPI_MCA_btl_tcp_if_include=lo", "OMPI_MCA_btl_tcp_eager_limit=512",
     "OMPI_MCA_btl_tcp_rndv_eager_limit=512", "OMPI_MCA_btl_tcp_max_send_size=1024"}};

class UnderWay : public testing::Test {
 protected:
  UnderWay() {
    directory_.write("config.toml", std::string(kUnderWayConfig));
    directory_.write("x.csv", class_table(160, 64, 3));
  }

  /// The bytes of the last checkpoint.
  std::string train(int ranks, const std::string& nodes, const Transport& transport) {
    const std::string run = fmt::format("run{}", ++runs_);
    Arguments arguments{"train", "config.toml", "--run-dir", run};
    if (!nodes.empty()) arguments.insert(arguments.end(), {"--ranks-per-node", nodes});
    const Outcome outcome = finish(ranks, arguments, transport);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_text(directory_.path() / run / "checkpoints" / "latest.h5");
  }

  Outcome finish(int ranks, const Arguments& arguments, const Transport& transport) const {
    Command command = command_in(directory_, ranks, arguments);
    command.environment.insert(command.environment.end(), transport.settings.begin(),
                               transport.settings.end());
    Outcome outcome = run(command, 60);
    EXPECT_FALSE(outcome.timed_out) << "it stands still";
    return outcome;
  }

  TemporaryDirectory directory_;
  int runs_ = 0;
};

TEST_F(UnderWay, EveryRunEndsWithTheSameBits) {
  const std::string alone = train(0, "", kUsual);
  ASSERT_FALSE(alone.empty());
  struct Case {
    int ranks;
    const char* nodes;
    const Transport& transport;
  };
  const Case cases[] = {{2, "", kFewAtATime},  {3, "", kAllLarge},    {5, "", kFewAtATime},
                        {6, "", kInPieces},    {8, "", kFewAtATime},  {3, "1,2", kFewAtATime},
                        {4, "2", kAllLarge},   {4, "2", kSockets},    {8, "4", kFewAtATime},
                        {8, "3,5", kAllLarge}, {8, "3,5", kInPieces}, {5, "2", kSockets},
                        {7, "1", kFewAtATime}};
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} ranks, nodes of {}, {}", c.ranks, c.nodes, c.transport.name));
    EXPECT_TRUE(train(c.ranks, c.nodes, c.transport) == alone) << "other bits";
  }
}

// What evaluation and predictions send, and a checkpoint that all ranks read.
TEST_F(UnderWay, WhatAModelSaysIsTheSame) {
  ASSERT_FALSE(train(0, "", kUsual).empty());
  const std::string checkpoint = "run1/checkpoints/latest.h5";
  const auto predict = [&](int ranks, const Transport& transport) {
    const Outcome outcome =
        finish(ranks, {"predict", checkpoint, "--data", "x.csv", "--out", "out.csv", "--force"},
               transport);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_text(directory_.path() / "out.csv");
  };
  const std::string alone = predict(0, kUsual);
  EXPECT_TRUE(predict(5, kAllLarge) == alone);
  EXPECT_TRUE(predict(8, kFewAtATime) == alone);
  const auto eval = [&](int ranks, const Transport& transport) {
    const Outcome outcome = finish(ranks, {"eval", checkpoint, "--confusion", "--json"}, transport);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out.substr(0, outcome.out.find("\"seconds\""));
  };
  const std::string judged = eval(0, kUsual);
  EXPECT_EQ(eval(4, kFewAtATime), judged);
  EXPECT_EQ(eval(3, kInPieces), judged);
}

// Notes that say that a message was fetched would be more than Open MPI has room for, and the state
// comes in several parts, each in the place of the one before.
TEST_F(UnderWay, ALargeStateIsSavedByManyRanks) {
  directory_.write("x.csv", class_table(16, 256, 2));
  const auto digest = [&](int ranks) {
    const std::string run = fmt::format("large{}", ranks);
    Arguments arguments{"train", "config.toml", "--run-dir", run};
    for (const char* value : {"layer.fc1.out=65536", "layer.fc2.out=2", "data.batch=8",
                              "data.holdout=0.0", "run.epochs=1", "optimizer.ema=0.0",
                              "audit.every=\"0 steps\"", "parallel.bucket=\"1 MiB\""}) {
      arguments.insert(arguments.end(), {"--set", value});
    }
    const Outcome outcome = finish(ranks, arguments, kUsual);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(metric_lines(directory_.path() / run, "checkpoint").size(), 2u);
    constexpr std::string_view kName = "\ndigest ";
    const std::size_t at = outcome.out.find(kName);
    return at == std::string::npos ? "none" : outcome.out.substr(at + kName.size(), 32);
  };
  EXPECT_EQ(digest(8), digest(0));
}

}  // namespace
}  // namespace lockstep::system_test

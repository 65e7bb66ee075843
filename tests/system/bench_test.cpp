// `trainer bench`: figures in the promised form, and wrong input refused once.
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

class BenchTest : public testing::Test {
 protected:
  Outcome bench(int ranks, Arguments arguments) {
    arguments.insert(arguments.begin(), "bench");
    return run(command_in(directory_, ranks, arguments));
  }
  TemporaryDirectory directory_;
};

TEST_F(BenchTest, ExchangeHasOneLinePerSizeOnAnyLayout) {
  for (const int ranks : {0, 1, 3}) {
    const Outcome text = bench(ranks, {"exchange", "--sizes", "4KiB,100KiB", "--iterations", "2"});
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_EQ(count(text.out, "\n"), 4) << text.out;
    EXPECT_EQ(count(text.out, "Avg Latency(us)"), 1);
  }
  const Outcome json = bench(3, {"exchange", "--sizes", "8KiB", "--iterations", "2", "--update",
                                 "--ranks-per-node", "2", "--json"});
  EXPECT_EQ(json.code, 0) << json.err;
  const auto line = nlohmann::json::parse(json.out);
  EXPECT_EQ(line["size"], 8192);
  EXPECT_EQ(line["ranks"], 3);
  EXPECT_EQ(line["nodes"], 2);
  EXPECT_GT(line["avg_us"].get<double>(), 0);
  EXPECT_GT(line["all_reduce_us"].get<double>(), 0);
}

TEST_F(BenchTest, MatmulMeasuresTheThreeProducts) {
  const Outcome outcome = bench(0, {"matmul", "--shape", "32,40,48", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(count(outcome.out, "\n"), 3) << outcome.out;
  EXPECT_EQ(count(outcome.out, "\"peak_gflops\""), 3);
}

TEST_F(BenchTest, IoLeavesNothingBehind) {
  const Outcome outcome = bench(0, {"io", "--size", "100KiB", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_GT(nlohmann::json::parse(outcome.out)["write_mb_s"].get<double>(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(BenchTest, WrongInputIsRefusedOnce) {
  const Outcome size = bench(2, {"exchange", "--sizes", "many"});
  EXPECT_EQ(size.code, 64);
  EXPECT_EQ(count(size.err, "'many' is not a size"), 1) << size.err;
  EXPECT_EQ(bench(2, {"exchange", "--sizes", "6"}).code, 64);
  const Outcome nodes = bench(2, {"exchange", "--ranks-per-node", "1,,1"});
  EXPECT_EQ(nodes.code, 64);
  EXPECT_EQ(count(nodes.err, "--ranks-per-node: '1,,1' is no list"), 1) << nodes.err;
  EXPECT_EQ(bench(0, {"io", "--size", "0"}).code, 64);
  const Outcome nowhere = bench(0, {"io", "--dir", "nowhere"});
  EXPECT_EQ(nowhere.code, 73) << nowhere.err;
  EXPECT_EQ(bench(0, {"matmul", "--shape", "1,2"}).code, 64);
  EXPECT_EQ(bench(0, {}).code, 64);
}

}  // namespace
}  // namespace lockstep::system_test

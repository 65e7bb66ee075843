#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/program.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/digest.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/sealed.hpp"

namespace lockstep::cli {
namespace {

/// A checkpoint written by hand, as the description of format 1 says.
struct HandMade {
  std::string format = "lockstep-checkpoint";
  std::string graph =
      R"({"input":[1,1,3],"layers":[{"name":"fc","type":"linear","from":[0],"output":[1,1,2]}]})";
  bool wrong_digest = false;

  [[nodiscard]] std::vector<std::byte> bytes() const {
    Hdf5Writer file;
    file.attribute("/", "format", format);
    file.attribute("/", "format_version", std::uint64_t{1});
    file.attribute("/", "lockstep_version", std::string("0.1.0"));
    file.attribute("/", "step", std::uint64_t{470});
    file.attribute("/", "epoch", std::uint64_t{2});
    file.text("/config/resolved", "[run]\nseed = 7\n");
    file.text("/config/graph", graph);
    file.attribute("/config", "loss", std::string("cross_entropy"));
    file.group("/rng");
    file.attribute("/rng", "seed", std::uint64_t{7});
    write_sampler(file);
    write_tensors(file);
    file.dataset("/history/step", {{2}}, std::vector<double>{235, 470});
    file.dataset("/history/val_acc", {{2}}, std::vector<double>{0.97, 0.9809});
    const auto image = file.finish();
    std::vector<std::byte> bytes(image.begin(), image.end());
    std::ranges::copy(seal_of(image, 470), std::back_inserter(bytes));
    return bytes;
  }

 private:
  static void write_sampler(Hdf5Writer& file) {
    file.group("/sampler");
    file.attribute("/sampler", "batch", std::int64_t{64});
    file.attribute("/sampler", "microbatches", std::int64_t{8});
    file.attribute("/sampler", "steps_per_epoch", std::uint64_t{235});
    file.attribute("/sampler", "permutation", std::string("feistel"));
    file.attribute("/sampler", "dataset_digest", std::string("00"));
    file.attribute("/sampler", "split", std::string("none"));
    file.attribute("/sampler", "samples", std::int64_t{15'000});
    file.group("/data");
    file.attribute("/data", "height", std::int64_t{1});
    file.attribute("/data", "width", std::int64_t{1});
    file.attribute("/data", "channels", std::int64_t{3});
  }
  void write_tensors(Hdf5Writer& file) const {
    const std::vector<float> weight = {3, 0, 0, 0, -4, 0};
    const std::string digest = digest_of(std::as_bytes(std::span(weight))).hex();
    file.dataset("/model/fc.weight", {{2, 3}}, weight);
    file.dataset("/optimizer/momentum/fc.weight", {{2, 3}}, weight);
    file.attribute("/optimizer", "type", std::string("sgd"));
    file.attribute("/optimizer", "slots", std::string("momentum"));
    file.group("/digest");
    file.attribute("/digest", "state", std::string("abcd"));
    file.attribute("/digest", "model/fc.weight", digest);
    file.attribute("/digest", "optimizer/momentum/fc.weight",
                   wrong_digest ? std::string(32, '0') : digest);
  }
};

struct Result {
  ExitCode code;
  std::string out;
  std::string err;
};

class InspectTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "inspect-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    file_ = (directory_ / "c.h5").string();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Result inspect(const std::vector<std::byte>& bytes, const std::vector<std::string>& options) {
    write_atomically(file_, bytes);
    std::vector<std::string> arguments = {"trainer", "inspect", file_};
    arguments.insert(arguments.end(), options.begin(), options.end());
    std::ostringstream out, err;
    const ExitCode code = run_program(arguments, out, err);
    return {code, out.str(), err.str()};
  }

  std::filesystem::path directory_;
  std::string file_;
};

TEST_F(InspectTest, ShowsWhatACheckpointHolds) {
  const std::vector<std::byte> bytes = HandMade{}.bytes();
  const Result result = inspect(bytes, {"--layers", "--verify"});
  EXPECT_EQ(result.code, ExitCode::ok) << result.err;
  const std::string digest =
      nlohmann::json::parse(inspect(bytes, {"--json"}).out)["model"][0]["digest"];
  EXPECT_EQ(result.out,
            file_ + R"(
format     checkpoint 1, )" +
                std::to_string(bytes.size() / 1000) + "," +
                std::to_string(bytes.size()).substr(std::to_string(bytes.size()).size() - 3) +
                R"( bytes, seal intact, written by trainer 0.1.0
position   step 470, 2 epochs done
run        seed 7, batch 64 global, 8 microbatches
state      digest abcd
last row   step 470  val_acc 98.09 %

model      1 tensor, 6 parameters, input 3
  tensor           shape   norm     min    max  non-finite  digest
  model/fc.weight  2x3    5.000  -4.000  3.000           0  )" +
                digest.substr(0, 8) + R"(

optimizer  sgd, 1 tensor
  tensor                        shape   norm     min    max  non-finite  digest
  optimizer/momentum/fc.weight  2x3    5.000  -4.000  3.000           0  )" +
                digest.substr(0, 8) + R"(

  #  layer  type    output
  0  fc     linear       2

verified   the digests of all 2 tensors
)");
}

TEST_F(InspectTest, WritesJson) {
  const Result result = inspect(HandMade{}.bytes(), {"--json", "--layers"});
  const nlohmann::json json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["format_version"], 1);
  EXPECT_EQ(json["step"], 470);
  EXPECT_EQ(json["model"][0]["shape"], (nlohmann::json{2, 3}));
  EXPECT_EQ(json["model"][0]["norm"], 5.0);
  EXPECT_EQ(json["history"]["val_acc"], 0.9809);
  EXPECT_EQ(json["optimizer"]["type"], "sgd");
  EXPECT_EQ(json["layers"][0]["name"], "fc");
}

TEST_F(InspectTest, AFlippedBitIsFoundBeforeAnythingIsRead) {
  std::vector<std::byte> bytes = HandMade{}.bytes();
  bytes[bytes.size() / 2] ^= std::byte{1};
  const Result result = inspect(bytes, {});
  EXPECT_EQ(result.code, ExitCode::bad_data);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(result.err.starts_with("trainer: error: " + file_)) << result.err;
  EXPECT_NE(result.err.find("digest"), std::string::npos) << result.err;
}

TEST_F(InspectTest, VerifyFindsATensorThatIsNotItsDigest) {
  HandMade made;
  made.wrong_digest = true;
  EXPECT_EQ(inspect(made.bytes(), {}).code, ExitCode::ok);
  const Result result = inspect(made.bytes(), {"--verify"});
  EXPECT_EQ(result.code, ExitCode::bad_data);
  EXPECT_NE(result.err.find("tensor optimizer/momentum/fc.weight"), std::string::npos)
      << result.err;
}

TEST_F(InspectTest, NamesWhatIsWrong) {
  HandMade other;
  other.format = "keras";
  const Result format = inspect(other.bytes(), {});
  EXPECT_EQ(format.code, ExitCode::bad_data);
  EXPECT_NE(format.err.find("keras"), std::string::npos) << format.err;
  EXPECT_NE(format.err.find(file_), std::string::npos) << format.err;

  HandMade damaged;
  damaged.graph = R"({"layers":[{"name":3}]})";
  const Result graph = inspect(damaged.bytes(), {"--layers"});
  EXPECT_EQ(graph.code, ExitCode::bad_data);
  EXPECT_NE(graph.err.find("/config/graph"), std::string::npos) << graph.err;
  damaged.graph =
      R"({"layers":[{"name":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}]}";
  EXPECT_EQ(inspect(damaged.bytes(), {"--layers"}).code, ExitCode::bad_data);
}

TEST_F(InspectTest, AMissingFileIsNoInput) {
  std::ostringstream out, err;
  EXPECT_EQ(run_program({"trainer", "inspect", file_}, out, err), ExitCode::no_input);
  EXPECT_NE(err.str().find(file_), std::string::npos);
}

}  // namespace
}  // namespace lockstep::cli

// Files of a convnet: what stands behind `flatten` is in PyTorch's order. A checkpoint of version
// 1, which had ours, is used as it was meant. It is tests/system/version1.h5.gz, of the run below.
#include <gtest/gtest.h>

#include "io/safetensors_testing.hpp"
#include "lockstep/io/gzip.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/safetensors.hpp"
#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kChannelOrderConfig = R"([run]
name = "net"
seed = 3
epochs = 2
[data]
train = "data.h5"
batch = 12
[[layer]]
name = "conv"
type = "conv2d"
out = 3
kernel = 3
[[layer]]
type = "relu"
[[layer]]
type = "flatten"
[[layer]]
name = "norm"
type = "batch_norm"
[[layer]]
name = "fc1"
type = "linear"
out = 5
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
lr = 0.02
ema = 0.5
[parallel]
microbatches = 8
)";

constexpr Index kSamples = 48, kHeight = 4, kWidth = 3, kChannels = 2, kConvolved = 3;

std::string data() {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (Index i = 0; i < kSamples * kHeight * kWidth * kChannels; ++i) {
    x.push_back(static_cast<float>(i * 37 % 101) / 16 - 3);
  }
  for (Index i = 0; i < kSamples; ++i) y.push_back(i * 7 % 3);
  Hdf5Writer file;
  file.dataset("/x", {{kSamples, kHeight, kWidth, kChannels}}, x);
  file.dataset("/y", {{kSamples}}, y);
  return text_of(file.finish());
}

class ChannelOrder : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TemporaryDirectory>();
    directory_->write("data.h5", data());
    directory_->write("net.toml", kChannelOrderConfig);
    directory_->write("more.toml", replaced(kChannelOrderConfig, "epochs = 2", "epochs = 4"));
    const std::string packed =
        read_text(std::filesystem::path(LOCKSTEP_SOURCE_DIR) / "tests/system/version1.h5.gz");
    directory_->write("old.h5", text_of(inflate(bytes_of(packed), 1 << 20, "version1.h5.gz")));
    done({"train", "net.toml", "--run-dir", "run"});
    std::filesystem::copy_file(*directory_ / "run/checkpoints/step-00000008.h5",
                               *directory_ / "new.h5");
  }
  static void TearDownTestSuite() { directory_.reset(); }

  static std::string done(const Arguments& arguments) {
    const Outcome outcome = run(command_in(*directory_, 0, arguments));
    EXPECT_EQ(outcome.code, 0) << arguments[0] << ": " << outcome.err;
    return outcome.out;
  }
  static std::string content(const std::string& file) { return read_text(*directory_ / file); }
  static std::string digest_after(const std::string& out) {
    return out.substr(out.find("digest "));
  }
  static std::string predictions(const std::string& of) {
    done({"predict", of, "--data", "data.h5", "--out", "predictions.csv", "--force"});
    return content("predictions.csv");
  }
  static std::string exported(const std::string& of) {
    done({"export", of, "--last", "--out", "out.safetensors", "--force"});
    return content("out.safetensors");
  }
  /// The checkpoint that is made of a file of weights.
  static std::string imported(const std::string& file) {
    done({"import", file, "--config", "net.toml", "--out", "imported.h5", "--force"});
    return content("imported.h5");
  }
  static std::vector<float> numbers(const std::string& file, const std::string& tensor) {
    const std::string text = content(file);
    const auto bytes = bytes_of(text);
    return Hdf5Reader(bytes, file).floats(tensor);
  }

  static std::unique_ptr<TemporaryDirectory> directory_;
};

std::unique_ptr<TemporaryDirectory> ChannelOrder::directory_;

// Parameters, averages and the optimizer's state of the same tensor alike.
TEST_F(ChannelOrder, OfACheckpointIsPyTorchs) {
  constexpr Index kPlaces = kHeight * kWidth, kInputs = kPlaces * kConvolved;
  for (const std::string tensor :
       {"/model/fc1.weight", "/optimizer/ema/fc1.weight", "/optimizer/exp_avg/fc1.weight",
        "/optimizer/exp_avg_sq/fc1.weight", "/model/norm.weight", "/model/norm.running_mean",
        "/optimizer/exp_avg/norm.bias"}) {
    const std::vector<float> ours = numbers("old.h5", tensor), theirs = numbers("new.h5", tensor);
    ASSERT_EQ(ours.size(), theirs.size()) << tensor;
    EXPECT_NE(ours, theirs) << tensor;
    for (Index k = 0; k < static_cast<Index>(ours.size()); ++k) {
      const Index row = k / kInputs, channel = k % kInputs / kPlaces, place = k % kPlaces;
      const Index here = row * kInputs + place * kConvolved + channel;
      ASSERT_EQ(theirs[static_cast<std::size_t>(k)], ours[static_cast<std::size_t>(here)])
          << tensor << " " << k;
    }
  }
  for (const std::string tensor : {"/model/conv.weight", "/model/fc1.bias", "/model/fc2.weight"}) {
    EXPECT_EQ(numbers("old.h5", tensor), numbers("new.h5", tensor)) << tensor;
  }
}

TEST_F(ChannelOrder, OfVersionOneIsUnderstood) {
  EXPECT_EQ(predictions("old.h5"), predictions("new.h5"));
  const auto judged = [](const std::string& file) {
    const std::string out = done({"eval", file, "--data", "data.h5"});
    return out.substr(0, out.find("(step"));
  };
  EXPECT_EQ(judged("old.h5"), judged("new.h5"));
  EXPECT_EQ(exported("old.h5"), exported("new.h5"));
  EXPECT_EQ(imported("old.h5"), imported("new.h5"));
  EXPECT_NE(done({"import", "new.h5", "--config", "net.toml", "--out", "last.h5"})
                .find("note  these are the last weights; for their average"),
            std::string::npos);
  const std::string state = "digest d1ec8a422fc8e08967c5d9e303543772";
  EXPECT_NE(done({"inspect", "old.h5", "--verify"}).find(state), std::string::npos);
  EXPECT_NE(done({"inspect", "new.h5", "--verify"}).find(state), std::string::npos);
}

TEST_F(ChannelOrder, OfVersionOneGoesOnWithTheSameBits) {
  const std::string old =
      digest_after(done({"train", "more.toml", "--resume", "old.h5", "--run-dir", "after-old"}));
  EXPECT_EQ(old, digest_after(
                     done({"train", "more.toml", "--resume", "new.h5", "--run-dir", "after-new"})));
  EXPECT_EQ(old.substr(0, 39), "digest 24bf41820a9e4e104356ac42b442f99c");
  // Not the whole files: over which samples the running error is averaged has changed since.
  EXPECT_EQ(exported("after-old/checkpoints/step-00000016.h5"),
            exported("after-new/checkpoints/step-00000016.h5"));
}

// What an older Lockstep exported says so; what has no such metadata is PyTorch's.
TEST_F(ChannelOrder, OfAnOldExportIsUnderstood) {
  const std::string file = exported("new.h5");
  const auto bytes = bytes_of(file);
  Safetensors weights = read_safetensors(bytes, "out.safetensors");
  EXPECT_EQ(weights.metadata.at("format_version"), "2");
  const std::string expected = imported("out.safetensors");

  std::vector<std::vector<float>> ours;
  for (SafetensorsTensor& tensor : weights.tensors) {
    ours.push_back(numbers("old.h5", "/model/" + tensor.name));
    tensor.data = std::as_bytes(std::span(ours.back()));
  }
  weights.metadata.erase("format_version");
  directory_->write("old.safetensors", text_of(write_safetensors(weights)));
  EXPECT_EQ(imported("old.safetensors"), expected);
  weights.metadata.clear();
  directory_->write("foreign.safetensors", text_of(write_safetensors(weights)));
  EXPECT_NE(imported("foreign.safetensors"), expected);
}

// Where no order of PyTorch's makes the network, export and import say so, and nothing changes.
TEST_F(ChannelOrder, ThatThereIsNoneIsSaid) {
  directory_->write("groups.toml", replaced(kChannelOrderConfig, "type = \"batch_norm\"",
                                            "type = \"group_norm\"\ngroups = 2"));
  done({"train", "groups.toml", "--run-dir", "groups"});
  const std::string checkpoint = "groups/checkpoints/latest.h5";
  const std::string note = "no order of channels is PyTorch's: layer 'norm' works on groups";
  EXPECT_NE(done({"export", checkpoint, "--out", "groups.safetensors"}).find(note),
            std::string::npos);
  const std::string out =
      done({"import", "groups.safetensors", "--config", "groups.toml", "--out", "groups.h5"});
  EXPECT_NE(out.find(note), std::string::npos) << out;
  EXPECT_EQ(predictions("groups.h5"), predictions(checkpoint));
}

}  // namespace
}  // namespace lockstep::system_test

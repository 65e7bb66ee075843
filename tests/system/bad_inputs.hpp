#pragma once

// What people get wrong, and what the trainer must say to it: where, what was expected, what was found
// and what to do. A row is a file or an option spoilt in one way.

#include <sys/stat.h>

#include <functional>

#include "lockstep/base/error.hpp"
#include "system/trainer.hpp"

namespace lockstep::system_test {

/// A directory with a good configuration, good data and a good checkpoint of it, to spoil.
struct Scene {
  const TemporaryDirectory& directory;
  const std::string& checkpoint;  // bytes

  void write(const std::string& name, std::string_view content) const {
    directory.write(name, content);
  }
};

struct BadInput {
  std::string name;
  ExitCode code;
  std::vector<std::string> fragments;  // of the message
  std::function<Arguments(const Scene&)> arrange;
  int fewest_ranks = 1;  // with fewer it is right
};

constexpr std::string_view kGoodConfig = R"([run]
name = "good"
epochs = 1
[data]
train = "data.csv"
batch = 32
[[layer]]
name = "fc1"
type = "linear"
out = 8
[[layer]]
name = "act"
type = "relu"
[[layer]]
name = "fc2"
type = "linear"
out = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)";

inline std::string good_data() { return class_table(120, 4, 3); }

inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string_view::npos) throw std::logic_error(std::string(from) + " is not there");
  return std::string(text.substr(0, at)) + std::string(to) + std::string(text.substr(at + from.size()));
}

using Arrange = std::function<Arguments(const Scene&)>;

/// The good run with more options.
inline Arrange options(Arguments more) {
  more.insert(more.begin(), {"train", "config.toml"});
  return [more](const Scene&) { return more; };
}

inline Arrange set(const std::string& assignment) { return options({"--set", assignment}); }

/// The good configuration with one piece of its text replaced.
inline Arrange edited(const std::string& from, const std::string& to) {
  return [=](const Scene& scene) {
    scene.write("config.toml", replaced(kGoodConfig, from, to));
    return Arguments{"train", "config.toml"};
  };
}

/// The good run on another file of training data.
inline Arrange data(const std::string& name, const std::string& content,
                    const Arguments& more = {}) {
  return [=](const Scene& scene) {
    scene.write(name, content);
    Arguments arguments = {"train", "config.toml", "--set", "data.train=\"" + name + "\""};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
}

/// The same with labels in a file of their own.
inline Arrange data_with_labels(const std::string& name, const std::string& content,
                                const std::string& labels) {
  return [=](const Scene& scene) {
    scene.write("labels", labels);
    return data(name, content, {"--set", "data.train_labels=labels"})(scene);
  };
}

/// `trainer COMMAND FILE`, where FILE is the good checkpoint after `spoil`.
inline Arrange checkpoint(const std::string& command, const std::function<void(std::string&)>& spoil) {
  return [=](const Scene& scene) {
    std::string bytes = scene.checkpoint;
    spoil(bytes);
    scene.write("bad.h5", bytes);
    if (command == "resume") return Arguments{"train", "config.toml", "--resume", "bad.h5"};
    if (command == "predict") {
      return Arguments{"predict", "bad.h5", "--data", "data.csv", "--out", "out.csv"};
    }
    return Arguments{command, "bad.h5"};
  };
}

inline std::vector<BadInput> bad_configs() {
  using enum ExitCode;
  return {
      {"Missing", no_input, {"'nowhere.toml': No such file", "trainer config init"},
       [](const Scene&) { return Arguments{"train", "nowhere.toml"}; }},
      {"Directory", no_input, {"'folder': it is not a regular file", "trainer config init"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "folder");
         return Arguments{"train", "folder"};
       }},
      {"Pipe", no_input, {"'pipe': it is not a regular file", "trainer config init"},
       [](const Scene& s) {
         ::mkfifo((s.directory / "pipe").c_str(), 0600);
         return Arguments{"train", "pipe"};
       }},
      {"Empty", config, {"empty.toml: error: [data] needs 'train'", "no [[layer]]", "6 errors, nothing started"},
       [](const Scene& s) {
         s.write("empty.toml", "");
         return Arguments{"train", "empty.toml"};
       }},
      {"Binary", config, {"binary.toml:1:"},
       [](const Scene& s) {
         s.write("binary.toml", std::string("\x7f" "ELF\0\1\2\3", 8));
         return Arguments{"train", "binary.toml"};
       }},
      {"Huge", config, {"huge.toml", "bytes"},
       [](const Scene& s) {
         s.write("huge.toml", std::string(std::size_t{1} << 22, '#'));
         return Arguments{"train", "huge.toml"};
       }},
      {"Syntax", config, {"config.toml:3:", "epochs"}, edited("epochs = 1", "epochs 1")},
      {"KeyTwice", config, {"config.toml:4:", "epochs"}, edited("epochs = 1", "epochs = 1\nepochs = 2")},
      {"UnknownKey", config, {"config.toml:22:1", "'learing_rate'", "[optimizer]"},
       edited("lr = 0.1", "learing_rate = 0.1")},
      {"UnknownSection", config, {"config.toml:20:2: error: unknown section [optimiser]", "did you mean"},
       edited("[optimizer]", "[optimiser]")},
      {"WrongType", config, {"config.toml:6:9", "'batch'", "integer", "32"},
       edited("batch = 32", "batch = \"32\"")},
      {"BatchOfZero", config, {"config.toml:6:9", "'batch' must be at least 1, is 0"},
       edited("batch = 32", "batch = 0")},
      {"BatchAboveAnyInteger", config, {"config.toml:6:", "'99999999999999999999' is not representable"},
       edited("batch = 32", "batch = 99999999999999999999")},
      {"NegativeRate", config, {"config.toml:22:6", "'lr' must be above 0, is -0.1"},
       edited("lr = 0.1", "lr = -0.1")},
      {"RateNotANumber", config, {"config.toml:22:6", "'lr' must be finite", "is nan"}, edited("lr = 0.1", "lr = nan")},
      {"UnknownLayer", config, {"config.toml:13:8", "\"relo\"", "did you mean", "relu"},
       edited("\"relu\"", "\"relo\"")},
      {"LayerNameTwice", config, {"config.toml:15:8", "already called 'fc1'", "config.toml:8"},
       edited("\"fc2\"", "\"fc1\"")},
      {"NoLayer", config, {"config.toml", "no [[layer]]"},
       [](const Scene& s) {
         const std::string_view text = kGoodConfig;
         s.write("config.toml", std::string(text.substr(0, text.find("[[layer]]"))) +
                                    std::string(text.substr(text.find("[loss]"))));
         return Arguments{"train", "config.toml"};
       }},
      {"NoTrainingData", config, {"config.toml:4:", "[data] needs 'train'"},
       edited("train = \"data.csv\"\n", "")},
      {"EpochsAndSteps", config, {"config.toml:4:1", "either 'epochs' or 'steps'"},
       edited("epochs = 1", "epochs = 1\nsteps = 10")},
      {"NeitherEpochsNorSteps", config, {"config.toml:1:", "needs 'epochs' or 'steps'", "epochs = 10"},
       edited("epochs = 1\n", "")},
      {"UnknownUnit", config, {"--set", "checkpoint.every", "5 lightyears", "steps"},
       set("checkpoint.every=\"5 lightyears\"")},
      {"AllHeldOut", config, {"--set", "holdout", "below 1", "is 1"}, set("data.holdout=1.0")},
      {"SetUnknownKey", config, {"--set 'optimizer.momentun=0.9'", "did you mean 'momentum'"},
       set("optimizer.momentun=0.9")},
      {"SetWithoutValue", config, {"--set", "optimizer.lr", "KEY=VALUE"}, set("optimizer.lr")},
      {"NesterovAlone", config, {"--set", "'nesterov' needs 'momentum' above 0"},
       set("optimizer.nesterov=true")},
      {"MeanWithoutDeviation", config, {"--set", "'mean' and 'std'", "together"}, set("data.mean=[0.5]")},
      {"MeanOfOtherLength", config, {"data.mean and data.std: expected 1 or 4 numbers", "found 2 and 2"},
       options({"--set", "data.mean=[0.5,0.5]", "--set", "data.std=[1,1]"})},
      {"LabelsNormalized", config, {"normalize_targets", "class labels"},
       set("data.normalize_targets=standard")},
      {"MoreMicrobatchesThanSamples", config, {"'microbatches'", "data.batch", "32", "64"},
       set("parallel.microbatches=64")},
      {"MoreRanksThanMicrobatches", config,
       {"4 ranks", "2 microbatches", "mpirun -np 2", "parallel.microbatches=4"},
       set("parallel.microbatches=2"), 4},
      {"LayerAboveAnyIndex", config, {"config.toml:14:1", "16777216 x 16777216", "fewer outputs"},
       options({"--set", "layer.fc1.out=16777216", "--set", "layer.fc2.out=16777216"})},
      {"OutputsForRegression", config, {"'fc2' has 3 outputs", "data.csv", "1 target value", "out = 1"}, set("loss.type=mse")},
      {"RunDirectoryIsAFile", cannot_create, {"data.csv", "directory"}, options({"--run-dir", "data.csv"})},
      {"RunDirectoryNotEmpty", cannot_create, {"full is not empty, nothing was overwritten", "--resume auto"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "full");
         s.write("full/notes.txt", "keep me");
         return Arguments{"train", "config.toml", "--run-dir", "full"};
       }},
      {"UnknownOption", usage, {"--epoch", "trainer train --help"}, options({"--epoch", "3"})},
      {"UnknownCommand", usage, {"'trainn'", "did you mean 'train'"},
       [](const Scene&) { return Arguments{"trainn", "config.toml"}; }},
      {"DurationWithoutUnit", usage, {"--max-time", "'soon'", "1h50m"}, options({"--max-time", "soon"})},
  };
}

inline std::vector<BadInput> bad_data() {
  using enum ExitCode;
  const std::string images = idx_header(8, {40, 4}) + std::string(160, '\5');
  const std::string labels = idx_header(8, {40}) + std::string(40, '\1');
  const std::string table = good_data();
  const std::string second_line = table.substr(table.find('\n') + 1, 7);
  return {
      {"Missing", no_input, {"nowhere.csv", "No such file"}, set("data.train=nowhere.csv")},
      {"Directory", bad_data, {"folder.csv", "expected a regular file, found a directory"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "folder.csv");
         return Arguments{"train", "config.toml", "--set", "data.train=folder.csv"};
       }},
      {"Pipe", bad_data, {"pipe.csv", "expected a regular file, found a pipe"},
       [](const Scene& s) {
         ::mkfifo((s.directory / "pipe.csv").c_str(), 0600);
         return Arguments{"train", "config.toml", "--set", "data.train=pipe.csv"};
       }},
      {"Device", bad_data, {"/dev/zero", "expected a regular file, found a device"},
       set("data.train=/dev/zero")},
      {"Empty", bad_data, {"empty.csv", "empty"}, data("empty.csv", "")},
      {"UnknownFormat", bad_data, {"data.xyz: neither", "data.type", "csv"}, data("data.xyz", "hello")},
      {"GzipTruncated", bad_data, {"data.csv.gz", "truncated"},
       data("data.csv.gz", gzipped(table).substr(0, 300))},
      {"GzipCorrupt", bad_data, {"data.csv.gz", "corrupt"},
       data("data.csv.gz", gzipped(table).replace(100, 50, 50, 'x'))},
      {"GzipBomb", bad_data, {"bomb.csv.gz", "unfold"},
       data("bomb.csv.gz", gzipped(std::string((std::size_t{256} << 20) + 1, '0')))},
      {"Word", bad_data, {"data2.csv:2: column 1: expected a number, found \"many\""},
       data("data2.csv", replaced(table, "\n" + second_line, "\nmany" + second_line.substr(6)))},
      {"NotANumber", bad_data, {"data2.csv:2: column 1: expected a finite number", "\"nan\""},
       data("data2.csv", replaced(table, "\n" + second_line, "\nnan" + second_line.substr(6)))},
      {"AboveAnyFloat", bad_data, {"data2.csv:2: column 1: expected a finite number", "\"1e39\""},
       data("data2.csv", replaced(table, "\n" + second_line, "\n1e39" + second_line.substr(6)))},
      {"RowTooShort", bad_data, {"data2.csv:2:", "expected 5 columns", "found 4"},
       data("data2.csv", replaced(table, "\n" + second_line, "\n"))},
      {"OneColumn", bad_data, {"data2.csv:1:", "at least two columns"}, data("data2.csv", "1\n2\n3\n")},
      {"HeaderOnly", bad_data, {"data2.csv", "at least one sample"}, data("data2.csv", "a,b,c\n")},
      {"LabelOutOfRange", bad_data, {"data2.csv", "label 3 of sample 120", "'fc2' has 3 outputs", "0 to 2", "out = 4"},
       data("data2.csv", table + "1,1,1,1,3\n")},
      {"NegativeLabel", bad_data, {"data2.csv:121: column 5", "class label", "\"-1\""},
       data("data2.csv", table + "1,1,1,1,-1\n")},
      {"FractionForALabel", bad_data, {"data2.csv:121: column 5", "class label", "\"0.5\""},
       data("data2.csv", table + "1,1,1,1,0.5\n")},
      {"TargetColumnBeyond", bad_data, {"data.csv", "target column from -5 to 4", "found 7"},
       set("data.target=7")},
      {"TargetColumnUnknown", bad_data, {"data.csv", "\"price\"", "no header"}, set("data.target=price")},
      {"FewerSamplesThanABatch", bad_data, {"data2.csv", "18 training samples", "batch of 32", "data.batch=18"},
       data("data2.csv", class_table(20, 4, 3))},
      {"ValidationOfAnotherShape", bad_data, {"wide.csv", "data.csv", "1 x 1 x 5", "instead of 1 x 1 x 4"},
       [](const Scene& s) {
         s.write("wide.csv", class_table(20, 5, 3));
         return Arguments{"train", "config.toml", "--set", "data.val=wide.csv"};
       }},
      {"IdxWithoutLabels", config, {"images", "data.train_labels"}, data("images", images)},
      {"IdxLabelsMissing", no_input, {"nolabels", "No such file"},
       data("images", images, {"--set", "data.train_labels=nolabels"})},
      {"IdxTruncated", bad_data, {"images: offset 12: expected 160 bytes of data, found 100", "truncated"},
       data_with_labels("images", images.substr(0, 112), labels)},
      {"IdxHeaderTruncated", bad_data, {"images: offset 4: expected a header of 12 bytes", "10"},
       data_with_labels("images", images.substr(0, 10), labels)},
      {"IdxTrailingBytes", bad_data, {"images: offset 12: expected 160 bytes", "found 161"},
       data_with_labels("images", images + "x", labels)},
      {"IdxOverflow", bad_data, {"images: offset 4", "more bytes than any file can hold"},
       data_with_labels("images", idx_header(14, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}), labels)},
      {"IdxNoSamples", bad_data, {"images", "at least one sample", "(0, 2, 2)"},
       data_with_labels("images", idx_header(8, {0, 2, 2}), labels)},
      {"IdxWrongMagic", bad_data, {"labels: offset 0: expected the start of an IDX file"},
       data_with_labels("images", images, "\1\2\3\4" + labels)},
      {"IdxFewerLabels", bad_data, {"labels", "40 samples", "found 39"},
       data_with_labels("images", images, idx_header(8, {39}) + std::string(39, '\1'))},
      {"IdxLabelOutOfRange", bad_data, {"label 9 of sample 0", "0 to 2", "out = 10"},
       data_with_labels("images", images, idx_header(8, {40}) + std::string(40, '\11'))},
      {"NpyTruncated", bad_data, {"x.npy: expected 640 bytes", "found 600"},
       data_with_labels("x.npy", npy_file("<f4", "(40, 4)", std::string(600, '\0')), labels)},
      {"NpyFortranOrder", bad_data, {"x.npy", "Fortran order", "ascontiguousarray"},
       data_with_labels("x.npy", npy_file("<f4", "(40, 4)", std::string(640, '\0'), "True"), labels)},
      {"NpyOfObjects", bad_data, {"x.npy", "\"|O\"", "astype"},
       data_with_labels("x.npy", npy_file("|O", "(40, 4)", std::string(640, '\0')), labels)},
      {"NpyOverflow", bad_data, {"x.npy", "more bytes than any file can hold"},
       data_with_labels("x.npy", npy_file("<f4", "(9223372036854775807, 4)", ""), labels)},
      {"Hdf5Truncated", bad_data, {"data.h5"},
       [](const Scene& s) { return data("data.h5", s.checkpoint.substr(0, 3000))(s); }},
      {"Hdf5WithoutInputs", bad_data, {"data.h5", "/x"},
       [](const Scene& s) { return data("data.h5", s.checkpoint)(s); }},
  };
}

inline std::vector<BadInput> bad_checkpoints() {
  using enum ExitCode;
  const auto truncate = [](std::string& bytes) { bytes.resize(bytes.size() * 2 / 3); };
  const auto flip = [](std::string& bytes) { bytes[5000] = static_cast<char>(bytes[5000] ^ 1); };
  return {
      {"Missing", no_input, {"nowhere.h5", "No such file"}, options({"--resume", "nowhere.h5"})},
      {"Directory", bad_data, {"expected a regular file, found a directory"}, options({"--resume", "."})},
      {"Empty", bad_data, {"bad.h5", "too short", "found 0"}, checkpoint("resume", [](std::string& b) { b.clear(); })},
      {"Truncated", bad_data, {"bad.h5", "no seal at its end"}, checkpoint("resume", truncate)},
      {"Flipped", bad_data, {"bad.h5", "content was changed", "expected digest"}, checkpoint("resume", flip)},
      {"SomethingElse", bad_data, {"data.csv", "no seal at its end"}, options({"--resume", "data.csv"})},
      {"OfAnotherModel", bad_data, {"good.h5", "model", "--run-dir"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"train", "config.toml", "--resume", "good.h5", "--set", "layer.fc1.out=9"};
       }},
      {"NoneIntactInTheRun", bad_data, {"run/checkpoints/step-00000003.h5", "content was changed", "--run-dir"},
       [flip](const Scene& s) {
         std::string bytes = s.checkpoint;
         flip(bytes);
         std::filesystem::create_directories(s.directory / "run/checkpoints");
         s.write("run/checkpoints/step-00000003.h5", bytes);
         return Arguments{"train", "config.toml", "--resume", "auto", "--run-dir", "run"};
       }},
      {"EvalTruncated", bad_data, {"bad.h5", "no seal at its end"}, checkpoint("eval", truncate)},
      {"EvalMissing", no_input, {"nowhere.h5", "No such file"},
       [](const Scene&) { return Arguments{"eval", "nowhere.h5"}; }},
      {"EvalDataChanged", bad_data, {"data.csv has changed since the run", "--data FILE"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         s.write("data.csv", class_table(121, 4, 3));
         return Arguments{"eval", "good.h5"};
       }},
      {"EvalOtherWidth", bad_data, {"wide.csv", "1 x 1 x 5", "1 x 1 x 4"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         s.write("wide.csv", class_table(50, 5, 3));
         return Arguments{"eval", "good.h5", "--data", "wide.csv"};
       }},
      {"PredictFlipped", bad_data, {"bad.h5", "content was changed"}, checkpoint("predict", flip)},
      {"PredictOntoAFile", cannot_create, {"data.csv exists, nothing was written", "--force"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"predict", "good.h5", "--data", "data.csv", "--out", "data.csv"};
       }},
      {"PredictIntoNowhere", cannot_create, {"nowhere/out.csv", "No such file or directory"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"predict", "good.h5", "--data", "data.csv", "--out", "nowhere/out.csv"};
       }},
  };
}

}  // namespace lockstep::system_test

#pragma once

// Wrong configurations, options and commands.

#include <sys/stat.h>

#include "system/bad_input.hpp"

namespace lockstep::system_test {

inline std::vector<BadInput> bad_configs() {
  using enum ExitCode;
  return {
      {"Missing",
       no_input,
       {"'nowhere.toml': No such file", "trainer config init"},
       [](const Scene&) {
         return Arguments{"train", "nowhere.toml"};
       }},
      {"Directory",
       no_input,
       {"'folder': it is not a regular file", "trainer config init"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "folder");
         return Arguments{"train", "folder"};
       }},
      {"Pipe",
       no_input,
       {"'pipe': it is not a regular file", "trainer config init"},
       [](const Scene& s) {
         ::mkfifo((s.directory / "pipe").c_str(), 0600);
         return Arguments{"train", "pipe"};
       }},
      {"Empty",
       config,
       {"empty.toml: error: [data] needs 'train'", "no [[layer]]", "6 errors, nothing started"},
       [](const Scene& s) {
         s.write("empty.toml", "");
         return Arguments{"train", "empty.toml"};
       }},
      {"Binary",
       config,
       {"binary.toml:1:"},
       [](const Scene& s) {
         s.write("binary.toml", std::string("\x7f"
                                            "ELF\0\1\2\3",
                                            8));
         return Arguments{"train", "binary.toml"};
       }},
      {"Huge",
       config,
       {"huge.toml", "bytes"},
       [](const Scene& s) {
         s.write("huge.toml", std::string(std::size_t{1} << 22, '#'));
         return Arguments{"train", "huge.toml"};
       }},
      {"Syntax", config, {"config.toml:3:", "epochs"}, edited("epochs = 1", "epochs 1")},
      {"KeyTwice",
       config,
       {"config.toml:4:", "epochs"},
       edited("epochs = 1", "epochs = 1\nepochs = 2")},
      {"UnknownKey",
       config,
       {"config.toml:22:1", "'learing_rate'", "[optimizer]"},
       edited("lr = 0.1", "learing_rate = 0.1")},
      {"UnknownSection",
       config,
       {"config.toml:20:2: error: unknown section [optimiser]", "did you mean"},
       edited("[optimizer]", "[optimiser]")},
      {"WrongType",
       config,
       {"config.toml:6:9", "'batch'", "integer", "32"},
       edited("batch = 32", "batch = \"32\"")},
      {"BatchOfZero",
       config,
       {"config.toml:6:9", "'batch' must be at least 1, is 0"},
       edited("batch = 32", "batch = 0")},
      {"BatchAboveAnyInteger",
       config,
       {"config.toml:6:", "'99999999999999999999' is not representable"},
       edited("batch = 32", "batch = 99999999999999999999")},
      {"NegativeRate",
       config,
       {"config.toml:22:6", "'lr' must be above 0, is -0.1"},
       edited("lr = 0.1", "lr = -0.1")},
      {"RateNotANumber",
       config,
       {"config.toml:22:6", "'lr' must be finite", "is nan"},
       edited("lr = 0.1", "lr = nan")},
      {"UnknownLayer",
       config,
       {"config.toml:13:8", "\"relo\"", "did you mean", "relu"},
       edited("\"relu\"", "\"relo\"")},
      {"LayerNameTwice",
       config,
       {"config.toml:15:8", "already called 'fc1'", "config.toml:8"},
       edited("\"fc2\"", "\"fc1\"")},
      {"NoLayer",
       config,
       {"config.toml", "no [[layer]]"},
       [](const Scene& s) {
         const std::string_view text = kGoodConfig;
         s.write("config.toml", std::string(text.substr(0, text.find("[[layer]]"))) +
                                    std::string(text.substr(text.find("[loss]"))));
         return Arguments{"train", "config.toml"};
       }},
      {"NoTrainingData",
       config,
       {"config.toml:4:", "[data] needs 'train'"},
       edited("train = \"data.csv\"\n", "")},
      {"EpochsAndSteps",
       config,
       {"config.toml:4:1", "either 'epochs' or 'steps'"},
       edited("epochs = 1", "epochs = 1\nsteps = 10")},
      {"NeitherEpochsNorSteps",
       config,
       {"config.toml:1:", "needs 'epochs' or 'steps'", "epochs = 10"},
       edited("epochs = 1\n", "")},
      {"UnknownUnit",
       config,
       {"--set", "checkpoint.every", "5 lightyears", "steps"},
       set("checkpoint.every=\"5 lightyears\"")},
      {"AllHeldOut", config, {"--set", "holdout", "below 1", "is 1"}, set("data.holdout=1.0")},
      {"SetUnknownKey",
       config,
       {"--set 'optimizer.momentun=0.9'", "did you mean 'momentum'"},
       set("optimizer.momentun=0.9")},
      {"SetWithoutValue", config, {"--set", "optimizer.lr", "KEY=VALUE"}, set("optimizer.lr")},
      {"NesterovAlone",
       config,
       {"--set", "'nesterov' needs 'momentum' above 0"},
       set("optimizer.nesterov=true")},
      {"ClassWeightsOfOtherNumber",
       config,
       {"config.toml:18:1", "'class_weights'", "has 2 for the 3 outputs"},
       set("loss.class_weights=[1, 2]")},
      {"ClassWeightBelowZero",
       config,
       {"--set", "'class_weights' must be at least 0, is -1.0"},
       set("loss.class_weights=[1, -1.0, 1]")},
      {"ClassWeightsAllZero",
       config,
       {"--set", "'class_weights' must have a number above 0"},
       set("loss.class_weights=[0, 0, 0]")},
      {"ClassWeightsUnknown",
       config,
       {"a list of numbers or balanced, is \"balance\"", "did you mean 'balanced'"},
       set("loss.class_weights=balance")},
      {"SmoothingOfOne",
       config,
       {"'label_smoothing' must be at least 0 and below 1"},
       set("loss.label_smoothing=1")},
      {"TopKOfAllClasses",
       config,
       {"config.toml:18:1", "'top_k' must be below the number of classes, 3, is 3"},
       set("loss.top_k=3")},
      {"DeltaOfZero",
       config,
       {"'delta' must be above 0"},
       options({"--set", "loss.type=huber", "--set", "loss.delta=0"})},
      {"BestOfAnotherLoss",
       config,
       {"'best' must be one of val/loss, val/acc, none", "is \"val/r2\""},
       set("checkpoint.best=val/r2")},
      {"TargetsNoProbabilities",
       bad_data,
       {"target 2 of sample", "binary_cross_entropy takes a value from 0 (no) to 1 (yes)"},
       options({"--set", "loss.type=binary_cross_entropy", "--set", "layer.fc2.out=1"})},
      {"ProbabilitiesNormalized",
       config,
       {"normalize_targets", "probabilities are not normalized"},
       options({"--set", "loss.type=binary_cross_entropy", "--set", "layer.fc2.out=1", "--set",
                "data.normalize_targets=standard"})},
      {"MeanWithoutDeviation",
       config,
       {"--set", "'mean' and 'std'", "together"},
       set("data.mean=[0.5]")},
      {"MeanOfOtherLength",
       config,
       {"data.mean and data.std: expected 1 or 4 numbers", "found 2 and 2"},
       options({"--set", "data.mean=[0.5,0.5]", "--set", "data.std=[1,1]"})},
      {"LabelsNormalized",
       config,
       {"normalize_targets", "class labels"},
       set("data.normalize_targets=standard")},
      {"MoreMicrobatchesThanSamples",
       config,
       {"'microbatches'", "data.batch", "32", "64"},
       set("parallel.microbatches=64")},
      {"MoreRanksThanMicrobatches",
       config,
       {"4 ranks", "2 microbatches", "mpirun -np 2", "parallel.microbatches=4"},
       set("parallel.microbatches=2"),
       4},
      {"LayerAboveAnyIndex",
       config,
       {"config.toml:14:1", "16777216 x 16777216", "fewer outputs"},
       options({"--set", "layer.fc1.out=16777216", "--set", "layer.fc2.out=16777216"})},
      {"OutputsForRegression",
       config,
       {"'fc2' has 3 outputs", "data.csv", "1 target value", "out = 1"},
       set("loss.type=mse")},
      {"RunDirectoryIsAFile",
       cannot_create,
       {"data.csv", "directory"},
       options({"--run-dir", "data.csv"})},
      {"RunDirectoryNotEmpty",
       cannot_create,
       {"full is not empty, nothing was overwritten", "--resume auto"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "full");
         s.write("full/notes.txt", "keep me");
         return Arguments{"train", "config.toml", "--run-dir", "full"};
       }},
      {"UnknownOption", usage, {"--epoch", "trainer train --help"}, options({"--epoch", "3"})},
      {"UnknownCommand",
       usage,
       {"'trainn'", "did you mean 'train'"},
       [](const Scene&) {
         return Arguments{"trainn", "config.toml"};
       }},
      {"DurationWithoutUnit",
       usage,
       {"--max-time", "'soon'", "1h50m"},
       options({"--max-time", "soon"})},
  };
}

}  // namespace lockstep::system_test

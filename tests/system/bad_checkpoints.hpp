#pragma once

// Wrong checkpoints.

#include "system/bad_input.hpp"

namespace lockstep::system_test {

inline std::vector<BadInput> bad_checkpoints() {
  using enum ExitCode;
  const auto truncate = [](std::string& bytes) { bytes.resize(bytes.size() * 2 / 3); };
  const auto flip = [](std::string& bytes) { bytes[5000] = static_cast<char>(bytes[5000] ^ 1); };
  return {
      {"Missing", no_input, {"nowhere.h5", "No such file"}, options({"--resume", "nowhere.h5"})},
      {"Directory",
       usage,
       {"expected a checkpoint or auto, found a directory", "--resume auto"},
       options({"--resume", "."})},
      {"Empty",
       bad_data,
       {"bad.h5", "too short", "found 0"},
       checkpoint("resume", [](std::string& b) { b.clear(); })},
      {"Truncated", bad_data, {"bad.h5", "no seal at its end"}, checkpoint("resume", truncate)},
      {"Flipped",
       bad_data,
       {"bad.h5", "content was changed", "expected digest"},
       checkpoint("resume", flip)},
      {"SomethingElse",
       bad_data,
       {"data.csv", "no seal at its end"},
       options({"--resume", "data.csv"})},
      {"OfAnotherModel",
       bad_data,
       {"good.h5", "model", "--run-dir"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"train",   "config.toml", "--resume",
                          "good.h5", "--set",       "layer.fc1.out=9"};
       }},
      {"NoneIntactInTheRun",
       bad_data,
       {"run/checkpoints/step-00000003.h5", "content was changed", "--run-dir"},
       [flip](const Scene& s) {
         std::string bytes = s.checkpoint;
         flip(bytes);
         std::filesystem::create_directories(s.directory / "run/checkpoints");
         s.write("run/checkpoints/step-00000003.h5", bytes);
         return Arguments{"train", "config.toml", "--resume", "auto", "--run-dir", "run"};
       }},
      {"EvalTruncated", bad_data, {"bad.h5", "no seal at its end"}, checkpoint("eval", truncate)},
      {"Large",
       bad_data,
       {"large.h5: no seal at its end"},
       large_checkpoint({"train", "config.toml", "--resume"})},
      {"EvalLarge", bad_data, {"large.h5: no seal at its end"}, large_checkpoint({"eval"})},
      {"InspectLarge", bad_data, {"large.h5: no seal at its end"}, large_checkpoint({"inspect"})},
      {"PredictLarge",
       bad_data,
       {"large.h5: no seal at its end"},
       large_checkpoint({"predict"}, {"--data", "data.csv", "--out", "out.csv"})},
      {"EvalMissing",
       no_input,
       {"nowhere.h5", "No such file"},
       [](const Scene&) {
         return Arguments{"eval", "nowhere.h5"};
       }},
      {"EvalDataChanged",
       bad_data,
       {"data.csv has changed since the run", "--data FILE"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         s.write("data.csv", class_table(121, 4, 3));
         return Arguments{"eval", "good.h5"};
       }},
      {"EvalInRoundsThatAreNoNumber",
       usage,
       {"--accumulation: expected a whole number from 0 on, found 'all'"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"eval", "good.h5", "--rounds", "all"};
       }},
      {"EvalInTooManyRounds",
       usage,
       {"--accumulation must be at most the microbatches of the checkpoint, 8, is 9"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"eval", "good.h5", "--accumulation", "9"};
       }},
      {"WithoutTheAverage",
       bad_data,
       {"good.h5", "state of the optimizer: the checkpoint has none, this run has ema"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"train",   "config.toml", "--resume",
                          "good.h5", "--set",       "optimizer.ema=0.9"};
       }},
      {"EvalOtherWidth",
       bad_data,
       {"wide.csv", "1 x 1 x 5", "1 x 1 x 4"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         s.write("wide.csv", class_table(50, 5, 3));
         return Arguments{"eval", "good.h5", "--data", "wide.csv"};
       }},
      {"ConfusionOfValues",
       usage,
       {"values.h5 learned by mse, which knows no classes"},
       [](const Scene& s) {
         const Arguments train = {"train", "config.toml",   "--run-dir", "values",
                                  "--set", "loss.type=mse", "--set",     "layer.fc2.out=1"};
         run(command_in(s.directory, 0, train));
         std::filesystem::copy(s.directory / "values/checkpoints/latest.h5",
                               s.directory / "values.h5");
         return Arguments{"eval", "values.h5", "--confusion"};
       }},
      {"EvalOfRecordingsOfAnotherRate",
       bad_data,
       {"fast/a_0.wav: expected 8000 samples of sound per second as in training, found 16000"},
       [](const Scene& s) {
         std::vector<std::pair<std::string, std::string>> files;
         for (int i = 0; i < 10; ++i) {
           files.push_back({fmt::format("{}_{}.wav", i, i % 2), wav_file({i, 7 * i})});
         }
         const Arguments train = sounds(
             files,
             {"--run-dir", "heard", "--set", "data.features=log_mel", "--set", "data.batch=4"})(s);
         s.write("config.toml",
                 replaced(kGoodConfig, "[[layer]]\nname = \"fc1\"",
                          "[[layer]]\ntype = \"flatten\"\n[[layer]]\nname = \"fc1\""));
         EXPECT_EQ(run(command_in(s.directory, 0, train)).code, 0);
         std::filesystem::create_directory(s.directory / "fast");
         s.write("fast/a_0.wav", wav_file({1, 2}, 16000));
         return Arguments{"eval", "heard/checkpoints/latest.h5", "--data", "fast"};
       }},
      {"PredictFlipped", bad_data, {"bad.h5", "content was changed"}, checkpoint("predict", flip)},
      {"PredictOntoAFile",
       cannot_create,
       {"data.csv exists, nothing was written", "--force"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"predict", "good.h5", "--data", "data.csv", "--out", "data.csv"};
       }},
      {"PredictOntoItsData",
       cannot_create,
       {"--out link.csv is an input, data.csv: nothing was written"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         std::filesystem::create_symlink("data.csv", s.directory / "link.csv");
         return Arguments{"predict", "good.h5",  "--data", "data.csv",
                          "--out",   "link.csv", "--force"};
       }},
      {"PredictOntoItsCheckpoint",
       cannot_create,
       {"--out ./good.h5 is an input, good.h5: nothing was written"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"predict", "good.h5",   "--data", "data.csv",
                          "--out",   "./good.h5", "--force"};
       }},
      {"PredictOntoDataThatTheCheckpointNames",
       cannot_create,
       {"--out data.csv is an input, data.csv: nothing was written"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"predict", "good.h5", "--held-out", "--out", "data.csv", "--force"};
       }},
      {"ExportOntoItsCheckpoint",
       cannot_create,
       {"--out hard.h5 is an input, good.h5: nothing was written"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         std::filesystem::create_hard_link(s.directory / "good.h5", s.directory / "hard.h5");
         return Arguments{"export", "good.h5", "--out", "hard.h5", "--force"};
       }},
      {"EvalOfAConfiguration",
       bad_data,
       {"config.toml: no seal at its end", "it is a configuration", "trainer train config.toml"},
       [](const Scene&) {
         return Arguments{"eval", "config.toml"};
       }},
      {"EvalOfWeights",
       bad_data,
       {"plain.safetensors", "trainer import FILE --config CONFIG"},
       [](const Scene& s) {
         s.write("plain.safetensors", std::string(100, 'x'));
         return Arguments{"eval", "plain.safetensors"};
       }},
      {"EvalOfADirectoryWithoutCheckpoints",
       no_input,
       {"empty: the directory has no checkpoint", "checkpoints/best.h5"},
       [](const Scene& s) {
         std::filesystem::create_directories(s.directory / "empty/checkpoints");
         return Arguments{"eval", "empty"};
       }},
      {"HeldOutOfOtherData",
       bad_data,
       {"other.csv is not the training data of the run", "--data FILE"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         s.write("other.csv", class_table(121, 4, 3));
         return Arguments{"eval", "good.h5", "--data", "other.csv", "--held-out"};
       }},
      {"MistakesWithoutAnswers",
       usage,
       {"--sort mistakes: the answers are not known"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         s.write("inputs.csv", "0.1,0.2,0.3,0.4\n0.5,0.6,0.7,0.8\n");
         return Arguments{"predict", "good.h5", "--data", "inputs.csv",
                          "--out",   "out.csv", "--sort", "mistakes"};
       }},
      {"PredictIntoNowhere",
       cannot_create,
       {"nowhere/out.csv", "No such file or directory"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"predict", "good.h5", "--data", "data.csv", "--out", "nowhere/out.csv"};
       }},
  };
}

}  // namespace lockstep::system_test

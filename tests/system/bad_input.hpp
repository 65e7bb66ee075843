#pragma once

// What people get wrong, and what the trainer must say to it: where, what was expected, what was
// found and what to do. A row is a file or an option spoilt in one way.

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

/// The good run on a folder of recordings whose labels follow the last "_" of their names.
inline Arrange sounds(const std::vector<std::pair<std::string, std::string>>& files,
                      const Arguments& more = {}) {
  return [=](const Scene& scene) {
    std::filesystem::create_directory(scene.directory / "sounds");
    for (const auto& [name, content] : files) scene.write("sounds/" + name, content);
    Arguments arguments = {"train", "config.toml",
                           "--set", "data.train=sounds",
                           "--set", "data.label_pattern=*_{label}.wav"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
}

/// The good run on a text in windows of 8 symbols, with another text for validation.
inline Arrange text(const std::string& train, const std::string& val, const Arguments& more = {}) {
  return [=](const Scene& scene) {
    scene.write("data.txt", train);
    scene.write("val.txt", val);
    Arguments arguments = {"train", "config.toml"};
    for (const char* assignment :
         {"data.train=data.txt", "data.val=val.txt", "data.type=text", "data.context=8"}) {
      arguments.insert(arguments.end(), {"--set", assignment});
    }
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
inline Arrange checkpoint(const std::string& command,
                          const std::function<void(std::string&)>& spoil) {
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

/// A command with the name of a file that is a checkpoint and a terabyte of nothing behind it.
inline Arrange large_checkpoint(const Arguments& before, const Arguments& after = {}) {
  return [=](const Scene& scene) {
    scene.write("large.h5", scene.checkpoint);
    std::filesystem::resize_file(scene.directory / "large.h5", std::uintmax_t{1} << 40);
    Arguments line = before;
    line.emplace_back("large.h5");
    line.insert(line.end(), after.begin(), after.end());
    return line;
  };
}

}  // namespace lockstep::system_test

#pragma once

// What faults are made with, and what they must not leave behind.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "system/trainer.hpp"

namespace lockstep::system_test {

/// The trainers among the processes with this "NAME=value" in their environment.
inline std::vector<pid_t> ranks_with(const std::string& mark) {
  std::vector<pid_t> ranks;
  for (const pid_t pid : processes_with(mark)) {
    if (runs(pid, LOCKSTEP_TRAINER)) ranks.push_back(pid);
  }
  return ranks;
}

/// The process of one rank of an mpirun with this mark; 0 if there is none.
inline pid_t rank_with(const std::string& mark, int rank) {
  const std::string wanted = fmt::format("OMPI_COMM_WORLD_RANK={}", rank);
  for (const pid_t pid : processes_with(wanted)) {
    for (const pid_t marked : ranks_with(mark)) {
      if (marked == pid) return pid;
    }
  }
  return 0;
}

/// The state of a process's main thread as /proc tells it: 'S' asleep, 'T' stopped, 'R' running.
inline char state_of(pid_t pid) {
  const std::string stat = read_text(fmt::format("/proc/{}/stat", pid));
  const auto name_end = stat.rfind(')');
  return name_end + 2 < stat.size() ? stat[name_end + 2] : '?';
}

/// Whether a signal is in one of the sets that /proc shows of a process: "SigCgt", those it has a
/// handler for; "ShdPnd", those that wait to be delivered.
inline bool in_set(pid_t pid, std::string_view set, int signal) {
  const std::string status = read_text(fmt::format("/proc/{}/status", pid));
  const auto at = status.find(fmt::format("{}:", set));
  if (at == std::string::npos) return false;
  const std::uint64_t members = std::strtoull(status.c_str() + at + set.size() + 1, nullptr, 16);
  return (members >> (signal - 1) & 1) != 0;
}

/// All but the folders of the fault campaign, which may run beside this test for longer than it.
inline std::set<std::string> shared_segments() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with("chaos-")) names.insert(std::move(name));
  }
  return names;
}

inline void expect_no_segments_but(const std::set<std::string>& before) {
  for (const std::string& name : shared_segments()) {
    if (before.contains(name)) continue;
    // Other tests run beside this one, and what is theirs goes when they end.
    EXPECT_TRUE(wait_until(60, [&] { return !shared_segments().contains(name); }))
        << "left behind: " << name;
  }
}

/// A small network; `length` is "epochs = 3" or the like.
inline std::string small_config(std::string_view length) {
  return fmt::format(R"(
[run]
name = "small"
{}
[data]
train = "data.csv"
holdout = 0.15
batch = 48
[[layer]]
type = "linear"
out = 128
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
lr = 0.002
[parallel]
microbatches = 8
[log]
every = "1 steps"
)",
                     length);
}

/// Runs in one directory.
class FaultTest : public testing::Test {
 protected:
  explicit FaultTest(std::string_view length) {
    directory_.write("data.csv", class_table(412, 20, 5));
    directory_.write("config.toml", small_config(length));
  }

  [[nodiscard]] Command train(int ranks, const std::string& run, const Arguments& more = {},
                              const Arguments& environment = {}) const {
    Arguments arguments = {"train", "config.toml", "--run-dir", run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Command command = command_in(directory_, ranks, arguments);
    command.environment.insert(command.environment.end(), environment.begin(), environment.end());
    return command;
  }
  [[nodiscard]] std::filesystem::path path(const std::string& run) const {
    return directory_.path() / run;
  }
  [[nodiscard]] std::string latest(const std::string& run) const {
    return read_text(path(run) / "checkpoints" / "latest.h5");
  }
  [[nodiscard]] std::string status(const std::string& run) const {
    return read_text(path(run) / "STATUS");
  }
  /// File names and contents.
  [[nodiscard]] std::map<std::string, std::string> checkpoints(const std::string& run) const {
    std::map<std::string, std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(path(run) / "checkpoints")) {
      if (!file.is_symlink()) files[file.path().filename()] = read_text(file.path());
    }
    return files;
  }
  [[nodiscard]] bool trains(const std::string& run, std::size_t steps = 3) const {
    return wait_until(30, [&] { return metric_lines(path(run), "step").size() >= steps; });
  }
  static std::string mark(const std::string& name) {
    return fmt::format("LOCKSTEP_TEST_MARK={}-{}", ::getpid(), name);
  }
  static void expect_nobody_left(const std::string& mark) {
    EXPECT_TRUE(wait_until(5, [&] { return processes_with(mark).empty(); }));
  }

  TemporaryDirectory directory_;
};

}  // namespace lockstep::system_test

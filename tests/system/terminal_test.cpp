// Escape codes are for terminals: a pipe, a file, NO_COLOR and TERM=dumb get none, or no colour.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kTerminalConfig = R"(
[run]
epochs = 5
[data]
train = "data.csv"
batch = 32
[[layer]]
type = "linear"
out = 64
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)";

constexpr char kEscape = '\x1b';
constexpr std::string_view kColour = "\x1b[32m";

class TerminalTest : public testing::Test {
 protected:
  TerminalTest() {
    directory_.write("config.toml", kTerminalConfig);
    directory_.write("data.csv", class_table(1000, 20, 5));
  }

  [[nodiscard]] Command train(int ranks, const Arguments& environment = {}) const {
    Command command = command_in(directory_, ranks, {"train", "config.toml"});
    command.environment.insert(command.environment.end(), environment.begin(), environment.end());
    return command;
  }

  /// What the program writes to a terminal of 100 columns that is its standard output.
  static std::string output_on_terminal(const Command& command) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) {
      throw std::runtime_error("no terminal to be had");
    }
    winsize window{};
    window.ws_row = 40;
    window.ws_col = 100;
    // Through a shell, whose redirection opens the other end.
    std::string line = "exec";
    for (const std::string& argument : command.arguments) line += " '" + argument + "'";
    line += " >" + std::string(::ptsname(terminal));
    const int keep_open = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ::ioctl(terminal, TIOCSWINSZ, &window);
    Process process({{"/bin/sh", "-c", line}, command.directory, command.environment});

    ::fcntl(terminal, F_SETFL, O_NONBLOCK);
    std::string text;
    const auto drain = [&] {
      char buffer[4096];
      ssize_t size = 0;
      while ((size = ::read(terminal, buffer, sizeof buffer)) > 0) {
        text.append(buffer, static_cast<std::size_t>(size));
      }
    };
    wait_until(60, [&] {
      drain();
      return process.ended();
    });
    drain();
    EXPECT_EQ(process.wait().code, 0);
    ::close(keep_open);
    ::close(terminal);
    return text;
  }

  TemporaryDirectory directory_;
};

TEST_F(TerminalTest, ATerminalGetsABarAndColour) {
  const std::string text = output_on_terminal(train(0, {"TERM=xterm", "NO_COLOR="}));
  EXPECT_NE(text.find(kColour), std::string::npos) << text;
  EXPECT_TRUE(text.find("[>") != std::string::npos || text.find("=>") != std::string::npos)
      << "no progress bar\n"
      << text;
  EXPECT_NE(text.find('\r'), std::string::npos);
  EXPECT_NE(text.find("done "), std::string::npos);
}

TEST_F(TerminalTest, NoColorAndDumbTerminalsAreObeyed) {
  for (const std::string wish : {"NO_COLOR=1", "TERM=dumb"}) {
    const std::string text = output_on_terminal(train(0, {wish}));
    EXPECT_EQ(text.find(kColour), std::string::npos) << wish;
    EXPECT_NE(text.find("done "), std::string::npos) << wish;
    // A dumb terminal cannot go back in its line: each end of a line is one of \r and \n.
    const auto returns = std::ranges::count(text, '\r');
    const bool redrawn = returns > std::ranges::count(text, '\n');
    EXPECT_EQ(redrawn, wish == "NO_COLOR=1") << wish;
  }
}

TEST_F(TerminalTest, AFileGetsPlainLines) {
  for (const int ranks :
       {0, 2}) {  // mpirun gives its ranks a terminal of 0 x 0 whatever its own output is
    const Outcome outcome = run(train(ranks, {"TERM=xterm", "NO_COLOR="}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find(kEscape), std::string::npos) << ranks << " ranks\n" << outcome.out;
    EXPECT_EQ(outcome.out.find('\r'), std::string::npos) << ranks << " ranks\n" << outcome.out;
    EXPECT_NE(outcome.out.find("done "), std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(TerminalTest, APipeGetsPlainLines) {
  Command command = train(0, {"TERM=xterm", "NO_COLOR="});
  std::string line;
  for (const std::string& argument : command.arguments) line += "'" + argument + "' ";
  command.arguments = {"/bin/sh", "-c", line + "| cat"};
  const Outcome outcome = run(command);
  EXPECT_NE(outcome.out.find("done "), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out.find(kEscape), std::string::npos) << outcome.out;
}

TEST_F(TerminalTest, TheLogOfTheRunIsPlain) {
  output_on_terminal(train(0, {"TERM=xterm", "NO_COLOR="}));
  const std::string log = read_text(directory_ / "runs/config/log.txt");
  EXPECT_NE(log.find("done "), std::string::npos);
  EXPECT_EQ(log.find(kEscape), std::string::npos);
}

// A line of its own, or a command to the terminal.
TEST_F(TerminalTest, NamesForgeNothing) {
  const std::string name = "e\x1b[2J\xC2\x9B\nforged";
  const std::string shown = "e\\x1b[2J\\x9b\\nforged";
  Command command =
      command_in(directory_, 0, {"train", "config.toml", "--run-dir", name, "--max-steps", "40"});
  const Outcome trained = run(command);
  EXPECT_EQ(trained.code, 75) << trained.err;
  const Outcome inspected =
      run(command_in(directory_, 0, {"inspect", name + "/checkpoints/latest.h5"}));
  EXPECT_EQ(inspected.code, 0) << inspected.err;
  const Outcome refused = run(command_in(
      directory_, 0, {"eval", name + "/checkpoints/latest.h5", "--data", name + ".csv"}));
  EXPECT_EQ(refused.code, 66);
  for (const std::string& text :
       {trained.out, inspected.out, refused.err, read_text(directory_ / name + "/log.txt")}) {
    EXPECT_NE(text.find(shown), std::string::npos) << text;
    EXPECT_EQ(text.find_first_of("\x1b\x9B"), std::string::npos) << text;
    EXPECT_EQ(text.find("\nforged"), std::string::npos) << text;
  }
}

TEST_F(TerminalTest, WhatANetworkWritesIsDataButNotForATerminal) {
  const std::string line = "a\x1b[2Jb\tc\n";
  std::string text;
  for (int i = 0; i < 40; ++i) text += line;
  directory_.write("text.txt", text);
  directory_.write("text.toml", R"(
[run]
steps = 2
[data]
type = "text"
train = "text.txt"
context = 8
batch = 8
[[layer]]
type = "embedding"
symbols = "vocab"
dim = 4
[[layer]]
type = "linear"
out = "vocab"
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)");
  const Outcome trained = run(command_in(directory_, 0, {"train", "text.toml"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  Command command = command_in(
      directory_, 0,
      {"generate", "runs/text/checkpoints/latest.h5", "--prompt", line, "--length", "9"});
  const Outcome piped = run(command);
  EXPECT_TRUE(piped.out.starts_with(line)) << piped.out << piped.err;
  const std::string seen = output_on_terminal(command);
  EXPECT_NE(seen.find("a\\x1b[2Jb"), std::string::npos) << seen;
  EXPECT_EQ(seen.find(kEscape), std::string::npos) << seen;
}

TEST_F(TerminalTest, AClosedPipeDoesNotKillTheRun) {
  Command command = train(0);
  std::string line;
  for (const std::string& argument : command.arguments) line += "'" + argument + "' ";
  command.arguments = {"/bin/sh", "-c", line + "| head -1"};
  run(command);
  EXPECT_TRUE(wait_until(30, [&] {
    return read_text(directory_ / "runs/config/STATUS") == "done 0\n";
  })) << read_text(directory_ / "runs/config/STATUS");
}

}  // namespace
}  // namespace lockstep::system_test

#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/comm/agreement.hpp"

namespace lockstep::cli {

/// What a command works with beside its options.
struct Session {
  std::vector<std::string> arguments;  ///< the whole command line
  Facts told;         ///< the same as read, with the program: what all ranks are to be told alike
  std::ostream& out;  ///< shows nothing that a terminal would obey, as `err`
  std::ostream& err;
  std::ostream& raw;   ///< standard output as it is, for what draws on a terminal
  std::ostream& data;  ///< for what other programs read: as it is, unless a terminal shows it
};

/// The help of --accumulation, once --rounds, of the commands that use a trained network.
inline constexpr std::string_view kAccumulationHelp =
    "Gradient accumulation: rounds in which each rank computes its microbatches; more need less "
    "memory (default: 0, chosen for speed)";

/// One subcommand. Its members hold the values of its options.
class Command {
 public:
  virtual ~Command() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// One sentence for the list of commands.
  [[nodiscard]] virtual std::string_view summary() const = 0;
  /// A command line that works, the end of the help.
  [[nodiscard]] virtual std::string_view example() const = 0;
  virtual void add_options(CLI::App& app) = 0;
  /// The command line as `add_options` has it, of the one that people type.
  [[nodiscard]] virtual std::vector<std::string> spelled_out(
      std::vector<std::string> arguments) const {
    return arguments;
  }
  /// Does it, after the options were read.
  virtual ExitCode run(const Session& session) = 0;
};

std::unique_ptr<Command> train_command();
std::unique_ptr<Command> launch_command();
std::unique_ptr<Command> eval_command();
std::unique_ptr<Command> predict_command();
std::unique_ptr<Command> generate_command();
std::unique_ptr<Command> inspect_command();
std::unique_ptr<Command> export_command();
std::unique_ptr<Command> import_command();
std::unique_ptr<Command> scale_command();
std::unique_ptr<Command> bench_command();
std::unique_ptr<Command> verify_command();
std::unique_ptr<Command> data_command();
std::unique_ptr<Command> config_command();

/// All of them, in the order of the help: one row each.
[[nodiscard]] std::vector<std::unique_ptr<Command>> commands();

}  // namespace lockstep::cli

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ostream>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/mpi_program.hpp"
#include "cli/terminal.hpp"
#include "cli/text.hpp"
#include "lockstep/train/run.hpp"
#include "lockstep/train/signals.hpp"

namespace lockstep::cli {
namespace {

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double seconds_of(const std::string& text) {
  const auto interval = config::parse_interval(text);
  if (!interval || interval->unit != config::Interval::Unit::seconds || interval->value <= 0) {
    throw Error(ExitCode::usage,
                fmt::format("--max-time: '{}' is not a duration; examples: 90s, 45m, 1h50m", text));
  }
  return interval->value;
}

/// The command line less the options that a resume gives anew.
std::string command_to_resume(const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 4> kDropped = {"--resume", "--run-dir", "--max-steps",
                                                        "--max-time"};
  std::string command = "trainer";
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string option = arguments[i].substr(0, arguments[i].find('='));
    if (std::ranges::find(kDropped, option) == kDropped.end()) {
      command += " " + shell_quoted(arguments[i]);
    } else if (option == arguments[i]) {
      ++i;  // its value
    }
  }
  return command;
}

class Train : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "train"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Train a network as a configuration says";
  }
  [[nodiscard]] std::string_view example() const override {
    return "mpirun -np 2 trainer train scripts/configs/digits-mlp.toml --set run.epochs=2";
  }

  void add_options(CLI::App& app) override {
    app.add_option("CONFIG", request_.config_file, "Configuration file")
        ->type_name("FILE")
        ->required();
    app.add_option("--set", assignments_,
                   "Value that wins over the file, as in optimizer.lr=0.05; may be repeated "
                   "(default: none)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    app.add_option("--run-dir", request_.run_directory,
                   "Directory of the run (default: runs/NAME, or runs/NAME-2 ... if taken)")
        ->type_name("DIR");
    app.add_option("--resume", request_.resume,
                   "Checkpoint to go on from; auto: the newest good one of the run directory, a "
                   "fresh start if it has none (default: fresh start)")
        ->type_name("auto|FILE");
    app.add_option("--max-steps", request_.max_steps,
                   "Stop with a checkpoint after so many steps (default: no limit)")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    app.add_option("--max-time", max_time_,
                   "Stop with a checkpoint after so long, as in 1h50m (default: no limit)")
        ->type_name("DURATION");
    app.add_option("--seed", seed_, "Same as --set run.seed=N (default: as the file says)")
        ->type_name("N");
    app.add_option("--threads", threads_,
                   "Threads per rank, same as --set parallel.threads=N (default: as the file says)")
        ->type_name("N");
    app.add_option("--ranks-per-node", ranks_per_node_,
                   "Treat every N ranks of a machine as a node of their own, to try out the "
                   "exchange between nodes on one machine; sizes may differ, as in 3,5; changes no "
                   "bit (default: nodes are machines)")
        ->type_name("N,...");
    app.add_flag("--dry-run", request_.dry_run,
                 "Check everything, show the run, and leave (default: off)");
  }

  ExitCode run(const Session& session) override {
    request_.command_line = session.arguments;
    for (const std::string& assignment : assignments_) request_.overrides.push_back({assignment});
    if (!seed_.empty()) request_.overrides.push_back({"run.seed=" + seed_, "--seed"});
    if (!threads_.empty()) {
      request_.overrides.push_back({"parallel.threads=" + threads_, "--threads"});
    }
    if (!ranks_per_node_.empty()) {
      request_.ranks_per_node = counts_of("--ranks-per-node", ranks_per_node_);
    }
    if (!max_time_.empty()) request_.max_seconds = seconds_of(max_time_);
    catch_stop_signals();  // before MPI starts
    return run_on_ranks(
        [&](const Communicator& world) {
          Terminal terminal(session.out, session.err, standard_output_style(),
                            command_to_resume(session.arguments), wall_clock);
          return train(world, request_, terminal);
        },
        session.err);
  }

 private:
  RunRequest request_;
  std::vector<std::string> assignments_;
  std::string max_time_;
  std::string seed_;
  std::string threads_;
  std::string ranks_per_node_;
};

}  // namespace

std::unique_ptr<Command> train_command() { return std::make_unique<Train>(); }

}  // namespace lockstep::cli

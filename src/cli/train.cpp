#include <chrono>
#include <ostream>

#include "cli/command.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/text.hpp"
#include "cli/train_options.hpp"
#include "lockstep/run/run.hpp"
#include "lockstep/run/signals.hpp"

namespace lockstep::cli {
namespace {

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The command line less the options that a resume gives anew.
std::string command_to_resume(const std::vector<std::string>& arguments) {
  std::string command = "trainer";
  const std::vector<std::string> words =
      without_options({arguments.begin() + 1, arguments.end()},
                      {"--resume", "--run-dir", "--max-steps", "--max-time"});
  for (const std::string& word : words) command += " " + shell_quoted(word);
  return command;
}

/// What these give is compared when the configuration is read: it may be the same in other words,
/// and threads may differ.
Facts without(Facts told, std::initializer_list<const char*> options) {
  for (const char* option : options) told.erase(option);
  return told;
}

class Train : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "train"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Train the network of a configuration";
  }
  [[nodiscard]] std::string_view example() const override {
    return "mpirun -np 2 trainer train scripts/configs/digits-mlp.toml --set run.epochs=2";
  }

  void add_options(CLI::App& app) override { options_.add_to(app); }

  ExitCode run(const Session& session) override {
    const RunRequest request = options_.request(session.arguments);
    catch_stop_signals();  // before MPI starts
    never_wait(session.raw);
    never_wait(session.err);
    return run_on_ranks(
        without(session.told, {"CONFIG", "--set", "--seed", "--threads"}),
        [&](const Communicator& world) {
          Terminal terminal(session.raw, session.err, standard_output_style(),
                            command_to_resume(session.arguments), wall_clock);
          return train(world, request, terminal);
        },
        session.err);
  }

 private:
  TrainOptions options_;
};

}  // namespace

std::unique_ptr<Command> train_command() { return std::make_unique<Train>(); }

}  // namespace lockstep::cli

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ostream>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/launch/launch_plan.hpp"
#include "cli/launch/launch_session.hpp"
#include "cli/launch/mpirun.hpp"
#include "cli/output.hpp"
#include "cli/train_options.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep::cli {
namespace {

class LaunchCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "launch"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Start training on several ranks and restart it after failures";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer launch -np 2 train scripts/configs/digits-mlp.toml --set run.epochs=2";
  }

  void add_options(CLI::App& app) override {
    app.add_option("-n,--np", ranks_,
                   "Number of ranks, also spelled -np (default: one per processor, at most one per "
                   "microbatch; under Slurm, one per task)")
        ->type_name("N")
        ->check(CLI::Range(1, kMaxCount));
    CLI::Option* hosts =
        app.add_option("--hosts", hosts_,
                       "Machines and their slots, as in n1:2,n2:2 (default: this machine)")
            ->type_name("LIST");
    app.add_option("--hostfile", hostfile_, "Open MPI hostfile (default: this machine)")
        ->type_name("FILE")
        ->excludes(hosts);
    app.add_option("--max-restarts", max_restarts_,
                   "Give up after this many consecutive restarts without a new step (default: 3)")
        ->type_name("N")
        ->check(CLI::Range(0, kMaxCount));
    app.add_option("--mpirun", mpirun_, "MPI launcher (default: mpirun on PATH; srun under Slurm)")
        ->type_name("FILE");
    app.add_flag("--dry-run", dry_run_,
                 "Print the command that starts the ranks and exit (default: off)");
    app.require_subcommand(1);
    options_.add_to(*app.add_subcommand("train", "Train, with the options of trainer train"));
  }

  // An option of one letter is all that CLI11 knows: mpirun's -np would be -n with the value p.
  [[nodiscard]] std::vector<std::string> spelled_out(
      std::vector<std::string> arguments) const override {
    const std::size_t end = train_in(arguments);
    for (std::size_t i = 2; i < end; ++i) {
      if (arguments[i] == "-np") arguments[i] = "--np";
    }
    return arguments;
  }

  ExitCode run(const Session& session) override {
    refuse_mpi_job(name());
    const RunRequest run = options_.request(session.arguments);
    const config::Config config =
        config::parse(config::read_source(run.config_file), run.overrides, catalogue());
    LaunchSession launch({.train = run,
                          .words = {session.arguments.begin() +
                                        static_cast<std::ptrdiff_t>(train_in(session.arguments)),
                                    session.arguments.end()},
                          .name = config.run.name,
                          .resources = request(config),
                          .mpirun = mpirun_,
                          .max_restarts = max_restarts_},
                         session.raw, session.err);
    if (dry_run_) {
      session.out << launch.line() << "\n" << std::flush;
      return ExitCode::ok;
    }
    never_wait(session.raw);
    never_wait(session.err);
    return launch.run();
  }

 private:
  /// Where the training's own words begin, "train" first.
  static std::size_t train_in(const std::vector<std::string>& arguments) {
    constexpr std::array<std::string_view, 7> kWithValue = {
        "-n", "-np", "--np", "--hosts", "--hostfile", "--max-restarts", "--mpirun"};
    std::size_t i = 2;
    while (i < arguments.size() && arguments[i] != "train") {
      const bool has_value = std::ranges::find(kWithValue, arguments[i]) != kWithValue.end();
      i += has_value ? 2 : 1;
    }
    return std::min(i, arguments.size());
  }

  [[nodiscard]] LaunchRequest request(const config::Config& config) const {
    LaunchRequest request{.ranks = ranks_,
                          .threads = static_cast<int>(config.parallel.threads),
                          .processors = find_processors()};
    if (config.parallel.microbatches > 0) request.most_ranks = config.parallel.microbatches;
    if (!hosts_.empty()) request.hosts = hosts_of(hosts_);
    if (!hostfile_.empty()) request.hosts = hosts_in(hostfile_);
    return request;
  }

  int ranks_ = 0;
  std::string hosts_;
  std::string hostfile_;
  int max_restarts_ = 3;
  std::string mpirun_;
  bool dry_run_ = false;
  TrainOptions options_;
};

}  // namespace

std::unique_ptr<Command> launch_command() { return std::make_unique<LaunchCommand>(); }

}  // namespace lockstep::cli

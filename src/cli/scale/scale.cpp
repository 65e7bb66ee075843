#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <system_error>

#include "cli/assignments.hpp"
#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/launch/mpirun.hpp"
#include "cli/scale/scaling_experiment.hpp"
#include "cli/scale/scaling_table.hpp"
#include "cli/text.hpp"
#include "lockstep/comm/launcher.hpp"

namespace lockstep::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxExperiments = 10'000;

Error cannot_create(const fs::path& path, const std::string& why) {
  return {ExitCode::cannot_create, fmt::format("cannot create directory {}: {}\n  choose another: "
                                               "--out DIR",
                                               path.string(), why)};
}

/// A directory that nobody has written to: the one that is asked for, or runs/scale-NAME,
/// runs/scale-NAME-2, ...
fs::path fresh_directory(const std::string& requested, const std::string& name) {
  for (int number = 1; number <= kMaxExperiments; ++number) {
    const fs::path path =
        !requested.empty()
            ? fs::path(requested)
            : fs::path("runs") /
                  (number == 1 ? "scale-" + name : fmt::format("scale-{}-{}", name, number));
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw cannot_create(path, error.message());
    if (fs::is_empty(path, error) && !error) return path;
    if (error) throw cannot_create(path, error.message());
    if (!requested.empty()) throw cannot_create(path, "it is not empty, nothing was overwritten");
  }
  throw cannot_create("runs/scale-" + name, "it and all its successors are taken");
}

ScalingMode mode_of(const std::string& text) {
  if (text == "strong") return ScalingMode::strong;
  if (text == "weak") return ScalingMode::weak;
  throw Error(ExitCode::usage, fmt::format("--mode: '{}' is neither strong nor weak", text));
}

std::string command_text(const std::vector<std::string>& arguments) {
  std::string text = "trainer";
  for (std::size_t i = 1; i < arguments.size(); ++i) text += " " + shell_quoted(arguments[i]);
  return text;
}

class Scale : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "scale"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Measure how training scales with ranks and threads";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer scale scripts/configs/digits-mlp.toml --ranks 1,2 --repeat 2 --steps 10";
  }

  void add_options(CLI::App& app) override {
    app.add_option("CONFIG", request_.config_file, "Configuration file")
        ->type_name("FILE")
        ->required();
    app.add_option("--ranks", ranks_, "Rank counts to measure, as in 1,2,4,8")
        ->type_name("LIST")
        ->required();
    app.add_option("--threads", threads_, "Thread counts per rank to measure (default: 1)")
        ->type_name("LIST");
    app.add_option("--mode", mode_,
                   "strong: the same global batch for all; weak: the batch of the configuration on "
                   "each rank (default: strong)")
        ->type_name("strong|weak");
    add_count(app, "--repeat", request_.repeats, "Runs of each point (default: 5)");
    add_count(app, "--steps", request_.steps, "Timed steps of each run (default: 50)");
    app.add_option("--warmup", request_.warmup, "Untimed steps before them (default: 10)")
        ->type_name("N")
        ->check(CLI::Range(0, kMaxCount));
    app.add_option("--out", out_,
                   "New or empty directory for the results (default: runs/scale-NAME, or "
                   "runs/scale-NAME-2 ... if taken)")
        ->type_name("DIR");
    add_assignments(app, request_.assignments);
    app.add_option("--mpirun", request_.mpirun, "Open MPI's launcher (default: mpirun on PATH)")
        ->type_name("FILE");
    app.add_flag("--json", json_,
                 "Print one JSON object; progress goes to standard error (default: off)");
  }

  ExitCode run(const Session& session) override {
    refuse_mpi_job(name());
    request_.mode = mode_of(mode_);
    request_.ranks = counts_of("--ranks", ranks_);
    request_.threads = counts_of("--threads", threads_);
    ScalingPlan plan = plan_scaling(request_);
    prepare_for_mpirun(std::ranges::max(request_.ranks));
    const fs::path directory = fresh_directory(out_, plan.name);
    ScalingExperiment experiment(std::move(plan), directory, command_text(session.arguments),
                                 json_ ? session.err : session.out);
    const int stopped_by = experiment.run();
    return conclude(experiment, stopped_by, session);
  }

 private:
  template <typename Number>
  static void add_count(CLI::App& app, const char* option, Number& number, const char* text) {
    app.add_option(option, number, text)->type_name("N")->check(CLI::Range(1, kMaxCount));
  }

  /// Prints what is known and finds the exit code.
  ExitCode conclude(const ScalingExperiment& experiment, int stopped_by,
                    const Session& session) const {
    const ScalingReport report = experiment.report();
    const std::string directory = experiment.directory().string();
    if (json_) {
      session.out << scaling_json(experiment.plan(), report, directory) << std::flush;
    } else if (report.finished > 0) {
      session.out << fmt::format("\n{}page   {}/report.html\n", scaling_table(report), directory)
                  << std::flush;
    }
    if (!report.identical()) {
      throw Error(ExitCode::desync,
                  fmt::format("runs that must end in the same state did not; digest after {} "
                              "steps: {}\n  suspect memory, processor or libraries of the machine",
                              report.steps, digest_text(report)));
    }
    if (stopped_by == 0) return ExitCode::ok;
    session.err << fmt::format("trainer: stopped by {} after {} of {} runs\n",
                               stopped_by == SIGINT ? "SIGINT" : "SIGTERM", report.finished,
                               report.planned)
                << std::flush;
    return stopped_by == SIGINT ? ExitCode::by_sigint : ExitCode::by_sigterm;
  }

  ScalingRequest request_;
  std::string mode_ = "strong";
  std::string ranks_;
  std::string threads_ = "1";
  std::string out_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> scale_command() { return std::make_unique<Scale>(); }

}  // namespace lockstep::cli

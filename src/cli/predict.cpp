#include <fmt/format.h>

#include <iostream>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output_file.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/train/inference.hpp"

namespace lockstep::cli {
namespace {

class Predict : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "predict"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Write the predictions of a checkpoint as CSV";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer predict runs/digits-mlp/checkpoints/best.h5 --data datasets/digits.csv.gz "
           "--out predictions.csv";
  }

  void add_options(CLI::App& app) override {
    app.add_option("CHECKPOINT", request_.checkpoint, "Checkpoint file")
        ->type_name("FILE")
        ->required();
    CLI::Option* data = app.add_option("--data", request_.data,
                                       "Inputs, in a format that the run could read (default: "
                                       "none, needed without --stream)")
                            ->type_name("FILE");
    CLI::Option* out = app.add_option("--out", request_.out,
                                      "CSV file to write (default: none, needed without --stream)")
                           ->type_name("FILE");
    app.add_option("--rounds", request_.rounds, std::string(kRoundsHelp))
        ->check(whole_number(0))
        ->type_name("N");
    app.add_flag("--force", force_, "Replace the file if it exists (default: off)");
    app.add_flag("--stream", stream_,
                 "Read samples as 32-bit floats from standard input and answer each at once on "
                 "standard output, for a simulator or a robot; one rank (default: off)")
        ->excludes(data, out);
    app.callback([this] {
      if (stream_ || (!request_.data.empty() && !request_.out.empty())) return;
      throw CLI::RequiredError("--data and --out, or --stream,");
    });
  }

  ExitCode run(const Session& session) override {
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          if (stream_) return answer(world, session);
          on_root(world, [&] { check_output(request_.out, force_); });
          const PredictionSummary done = predict_checkpoint(world, request_);
          if (world.rank() == 0) {
            for (const std::string& note : done.notes) session.err << "note   " << note << "\n";
          }
          if (done.averaged && world.rank() == 0) {
            session.out << "note   predictions of the average of the weights\n" << std::flush;
          }
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  [[nodiscard]] ExitCode answer(const Communicator& world, const Session& session) const {
    together(world, [&] {
      if (world.size() == 1) return;
      throw Error(ExitCode::usage, fmt::format("--stream answers on one rank, {} were started\n"
                                               "  try: trainer predict without mpirun",
                                               world.size()));
    });
    predict_stream(world, request_.checkpoint, std::cin, session.out);
    return ExitCode::ok;
  }

  PredictRequest request_;
  bool force_ = false;
  bool stream_ = false;
};

}  // namespace

std::unique_ptr<Command> predict_command() { return std::make_unique<Predict>(); }

}  // namespace lockstep::cli

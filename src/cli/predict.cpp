#include <fmt/format.h>

#include <iostream>

#include "cli/checkpoint_option.hpp"
#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output.hpp"
#include "cli/output_file.hpp"
#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/infer/inference.hpp"

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
    add_checkpoint(app, request_.checkpoint);
    CLI::Option* data =
        app.add_option(
               "--data", request_.data,
               "Inputs, in any format of training data, with or without targets (default: none)")
            ->type_name("PATH");
    CLI::Option* labels =
        app.add_option("--labels", request_.labels,
                       "Targets of --data, for formats with separate label files (default: none)")
            ->type_name("FILE")
            ->needs(data);
    CLI::Option* held_out =
        app.add_flag("--held-out", request_.held_out, std::string(kHeldOutHelp));
    CLI::Option* out = app.add_option("--out", request_.out,
                                      "CSV file to write; - is standard output (default: none, "
                                      "needed without --stream)")
                           ->type_name("FILE");
    CLI::Option* sort =
        app.add_option("--sort", sort_,
                       "Order of the rows: as in the data, or mistakes first: the most confident "
                       "ones, or for regression the largest errors. Samples of masks and sequences "
                       "stay whole, ordered by their worst position (default: data)")
            ->type_name("ORDER")
            ->check(CLI::IsMember({"data", "mistakes"}));
    app.add_flag("--old-columns", request_.old_columns,
                 "Write the columns of earlier versions: label, name, p0, p1, ... or y0, y1, ... "
                 "(default: off)");
    app.add_option("--accumulation,--rounds", request_.rounds, std::string(kAccumulationHelp))
        ->check(whole_number(0))
        ->type_name("N");
    app.add_flag("--force", force_, "Replace the file if it exists (default: off)");
    app.add_flag(
           "--stream", stream_,
           "Read samples from standard input and write each prediction to standard output at once, "
           "for a simulator or a robot. A sample is 32-bit floats in native byte order, ordered by "
           "row, column, channel, in the units of the raw data; runs on one rank (default: off)")
        ->excludes(data)
        ->excludes(labels)
        ->excludes(held_out)
        ->excludes(out)
        ->excludes(sort);
    app.callback([this] {
      const bool has_data = !request_.data.empty() || request_.held_out;
      if (stream_ || (has_data && !request_.out.empty())) return;
      throw CLI::RequiredError("--data or --held-out with --out, or --stream,");
    });
  }

  ExitCode run(const Session& session) override {
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          if (stream_) return answer(world, session);
          request_.mistakes_first = sort_ == "mistakes";
          run_on_root(world, [&] { check_table(); });
          const PredictionSummary done = predict_checkpoint(world, request_, session.data);
          if (world.rank() == 0) tell(done, session);
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  void check_table() const {
    if (request_.out == "-") return;
    check_output(request_.out, force_, {request_.checkpoint, request_.data, request_.labels});
    check_suffix(request_.out, "predict", "CSV", {"csv", "txt"});
  }

  // Standard output is for the table alone if it goes there.
  void tell(const PredictionSummary& done, const Session& session) const {
    tell_checkpoint(request_.checkpoint, done.checkpoint, session.err);
    std::vector<std::string> notes = done.notes;
    if (!done.why_unanswered.empty()) {
      notes.push_back("no column truth: the answers are not known: " + done.why_unanswered);
    }
    if (done.averaged) notes.emplace_back("predictions of the average of the weights");
    tell_notes(notes, session.err);
    if (request_.out == "-") return;
    session.out << fmt::format("wrote {}: predictions of {}\n", printable(request_.out),
                               plural(static_cast<std::uint64_t>(done.samples), "sample"))
                << std::flush;
  }

  [[nodiscard]] ExitCode answer(const Communicator& world, const Session& session) const {
    fail_together(world, [&] {
      if (world.size() == 1) return;
      throw Error(ExitCode::usage, fmt::format("--stream answers on one rank, {} were started\n"
                                               "  try: trainer predict without mpirun",
                                               world.size()));
    });
    predict_stream(
        world, request_.checkpoint, request_.old_columns, std::cin,
        [&](const std::string& file, const std::vector<std::string>& notes) {
          tell_checkpoint(request_.checkpoint, file, session.err);
          tell_notes(notes, session.err);
        },
        [&](std::string_view rows) { write_or_leave(session.data, rows); });
    return ExitCode::ok;
  }

  PredictRequest request_;
  std::string sort_ = "data";
  bool force_ = false;
  bool stream_ = false;
};

}  // namespace

std::unique_ptr<Command> predict_command() { return std::make_unique<Predict>(); }

}  // namespace lockstep::cli

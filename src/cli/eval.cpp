#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/command.hpp"
#include "cli/mpi_program.hpp"
#include "cli/text.hpp"
#include "lockstep/train/inference.hpp"

namespace lockstep::cli {
namespace {

std::string result_text(const EvalEvent& result) {
  std::string text = fmt::format("{}  {} samples", result.split, thousands(result.samples));
  for (const Metric& metric : result.metrics) {
    text += "  " + metric_text(metric.name, metric.value);
  }
  return text + fmt::format("  (step {}, epoch {:.2f})  {}\n", thousands(result.step), result.epoch,
                            duration(result.seconds));
}

std::string result_json(const std::string& checkpoint, const EvalEvent& result) {
  nlohmann::ordered_json json = {{"checkpoint", checkpoint},
                                 {"step", result.step},
                                 {"epoch", result.epoch},
                                 {"split", result.split},
                                 {"samples", result.samples}};
  for (const Metric& metric : result.metrics) json[std::string(metric.name)] = metric.value;
  json["seconds"] = result.seconds;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

class Eval : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "eval"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Judge a checkpoint on validation data";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer eval runs/digits-mlp/checkpoints/best.h5";
  }

  void add_options(CLI::App& app) override {
    app.add_option("CHECKPOINT", checkpoint_, "Checkpoint file")->type_name("FILE")->required();
    app.add_option("--data", data_, "Samples (default: the validation data of the run)")
        ->type_name("FILE");
    CLI::Option* data = app.get_option("--data");
    app.add_option("--labels", labels_,
                   "Labels of --data, for formats that keep them apart (default: none)")
        ->type_name("FILE")
        ->needs(data);
    app.add_flag("--json", json_, "Print one JSON object (default: off)");
  }

  ExitCode run(const Session& session) override {
    return run_on_ranks(
        [&](const Communicator& world) {
          const EvalEvent result = evaluate_checkpoint(world, checkpoint_, data_, labels_);
          if (world.rank() == 0) {
            session.out << (json_ ? result_json(checkpoint_, result) : result_text(result))
                        << std::flush;
          }
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  std::string checkpoint_;
  std::string data_;
  std::string labels_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> eval_command() { return std::make_unique<Eval>(); }

}  // namespace lockstep::cli

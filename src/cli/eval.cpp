#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/checkpoint_option.hpp"
#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/mpi_program.hpp"
#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/infer/inference.hpp"

namespace lockstep::cli {
namespace {

std::string result_text(const EvalEvent& result, bool averaged) {
  std::string text =
      fmt::format("{}  {} samples", printable(result.split), thousands(result.samples));
  for (const Metric& metric : result.metrics) {
    text += "  " + metric_text(metric.name, metric.value);
  }
  return text + fmt::format("  (step {}, epoch {:.2f}{})  {}\n", thousands(result.step),
                            result.epoch, averaged ? ", average of the weights" : "",
                            duration(result.seconds));
}

constexpr Index kWidestMatrix = 30;        ///< classes
constexpr std::size_t kMostMatrices = 10;  ///< of yes-or-no questions

std::string count_or_dot(Index count) { return count == 0 ? "." : thousands(count); }

/// "3", or "3 dress" if the classes have names.
std::string class_text(Index label, const std::vector<std::string>& names) {
  const auto index = static_cast<std::size_t>(label);
  return index < names.size() ? fmt::format("{} {}", label, names[index])
                              : fmt::format("{}", label);
}

/// One row for each label, one column for each class that it was taken for.
std::string matrix_text(const ConfusionMatrix& matrix, const std::vector<std::string>& names) {
  std::vector<std::vector<std::string>> rows(1, {"label \\ predicted"});
  for (Index c = 0; c < matrix.classes; ++c) rows[0].push_back(fmt::format("{}", c));
  for (Index label = 0; label < matrix.classes; ++label) {
    rows.push_back({class_text(label, names)});
    for (Index c = 0; c < matrix.classes; ++c) {
      rows.back().push_back(count_or_dot(matrix.at(label, c)));
    }
  }
  return table(rows, std::vector<bool>(rows[0].size(), false));
}

std::vector<std::string> figures_row(const std::string& name, const ClassFigures& f) {
  const auto share = [](double value) { return std::isnan(value) ? "-" : percent(value); };
  return {name, thousands(f.samples), share(f.precision), share(f.recall), share(f.f1)};
}

std::string confusion_text(const ConfusionMatrix& matrix, const std::vector<std::string>& names) {
  const std::vector<ClassFigures> figures = class_figures(matrix);
  std::vector<std::vector<std::string>> rows{{"class", "samples", "precision", "recall", "F1"}};
  for (std::size_t c = 0; c < figures.size(); ++c) {
    rows.push_back(figures_row(class_text(static_cast<Index>(c), names), figures[c]));
  }
  rows.push_back(figures_row("mean", mean_figures(figures)));
  const std::string counts =
      matrix.classes <= kWidestMatrix
          ? matrix_text(matrix, names)
          : fmt::format("  the matrix of {} classes is in the output of --json\n", matrix.classes);
  return "\n" + counts + "\n" + table(rows, std::vector<bool>(rows[0].size(), false));
}

nlohmann::ordered_json figures_json(const ClassFigures& f) {
  return {{"samples", f.samples},
          {"predicted", f.predicted},
          {"precision", f.precision},
          {"recall", f.recall},
          {"f1", f.f1}};
}

void add_confusion(const ConfusionMatrix& matrix, nlohmann::ordered_json& json) {
  const std::vector<ClassFigures> figures = class_figures(matrix);
  for (const ClassFigures& f : figures) json["classes"].push_back(figures_json(f));
  json["class_mean"] = figures_json(mean_figures(figures));
  for (Index label = 0; label < matrix.classes; ++label) {
    const auto row = matrix.counts.begin() + label * matrix.classes;
    json["confusion"].push_back(std::vector<Index>(row, row + matrix.classes));
  }
}

std::string result_json(const Evaluation& evaluation) {
  const EvalEvent& result = evaluation.event;
  nlohmann::ordered_json json = {{"checkpoint", evaluation.checkpoint},
                                 {"step", result.step},
                                 {"epoch", result.epoch},
                                 {"split", result.split},
                                 {"samples", result.samples},
                                 {"averaged", evaluation.averaged}};
  for (const Metric& metric : result.metrics) json[metric.name] = metric.value;
  if (!evaluation.class_names.empty()) json["class_names"] = evaluation.class_names;
  if (evaluation.yes_or_no) {
    for (const ConfusionMatrix& matrix : evaluation.confusion) {
      add_confusion(matrix, json["outputs"].emplace_back());
    }
  } else if (!evaluation.confusion.empty()) {
    add_confusion(evaluation.confusion.front(), json);
  }
  json["seconds"] = result.seconds;
  return printable_json(
             json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
         "\n";
}

/// What the labels mean, and which of several questions a matrix is of.
std::string all_confusion_text(const Evaluation& result) {
  if (!result.yes_or_no) return confusion_text(result.confusion.front(), result.class_names);
  std::string text;
  for (std::size_t i = 0; i < std::min(result.confusion.size(), kMostMatrices); ++i) {
    if (result.confusion.size() > 1) text += fmt::format("\noutput {}\n", i);
    text += confusion_text(result.confusion[i], {"no", "yes"});
  }
  if (result.confusion.size() > kMostMatrices) {
    text += fmt::format("\n  the matrices of all {} outputs are in the output of --json\n",
                        result.confusion.size());
  }
  return text;
}

std::string full_text(const Evaluation& result) {
  return result_text(result.event, result.averaged) +
         (result.confusion.empty() ? std::string() : all_confusion_text(result));
}

class Eval : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "eval"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Evaluate a checkpoint on validation data";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer eval runs/digits-mlp/checkpoints/best.h5";
  }

  void add_options(CLI::App& app) override {
    add_checkpoint(app, request_.checkpoint);
    app.add_option("--data", request_.data,
                   "Samples to evaluate on (default: the validation data of the run)")
        ->type_name("FILE");
    CLI::Option* data = app.get_option("--data");
    app.add_option("--labels", request_.labels,
                   "Labels of --data, for formats with separate label files (default: none)")
        ->type_name("FILE")
        ->needs(data);
    app.add_flag("--held-out", request_.held_out, std::string(kHeldOutHelp));
    app.add_option("--accumulation,--rounds", request_.rounds, std::string(kAccumulationHelp))
        ->check(whole_number(0))
        ->type_name("N");
    app.add_flag("--confusion", request_.confusion,
                 "Also print the confusion matrix with precision and recall of each class; for "
                 "binary_cross_entropy, of no and yes for each output (default: off)");
    app.add_flag("--json", json_, "Print one JSON object (default: off)");
  }

  ExitCode run(const Session& session) override {
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          const Evaluation result = evaluate_checkpoint(world, request_);
          if (world.rank() == 0) {
            tell_checkpoint(request_.checkpoint, result.checkpoint, session.err);
            tell_notes(result.notes, session.err);
            session.out << (json_ ? result_json(result) : full_text(result)) << std::flush;
          }
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  EvalRequest request_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> eval_command() { return std::make_unique<Eval>(); }

}  // namespace lockstep::cli

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/checkpoint_option.hpp"
#include "cli/checkpoint_summary.hpp"
#include "cli/command.hpp"
#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"
#include "run/graph_json.hpp"

namespace lockstep::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The layers that the file describes.
/// Errors: bad_data if the description is damaged.
Json layers_of(const CheckpointSummary& summary) {
  try {
    Json layers = parse_graph(summary.info.graph).at("layers");
    for (const Json& layer : layers) {
      static_cast<void>(layer.at("name").get<std::string>());
      static_cast<void>(layer.at("type").get<std::string>());
      static_cast<void>(layer.at("output").get<std::array<Index, 3>>());
    }
    return layers;
  } catch (const Json::exception& error) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: /config/graph: {}", summary.file, error.what()));
  }
}

std::string layers_text(const CheckpointSummary& summary) {
  std::vector<std::vector<std::string>> rows = {{"#", "layer", "type", "output"}};
  for (const Json& layer : layers_of(summary)) {
    const auto output = layer.at("output").get<std::array<Index, 3>>();
    rows.push_back({fmt::format("{}", rows.size() - 1), layer.at("name"), layer.at("type"),
                    shape_text(Shape{output[0], output[1], output[2]})});
  }
  return table(rows, {false, true, true, false});
}

std::string tensors_text(const std::vector<TensorSummary>& tensors) {
  std::vector<std::vector<std::string>> rows = {
      {"tensor", "shape", "norm", "min", "max", "non-finite", "digest"}};
  for (const TensorSummary& t : tensors) {
    rows.push_back({t.name, shape_text(t.shape), significant(t.norm), significant(t.minimum),
                    significant(t.maximum), thousands(t.nonfinite), t.digest.substr(0, 8)});
  }
  return table(rows, {true, true, false, false, false, false, true});
}

std::uint64_t numbers_in(const std::vector<TensorSummary>& tensors) {
  std::uint64_t count = 0;
  for (const TensorSummary& tensor : tensors) count += tensor.count;
  return count;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  const auto count = static_cast<std::ptrdiff_t>(std::min(names.size(), kMost));
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + count, ", "),
                     names.size() > kMost ? ", ..." : "");
}

std::string summary_text(const CheckpointSummary& s) {
  std::string text = fmt::format("{}\n", printable(s.file));
  text += fmt::format("format     checkpoint {}, {} bytes, seal intact, written by trainer {}\n",
                      s.version, thousands(s.bytes), printable(s.writer));
  text += fmt::format("position   step {}, {} done\n", thousands(s.info.step),
                      plural(s.epoch, "epoch"));
  text += fmt::format("run        seed {}, batch {} global, {} microbatches\n", s.info.seed,
                      thousands(s.info.batch), s.info.microbatches);
  text += fmt::format("state      digest {}\n", printable(s.state_digest));
  if (!s.info.class_names.empty()) {
    text += fmt::format("classes    {}: {}\n", s.info.class_names.size(),
                        printable(listed(s.info.class_names)));
  }
  if (s.info.columns.known()) {
    text += fmt::format("columns    {}: {}; target {}\n", s.info.columns.inputs.size(),
                        printable(listed(s.info.columns.inputs)), printable(s.info.columns.target));
  }
  std::string row;
  for (const HistoryColumn& c : s.last_row) {
    const bool counts = c.name == "step" || c.name == "epoch";
    row += "  " + printable(counts ? fmt::format("{} {}", c.name, c.values[0])
                                   : metric_text(c.name, c.values[0]));
  }
  if (!row.empty()) text += fmt::format("last row {}\n", row);
  text +=
      fmt::format("\nmodel      {}, {} parameters, input {}\n{}", plural(s.model.size(), "tensor"),
                  thousands(numbers_in(s.model)), shape_text(s.info.input), tensors_text(s.model));
  text += fmt::format("\noptimizer  {}, {}\n", printable(s.info.optimizer),
                      plural(s.optimizer.size(), "tensor"));
  return s.optimizer.empty() ? text : text + tensors_text(s.optimizer);
}

Json tensors_json(const std::vector<TensorSummary>& tensors) {
  Json list = Json::array();
  for (const TensorSummary& t : tensors) {
    list.push_back({{"name", t.name},
                    {"shape", t.shape},
                    {"norm", t.norm},
                    {"min", t.minimum},
                    {"max", t.maximum},
                    {"nonfinite", t.nonfinite},
                    {"digest", t.digest}});
  }
  return list;
}

Json summary_json(const CheckpointSummary& s) {
  Json history = Json::object();
  for (const HistoryColumn& column : s.last_row) history[column.name] = column.values[0];
  Json json = {{"file", s.file},
               {"bytes", s.bytes},
               {"format_version", s.version},
               {"lockstep_version", s.writer},
               {"step", s.info.step},
               {"epoch", s.epoch},
               {"seed", s.info.seed},
               {"batch", s.info.batch},
               {"microbatches", s.info.microbatches},
               {"digest", s.state_digest},
               {"history", history},
               {"model", tensors_json(s.model)},
               {"optimizer", {{"type", s.info.optimizer}, {"tensors", tensors_json(s.optimizer)}}}};
  if (!s.info.class_names.empty()) json["class_names"] = s.info.class_names;
  if (s.info.columns.known()) {
    json["columns"] = {{"inputs", s.info.columns.inputs}, {"target", s.info.columns.target}};
  }
  return json;
}

class Inspect : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "inspect"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Check a checkpoint and show its contents";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer inspect runs/digits-mlp/checkpoints/latest.h5 --layers --verify";
  }

  void add_options(CLI::App& app) override {
    add_checkpoint(app, file_);
    app.add_flag("--layers", layers_, "Show the layers and their shapes (default: off)");
    app.add_flag("--verify", verify_,
                 "Also verify the digest of each tensor (default: only that of the file)");
    app.add_flag("--json", json_, "Print one JSON object (default: off)");
  }

  ExitCode run(const Session& session) override {
    const CheckpointSummary summary = summarize_checkpoint(file_);
    tell_checkpoint(file_, summary.file, session.err);
    tell_notes(summary.notes, session.err);
    if (verify_) verify_digests(summary);
    std::string text;
    if (json_) {
      Json json = summary_json(summary);
      if (layers_) json["layers"] = layers_of(summary);
      if (verify_) json["verified"] = true;
      text = printable_json(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
    } else {
      text = summary_text(summary);
      if (layers_) text += "\n" + layers_text(summary);
      if (verify_) {
        text += fmt::format("\nverified   the digests of all {} tensors\n",
                            summary.model.size() + summary.optimizer.size());
      }
    }
    session.out << text << std::flush;
    return ExitCode::ok;
  }

 private:
  std::string file_;
  bool layers_ = false;
  bool verify_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> inspect_command() { return std::make_unique<Inspect>(); }

}  // namespace lockstep::cli

#include "lockstep/infer/inference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <istream>
#include <limits>
#include <ostream>

#include "infer/model_data.hpp"
#include "infer/prediction_table.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/infer/trained_model.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/inverse_variances.hpp"

namespace lockstep {
namespace {

/// Samples whose rows are made into text at a time.
constexpr std::size_t kChunk = std::size_t{1} << 20;

OutputMeaning meaning_of(const TrainedModel& model) {
  return {model.loss->outputs(), model.network->output_shape(), model.checkpoint.targets,
          model.checkpoint.info.class_names};
}

void check_confusion(const TrainedModel& model) {
  if (model.loss->outputs() != Outputs::values) return;
  throw AgreedError(ExitCode::usage, fmt::format("{} learned by {}, which knows no classes\n"
                                                 "  try: trainer eval without --confusion",
                                                 model.file, model.loss->type()));
}

// Means are over what counts.
void require_answers(const Samples& samples) {
  if (samples.counted(samples.size(), samples.ignored()) > 0) return;
  throw Error(ExitCode::bad_data, fmt::format("{}: no label counts: all are data.ignore_label",
                                              samples.data->targets_name()));
}

// The data that only the checkpoint names is not overwritten either.
void check_out(const std::string& out, const ModelData& data) {
  if (out == "-" || !file_exists(out) || same_file(out, data.path).empty()) return;
  throw Error(ExitCode::cannot_create,
              fmt::format("--out {} is an input, {}: nothing was written", out, data.path));
}

std::vector<std::string> all_notes(const TrainedModel& model, const ModelData& data) {
  std::vector<std::string> notes = model.notes;
  notes.insert(notes.end(), data.notes.begin(), data.notes.end());
  return notes;
}

// Where the numbers of a channel lie, floats are |offset| 2^-23 apart, about; that is to be little
// against their standard deviation.
void require_floats_suffice(const TrainedModel& model) {
  constexpr double kCoarse = 0.01;  // standard deviations
  const Normalization& inputs = model.checkpoint.inputs;
  for (std::size_t c = 0; c < inputs.offset.size(); ++c) {
    const double scale = inputs.inverse_std.empty() ? 1 : double{inputs.inverse_std[c]};
    const double spacing = std::abs(inputs.offset[c]) * std::numeric_limits<float>::epsilon();
    if (spacing * scale <= kCoarse) continue;
    throw Error(
        ExitCode::bad_data,
        fmt::format("--stream: 32-bit floats lose the digits of input channel {} of this "
                    "network: its numbers are about {}, where floats are {:.2g} apart, and "
                    "their standard deviation is {:.2g}\n"
                    "  try: trainer predict --data FILE, a file with 64-bit numbers or text",
                    c, inputs.offset[c], spacing, 1 / scale));
  }
}

// Of the table; `write` gets it piece by piece.
void write_table(const PredictionTable& table, std::span<const Real> predictions, Index samples,
                 bool mistakes_first, const std::function<void(std::string_view)>& write) {
  const std::size_t width = predictions.size() / static_cast<std::size_t>(samples);
  std::vector<Index> order;
  if (mistakes_first) order = table.mistakes_first(predictions);
  std::string text = table.header();
  for (Index i = 0; i < samples; ++i) {
    const Index sample = mistakes_first ? order[static_cast<std::size_t>(i)] : i;
    const auto at = static_cast<std::size_t>(sample) * width;
    text += table.rows(predictions.subspan(at, width), sample);
    if (text.size() < kChunk) continue;
    write(text);
    text.clear();
  }
  write(text);
}

}  // namespace

Evaluation evaluate_checkpoint(const Communicator& all, const EvalRequest& request) {
  const Topology topology(all);
  const Communicator& world = topology.ranks();
  const TrainedModel model = load_model(world, request.checkpoint, request.rounds);
  if (request.confusion) check_confusion(model);
  const CheckpointInfo& info = model.checkpoint.info;
  const double begin = now_seconds();
  ModelData data =
      load_for(topology, model,
               {.path = request.data, .labels = request.labels, .held_out = request.held_out});
  measure_answers(data.samples, *model.loss, model.network->output_shape());
  fail_together(world, [&] { require_answers(data.samples); });
  Evaluator evaluator(world, *model.network, info.batch, info.microbatches, request.rounds);
  Evaluation evaluation;
  evaluation.checkpoint = model.file;
  evaluation.notes = all_notes(model, data);
  evaluation.averaged = model.averaged;
  evaluation.yes_or_no = model.loss->outputs() == Outputs::logits;
  evaluation.class_names = info.class_names;
  const MetricSums sums =
      evaluator.evaluate(model.checkpoint.parameters.span(), *model.loss, data.samples,
                         request.confusion ? &evaluation.confusion : nullptr);
  EvalEvent event;
  event.split = request.data.empty() ? "val" : request.data;
  if (request.held_out && !request.data.empty()) event.split += " (held out)";
  event.step = info.step;
  event.epoch = static_cast<double>(info.step) / static_cast<double>(info.steps_per_epoch);
  event.samples = data.samples.size();
  event.metrics =
      model.loss->metrics(sums, data.samples.counted(event.samples, data.samples.ignored()),
                          model.network->output_shape());
  event.seconds = now_seconds() - begin;
  evaluation.event = event;
  return evaluation;
}

PredictionSummary predict_checkpoint(const Communicator& all, const PredictRequest& request,
                                     std::ostream& out) {
  const Topology topology(all);
  const Communicator& world = topology.ranks();
  const TrainedModel model = load_model(world, request.checkpoint, request.rounds);
  ModelData data = load_for(topology, model,
                            {.path = request.data,
                             .labels = request.labels,
                             .held_out = request.held_out,
                             .answered = false});
  run_on_root(world, [&] { check_out(request.out, data); });
  const Samples told = data.samples;
  const CheckpointInfo& info = model.checkpoint.info;
  Evaluator evaluator(world, *model.network, info.batch, info.microbatches, request.rounds);
  if (request.mistakes_first && !told.answered) {
    throw AgreedError(ExitCode::usage, fmt::format("--sort mistakes: the answers are not known: {}",
                                                   broadcast_text(world, data.why_unanswered)));
  }
  data.samples.answered = false;
  const std::vector<Real> predictions =
      evaluator.predict(model.checkpoint.parameters.span(), data.samples);
  run_on_root(world, [&] {
    const Origins origins(told, data.path);
    const PredictionTable table(meaning_of(model), &origins, request.old_columns);
    std::string text;
    write_table(table, predictions, told.size(), request.mistakes_first,
                [&](std::string_view part) {
                  if (request.out != "-") {
                    text += part;
                  } else {
                    out << part << std::flush;  // whoever owns the stream looks at its state
                  }
                });
    if (request.out != "-") write_atomically(request.out, std::as_bytes(std::span(text)));
  });
  return {.checkpoint = model.file,
          .averaged = model.averaged,
          .samples = told.size(),
          .why_unanswered = data.why_unanswered,
          .notes = all_notes(model, data)};
}

void predict_stream(
    const Communicator& world, const std::string& checkpoint, bool old_columns, std::istream& in,
    const std::function<void(const std::string& file, const std::vector<std::string>& notes)>& tell,
    const std::function<void(std::string_view)>& write) {
  const TrainedModel model = load_model(world, checkpoint);
  tell(model.file, model.notes);
  require_floats_suffice(model);
  const PredictionTable table(meaning_of(model), nullptr, old_columns);
  Evaluator evaluator(world, *model.network, 1, 1);
  Dataset data("standard input", {.shape = model.network->input_shape(), .size = 1});
  const std::span<std::byte> bytes = std::as_writable_bytes(data.float_inputs());
  const Samples samples{.data = &data,
                        .subset = Subset::whole(1),
                        .inputs = &model.checkpoint.inputs,
                        .targets = &model.checkpoint.targets,
                        .answered = false};
  write(table.header());
  for (Index number = 0; in.peek() != std::istream::traits_type::eof(); ++number) {
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::size_t>(in.gcount()) != bytes.size()) {
      throw Error(ExitCode::bad_data,
                  fmt::format("standard input: sample {} has {} bytes, expected {} ({} floats)",
                              number, in.gcount(), bytes.size(), data.shape().size()));
    }
    const auto wrong =
        std::ranges::find_if_not(data.float_inputs(), [](float x) { return std::isfinite(x); });
    if (wrong != data.float_inputs().end()) {
      throw Error(ExitCode::bad_data,
                  fmt::format("standard input: sample {} has {} as number {}", number, *wrong,
                              wrong - data.float_inputs().begin()));
    }
    const std::size_t channels = static_cast<std::size_t>(data.shape().channels);
    const std::span<float> numbers = data.float_inputs();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = model.checkpoint.inputs.stored(static_cast<double>(numbers[i]), i % channels);
    }
    check_inputs(data, model.checkpoint.inputs, *model.network,
                 model.checkpoint.info.vocabulary.size());
    const std::vector<Real> prediction =
        evaluator.predict(model.checkpoint.parameters.span(), samples);
    write(table.rows(prediction, number));
  }
}

}  // namespace lockstep

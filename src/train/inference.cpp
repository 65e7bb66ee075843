#include "lockstep/train/inference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <istream>
#include <ostream>

#include "lockstep/base/clock.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/train/data_sets.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/inverse_variances.hpp"
#include "lockstep/train/trained_model.hpp"
#include "train/prediction_table.hpp"

namespace lockstep {
namespace {

void check_shape(const Dataset& data, const TrainedModel& model) {
  const Shape expected = model.network->input_shape();
  const Shape found = data.shape();
  if (found == expected) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: samples of {} x {} x {} (height, width, channels), but the network "
                          "was trained on {} x {} x {}",
                          data.name(), found.height, found.width, found.channels, expected.height,
                          expected.width, expected.channels));
}

// Before the network and the loss meet them: symbols and answers that they do not know.
void check_contents(const Dataset& data, const TrainedModel& model, bool with_answers = true) {
  const Index vocabulary = model.checkpoint.info.vocabulary.size();
  check_inputs(data, model.checkpoint.inputs, *model.network, vocabulary);
  if (with_answers) check_targets(data, *model.network, model.loss->outputs(), vocabulary);
}

SharedDataset load_checked(const Topology& topology, const TrainedModel& model, Source source) {
  source.class_names = model.checkpoint.info.class_names;
  source.columns = model.checkpoint.info.columns;
  source.input_offsets = {false, model.checkpoint.inputs.offset};
  source.target_offsets = {false, model.checkpoint.targets.offset};
  source.text.vocabulary = model.checkpoint.info.vocabulary;
  source.sound.rate = model.checkpoint.info.rate;
  std::unique_ptr<Dataset> data;
  on_root(topology.ranks(), [&] {
    data = std::make_unique<Dataset>(load(source));
    check_shape(*data, model);
    check_contents(*data, model, !source.inputs_only);
  });
  return {topology, std::move(data), source};
}

Samples all_of(const Dataset& data, const Checkpoint& checkpoint) {
  return {&data, Subset::whole(data.size()), &checkpoint.inputs, &checkpoint.targets};
}

// Means are over what counts.
void require_answers(const Samples& samples) {
  if (samples.counted(samples.size(), samples.ignored()) > 0) return;
  throw Error(ExitCode::bad_data, fmt::format("{}: no label counts: all are data.ignore_label",
                                              samples.data->targets_name()));
}

PredictionTable table_of(const TrainedModel& model) {
  return {model.loss->outputs(), model.network->output_shape(), model.checkpoint.targets,
          model.checkpoint.info.class_names};
}

}  // namespace

Evaluation evaluate_checkpoint(const Communicator& all, const EvalRequest& request) {
  const Topology topology(all);
  const Communicator& world = topology.ranks();
  const std::string& checkpoint = request.checkpoint;
  const TrainedModel model = load_model(world, checkpoint, request.rounds);
  if (request.confusion && !model.loss->classifies()) {
    throw AgreedError(ExitCode::usage, fmt::format("{} learned by {}, which knows no classes\n"
                                                   "  try: trainer eval without --confusion",
                                                   checkpoint, model.loss->type()));
  }
  const config::Data& data = model.config.data;
  const CheckpointInfo& info = model.checkpoint.info;
  const double begin = now_seconds();

  SharedDataset own;
  std::unique_ptr<InputStream> stream;
  std::unique_ptr<DataSets> of_run;
  Samples samples;
  EvalEvent event;
  Evaluation evaluation;
  if (request.data.empty()) {
    of_run = load_data(topology, model.config, model.loss->outputs());
    samples = of_run->val;
    samples.inputs = &model.checkpoint.inputs;
    samples.targets = &model.checkpoint.targets;
    event.split = "val";
    together(world, [&] {
      if (samples.size() == 0) {
        throw Error(ExitCode::usage, checkpoint +
                                         ": the run had no validation data\n"
                                         "  try: trainer eval CHECKPOINT --data FILE");
      }
      if (of_run->digest != info.data_digest || of_run->vocabulary != info.vocabulary ||
          of_run->class_names != info.class_names) {
        throw Error(ExitCode::bad_data,
                    fmt::format("{} has changed since the run: digest {}, the checkpoint has {}\n"
                                "  try: trainer eval CHECKPOINT --data FILE",
                                data.train, of_run->digest, info.data_digest));
      }
      check_shape(*samples.data, model);
    });
    on_root(world, [&] { check_contents(*samples.data, model); });
  } else {
    own = load_checked(topology, model,
                       source_of(data, request.data, request.labels, model.loss->classifies()));
    samples = all_of(*own, model.checkpoint);
    stream = stream_of(topology, model.config, samples);
    event.split = request.data;
    evaluation.notes = own->notes();
  }
  measure_answers(samples, *model.loss, model.network->output_shape());
  together(world, [&] { require_answers(samples); });
  Evaluator evaluator(world, *model.network, info.batch, info.microbatches, request.rounds);
  evaluation.averaged = model.averaged;
  evaluation.class_names = info.class_names;
  if (request.confusion) evaluation.confusion.emplace();
  const MetricSums sums =
      evaluator.evaluate(model.checkpoint.parameters.span(), *model.loss, samples,
                         evaluation.confusion ? &*evaluation.confusion : nullptr);
  event.step = info.step;
  event.epoch = static_cast<double>(info.step) / static_cast<double>(info.steps_per_epoch);
  event.samples = samples.size();
  event.metrics = model.loss->metrics(sums, samples.counted(samples.size(), samples.ignored()),
                                      model.network->output_shape());
  event.seconds = now_seconds() - begin;
  evaluation.event = event;
  return evaluation;
}

PredictionSummary predict_checkpoint(const Communicator& all, const PredictRequest& request) {
  const Topology topology(all);
  const Communicator& world = topology.ranks();
  const TrainedModel model = load_model(world, request.checkpoint, request.rounds);
  Source source = source_of(model.config.data, request.data, "", model.loss->classifies());
  source.inputs_only = true;
  source.input_columns = model.network->input_shape().size();
  const SharedDataset data = load_checked(topology, model, source);
  Evaluator evaluator(world, *model.network, model.checkpoint.info.batch,
                      model.checkpoint.info.microbatches, request.rounds);
  Samples samples = all_of(*data, model.checkpoint);
  const std::unique_ptr<InputStream> stream = stream_of(topology, model.config, samples);
  std::vector<Real> predictions = evaluator.predict(model.checkpoint.parameters.span(), samples);
  on_root(world, [&] {
    const PredictionTable table = table_of(model);
    const std::string text = table.header() + table.rows(predictions, 0);
    write_atomically(request.out, std::as_bytes(std::span(text)));
  });
  return {model.averaged, data->notes()};
}

void predict_stream(const Communicator& world, const std::string& checkpoint, std::istream& in,
                    std::ostream& out) {
  const TrainedModel model = load_model(world, checkpoint);
  const PredictionTable table = table_of(model);
  Evaluator evaluator(world, *model.network, 1, 1);
  Dataset data("standard input", {.shape = model.network->input_shape(), .size = 1});
  const std::span<std::byte> bytes = std::as_writable_bytes(data.float_inputs());
  const Samples samples = all_of(data, model.checkpoint);
  out << table.header() << std::flush;
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
    check_contents(data, model, /*with_answers=*/false);
    std::vector<Real> prediction = evaluator.predict(model.checkpoint.parameters.span(), samples);
    out << table.rows(prediction, number) << std::flush;
    if (!out) throw Error(ExitCode::io, "standard output: the prediction cannot be written");
  }
}

}  // namespace lockstep

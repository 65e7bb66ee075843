#include "lockstep/train/inference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/clock.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/train/catalogue.hpp"
#include "lockstep/train/checkpoint.hpp"
#include "lockstep/train/checkpoint_store.hpp"
#include "lockstep/train/data_sets.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/setup.hpp"

namespace lockstep {
namespace {

// A trained network with what it needs to be used: the same on every rank.
struct TrainedModel {
  config::Config config;
  std::unique_ptr<Loss> loss;
  std::unique_ptr<Network> network;
  Checkpoint checkpoint;
};

TrainedModel load_model(const Communicator& world, const std::string& path) {
  std::optional<StoredCheckpoint> stored;
  on_root(world, [&] { stored = read_checkpoint(path); });
  broadcast_checkpoint(world, stored);
  TrainedModel model;
  together(world, [&] {
    const Hdf5Reader file(stored->sealed.image, path);
    const CheckpointInfo info = read_info(file);
    model.config = config::parse({path + ":config/resolved", info.config}, {}, catalogue());
    model.loss = build_loss(model.config);
    model.network =
        std::make_unique<Network>(build_network(model.config, info.input, info.vocabulary.size()));
    model.checkpoint = decode(file, *model.network, {});
    const CheckpointInfo& now = model.checkpoint.info;
    if (world.size() > now.microbatches) {
      throw Error(ExitCode::config, fmt::format("{} ranks were started, but the checkpoint has {} "
                                                "microbatches\n  try: mpirun -np {} ...",
                                                world.size(), now.microbatches, now.microbatches));
    }
  });
  choose_threads(world, 0);
  return model;
}

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
  check_inputs(data, model.checkpoint.inputs, *model.network);
  if (with_answers) check_targets(data, *model.network, model.loss->outputs());
}

SharedDataset load_checked(const Topology& topology, const TrainedModel& model, Source source) {
  source.class_names = model.checkpoint.info.class_names;
  source.text.vocabulary = model.checkpoint.info.vocabulary;
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

// The columns "p0,p1,...".
std::string probability_names(std::size_t count) {
  std::string text;
  for (std::size_t c = 0; c < count; ++c) text += fmt::format("{}p{}", c == 0 ? "" : ",", c);
  return text;
}

std::string class_rows(std::span<const Real> logits, Shape output) {
  const auto classes = static_cast<std::size_t>(output.channels);
  const auto positions = static_cast<std::size_t>(output.positions());
  std::string text = positions > 1 ? "sample,position," : "";
  text += "label," + probability_names(classes) + '\n';
  for (std::size_t at = 0; at < logits.size(); at += classes) {
    const auto row = logits.subspan(at, classes);
    const std::size_t index = at / classes;
    if (positions > 1) text += fmt::format("{},{},", index / positions, index % positions);
    const auto top = std::ranges::max_element(row);
    double sum = 0;
    for (const Real z : row) sum += std::exp(static_cast<double>(z) - *top);
    text += fmt::format("{}", top - row.begin());
    for (const Real z : row) {
      text += fmt::format(",{:.6g}", std::exp(static_cast<double>(z) - *top) / sum);
    }
    text += '\n';
  }
  return text;
}

std::string logit_rows(std::span<const Real> logits, std::size_t columns) {
  std::string text = probability_names(columns) + '\n';
  for (std::size_t i = 0; i < logits.size(); ++i) {
    text += fmt::format("{:.6g}{}", 1 / (1 + std::exp(-static_cast<double>(logits[i]))),
                        (i + 1) % columns == 0 ? '\n' : ',');
  }
  return text;
}

std::string value_rows(std::span<Real> values, std::size_t columns, const Normalization& targets) {
  targets.undo(values);
  std::string text;
  for (std::size_t c = 0; c < columns; ++c) text += fmt::format("{}y{}", c == 0 ? "" : ",", c);
  text += '\n';
  for (std::size_t at = 0; at < values.size(); at += columns) {
    text += fmt::format("{}\n", fmt::join(values.subspan(at, columns), ","));
  }
  return text;
}

std::string prediction_rows(std::span<Real> predictions, const TrainedModel& model) {
  const Shape output = model.network->output_shape();
  const auto columns = static_cast<std::size_t>(output.size());
  switch (model.loss->outputs()) {
    case Outputs::class_logits:
      return class_rows(predictions, output);
    case Outputs::logits:
      return logit_rows(predictions, columns);
    case Outputs::values:
      break;
  }
  return value_rows(predictions, columns, model.checkpoint.targets);
}

}  // namespace

Evaluation evaluate_checkpoint(const Communicator& all, const EvalRequest& request) {
  const Topology topology(all);
  const Communicator& world = topology.ranks();
  const std::string& checkpoint = request.checkpoint;
  const TrainedModel model = load_model(world, checkpoint);
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
    stream = stream_of(topology, samples);
    event.split = request.data;
  }
  Evaluator evaluator(world, *model.network, info.batch, info.microbatches);
  Evaluation evaluation;
  if (request.confusion) evaluation.confusion.emplace();
  const MetricSums sums =
      evaluator.evaluate(model.checkpoint.parameters.span(), *model.loss, samples,
                         evaluation.confusion ? &*evaluation.confusion : nullptr);
  event.step = info.step;
  event.epoch = static_cast<double>(info.step) / static_cast<double>(info.steps_per_epoch);
  event.samples = samples.size();
  event.metrics =
      model.loss->metrics(sums, static_cast<double>(samples.size()), model.network->output_shape());
  event.seconds = now_seconds() - begin;
  evaluation.event = event;
  return evaluation;
}

void predict_checkpoint(const Communicator& all, const std::string& checkpoint,
                        const std::string& data_path, const std::string& out) {
  const Topology topology(all);
  const Communicator& world = topology.ranks();
  const TrainedModel model = load_model(world, checkpoint);
  Source source = source_of(model.config.data, data_path, "", model.loss->classifies());
  source.inputs_only = true;
  source.input_columns = model.network->input_shape().size();
  const SharedDataset data = load_checked(topology, model, source);
  Evaluator evaluator(world, *model.network, model.checkpoint.info.batch,
                      model.checkpoint.info.microbatches);
  Samples samples = all_of(*data, model.checkpoint);
  const std::unique_ptr<InputStream> stream = stream_of(topology, samples);
  std::vector<Real> predictions = evaluator.predict(model.checkpoint.parameters.span(), samples);
  on_root(world, [&] {
    const std::string text = prediction_rows(predictions, model);
    write_atomically(out, std::as_bytes(std::span(text)));
  });
}

}  // namespace lockstep

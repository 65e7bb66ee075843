#include "lockstep/setup/data_sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lockstep/comm/agreement.hpp"
#include "setup/broadcast.hpp"

namespace lockstep {
namespace {

std::optional<char> delimiter_of(const std::string& name) {
  if (name == "comma") return ',';
  if (name == "semicolon") return ';';
  if (name == "tab") return '\t';
  if (name == "space") return ' ';
  return std::nullopt;
}

SoundFeatures features_of(const std::string& name) {
  if (name == "log_mel") return SoundFeatures::log_mel;
  return name == "log_mel_sequence" ? SoundFeatures::log_mel_sequence : SoundFeatures::wave;
}

void broadcast_texts(const Communicator& world, std::vector<std::string>& texts) {
  auto count = static_cast<std::uint64_t>(texts.size());
  world.broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  texts.resize(count);
  for (std::string& text : texts) text = broadcast_text(world, text);
}

void broadcast_names(const Communicator& world, DataSets& sets) {
  broadcast_texts(world, sets.class_names);
  broadcast_texts(world, sets.columns.inputs);
  sets.columns.target = broadcast_text(world, sets.columns.target);
  sets.columns.weights = broadcast_text(world, sets.columns.weights);
  bool bytewise = sets.vocabulary.bytewise();
  world.broadcast(std::as_writable_bytes(std::span(&bytewise, 1)), 0);
  std::vector<std::uint32_t> symbols = sets.vocabulary.code_points();
  auto count = static_cast<std::uint64_t>(symbols.size());
  world.broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  symbols.resize(count);
  world.broadcast(std::as_writable_bytes(std::span(symbols)), 0);
  sets.vocabulary = Vocabulary::stored(bytewise, std::move(symbols));
}

void broadcast_normalization(const Communicator& world, Normalization& normalization) {
  broadcast_numbers(world, normalization.mean);
  broadcast_numbers(world, normalization.inverse_std);
  broadcast_numbers(world, normalization.offset);
}

Normalization normalization_of(const config::Config& config, const Dataset& data,
                               const Subset& training) {
  if (!config.data.mean.empty()) {
    return given_normalization(config.data.mean, config.data.deviation, data.shape().channels,
                               data.offsets());
  }
  if (config.data.normalize == "standard") return input_normalization(data, training);
  return {};
}

std::string shape_text(const Dataset& data) {
  const Shape shape = data.shape();
  return fmt::format("{} x {} x {} (height, width, channels) with {} target values", shape.height,
                     shape.width, shape.channels, data.describe().target_columns);
}

// What rank 0 does alone: read, split, measure.
void load_on_root(const config::Config& config, bool classification,
                  std::unique_ptr<Dataset>& train, std::unique_ptr<Dataset>& val) {
  const config::Data& data = config.data;
  if (data.ignore_label && !classification) {
    throw config.error(
        "data.ignore_label",
        "'ignore_label' is for class labels, as loss.type = \"cross_entropy\" takes");
  }
  train = std::make_unique<Dataset>(
      load(source_of(data, data.train, data.train_labels.value_or(""), classification)));
  if (data.val) {
    Source source = source_of(data, *data.val, data.val_labels.value_or(""), classification);
    source.class_names = train->class_names();
    source.columns = train->columns();
    source.input_offsets = {false, train->offsets()};
    source.target_offsets = {false, train->target_offsets()};
    source.text.vocabulary = train->vocabulary();
    source.sound.rate = train->describe().rate;
    val = std::make_unique<Dataset>(load(source));
    if (!(val->shape() == train->shape()) ||
        val->describe().target_columns != train->describe().target_columns) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: its samples have another shape than those of {}: {} instead of {}",
                      *data.val, data.train, shape_text(*val), shape_text(*train)));
    }
  } else if (train->describe().is_text() && data.holdout > 0) {
    TextParts parts = split_text(*train, data.holdout);
    train = std::make_unique<Dataset>(std::move(parts.train));
    val = std::make_unique<Dataset>(std::move(parts.validation));
  }
  if (train->describe().is_text() && (data.normalize != "none" || !data.mean.empty())) {
    throw config.error(data.mean.empty() ? "data.normalize" : "data.mean",
                       "the symbols of a text are not normalized");
  }
}

// A batch reaches into two windows at most.
void check_window(const config::Config& config, const Dataset& data) {
  const DatasetHeader& header = data.describe();
  const Index samples = header.blocks.rows * header.blocks.window;
  if (config.data.batch <= samples) return;
  throw config.error(
      "data.memory",
      fmt::format("a quarter of 'memory' holds {} samples of {}, fewer than one batch "
                  "of {}",
                  samples, data.name(), config.data.batch));
}

// What every rank does once it has the data.
void split(const config::Config& config, DataSets& sets) {
  const Index size = sets.train_data->size();
  Subset train = Subset::whole(size);
  Subset val = Subset::whole(sets.val_data ? sets.val_data->size() : 0);
  sets.split = "separate";
  if (sets.val_data && !config.data.val) {
    sets.split = fmt::format("last {}", config.data.holdout);
    sets.held_out = true;
  }
  const Blocks& blocks = sets.train_data->describe().blocks;
  if (!sets.val_data) {
    const Split parts = split_of(config, *sets.train_data);
    train = parts.train;
    val = parts.validation;
    sets.split = fmt::format("holdout {}", config.data.holdout);
    sets.held_out = val.size() > 0;
  }
  if (blocks.rows > 0) {
    sets.split += fmt::format(", blocks of {} in windows of {}", blocks.rows, blocks.window);
  }
  sets.train = {sets.train_data.get(), train, &sets.inputs, &sets.targets};
  if (sets.train_data->describe().is_text()) {
    sets.train.window_seed = static_cast<std::uint64_t>(config.run.seed);
  }
  sets.val = {sets.val_data ? sets.val_data.get() : sets.train_data.get(), val, &sets.inputs,
              &sets.targets};
  if (config.data.batch > train.size()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {} training samples are fewer than one batch of {}\n"
                            "  try: --set data.batch={}",
                            config.data.train, train.size(), config.data.batch, train.size()));
  }
}

}  // namespace

Source source_of(const config::Data& data, const std::string& path, const std::string& labels_path,
                 bool classification) {
  Source source;
  source.type = data.type;
  source.path = path;
  source.labels_path = labels_path;
  if (data.header != "auto") source.header = data.header == "yes";
  source.delimiter = delimiter_of(data.delimiter);
  source.target = data.target;
  source.weights = data.weights;
  source.input_offsets.find = data.normalize == "standard" || !data.mean.empty();
  source.target_offsets.find = data.normalize_targets == "standard";
  source.inputs_name = data.inputs;
  source.targets_name = data.targets;
  source.label_pattern = data.label_pattern;
  source.sound = {.seconds = data.seconds,
                  .features = features_of(data.features),
                  .window = data.window,
                  .hop = data.hop,
                  .mel_bands = data.mel_bands};
  source.channels_first = data.layout == "nchw";
  source.ignore_label = data.ignore_label;
  source.memory = data.memory;
  source.text.bytewise = data.symbols == "byte";
  source.text.context = data.context;
  source.text.stride = data.stride;
  source.classification = classification;
  return source;
}

Split split_of(const config::Config& config, const Dataset& data) {
  return hold_out(data.size(), config.data.holdout, static_cast<std::uint64_t>(config.run.seed),
                  std::max<Index>(data.describe().blocks.rows, 1));
}

std::unique_ptr<InputStream> stream_of(const Topology& topology, const config::Config& config,
                                       Dataset& data, Samples& samples) {
  if (samples.size() == 0 || !data.describe().streamed()) return nullptr;
  fail_together(topology.ranks(), [&] { check_window(config, data); });
  auto stream = std::make_unique<InputStream>(topology, data, samples.subset);
  samples.stream = stream.get();
  return stream;
}

std::unique_ptr<DataSets> load_data(const Topology& topology, const config::Config& config,
                                    Outputs outputs) {
  const Communicator& world = topology.ranks();
  auto sets = std::make_unique<DataSets>();
  std::unique_ptr<Dataset> train;
  std::unique_ptr<Dataset> val;
  run_on_root(world, [&] {
    load_on_root(config, outputs == Outputs::class_logits, train, val);
    sets->class_names = train->class_names();
    sets->columns = train->columns();
    sets->vocabulary = train->vocabulary();
  });
  broadcast_names(world, *sets);
  const config::Data& data = config.data;
  const bool classification = outputs == Outputs::class_logits;
  sets->train_data =
      SharedDataset(topology, std::move(train), source_of(data, data.train, "", classification));
  sets->val_data = SharedDataset(topology, std::move(val),
                                 source_of(data, data.val.value_or(""), "", classification));
  fail_together(world, [&] { split(config, *sets); });
  sets->train_stream = stream_of(topology, config, *sets->train_data, sets->train);
  sets->val_stream =
      stream_of(topology, config, sets->val_data ? *sets->val_data : *sets->train_data, sets->val);
  run_on_root(world, [&] {
    sets->inputs = normalization_of(config, *sets->train_data, sets->train.subset);
    if (config.data.normalize_targets == "standard") {
      if (outputs != Outputs::values) {
        throw config.error("data.normalize_targets", outputs == Outputs::logits
                                                         ? "probabilities are not normalized"
                                                         : "class labels are not normalized");
      }
      sets->targets = target_normalization(*sets->train_data, sets->train.subset);
    }
    sets->digest = sets->train_data->digest().hex();
  });
  broadcast_normalization(world, sets->inputs);
  broadcast_normalization(world, sets->targets);
  sets->digest = broadcast_text(world, sets->digest);
  return sets;
}

void check_inputs(const Dataset& data, const Normalization& normalization, const Network& network,
                  Index vocabulary) {
  std::vector<Real> input(static_cast<std::size_t>(data.shape().size()));
  InputScan inputs(data);
  for (const Network::Node& node : network.nodes()) {
    const bool reads_data =
        std::ranges::any_of(node.inputs, [&](Value v) { return v.id == network.input().id; });
    if (node.symbols == 0 || !reads_data) continue;
    if (data.describe().is_text()) {
      if (vocabulary <= node.symbols) continue;
      throw Error(ExitCode::config, fmt::format("layer '{}' takes {} symbols, but {} has {}\n"
                                                "  give it a row for each: symbols = \"vocab\"",
                                                node.name, node.symbols, data.name(), vocabulary));
    }
    for (Index i = 0; i < data.size(); ++i) {
      data.normalize(inputs(i), normalization, input);
      const auto wrong = std::ranges::find_if_not(input, [&](Real x) {
        return x >= 0 && x < static_cast<Real>(node.symbols) && x == std::floor(x);
      });
      if (wrong == input.end()) continue;
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: value {} of sample {} is {}, but layer '{}' takes the numbers of {} "
                      "symbols: whole numbers from 0 to {}, not normalized\n"
                      "  set data.normalize = \"none\", and symbols above the largest number",
                      data.name(), wrong - input.begin(), i, *wrong, node.name, node.symbols,
                      node.symbols - 1));
    }
  }
}

}  // namespace lockstep
